"""Kill -9 of the service while it writes to Plex: no tag lost, none doubled, the ledger true."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import server_kills
from bench.server_kills import Target
from tests.plex import PlexServer
from tests.plex.filling import fill


@contextmanager
def _plex(pictures: Path, photos: int) -> Iterator[Target]:
    with PlexServer() as plex:
        fill(plex, pictures, photos=photos)
        settings = {"NAME": "tigertag.plex", "URL": plex.url, "TOKEN": plex.token}
        yield Target(settings, lambda key: plex.tags(int(key)), lambda: plex.counts["edit"])


def run(kills: int, photos: int, *, seed: int) -> dict[str, float]:
    killed, midway, scans = server_kills.run(_plex, kills, photos, seed=seed)
    return {"plex_kills": killed, "plex_kills_midway": midway, "plex_kill_scans": scans}


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), seed=int(time.time()))))
