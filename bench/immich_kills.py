"""Kill -9 of the service while it writes to Immich: no tag lost, none doubled, the ledger true."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import server_kills
from bench.server_kills import Target
from tests.immich import KEY, ImmichServer, fill

_WITHIN_S = 4.0
"""The first write of each process is verified at once, which takes seconds."""


@contextmanager
def _immich(pictures: Path, photos: int) -> Iterator[Target]:
    with ImmichServer() as server:
        fill(server, pictures, photos=photos)
        settings = {"NAME": "tigertag.immich", "URL": server.url, "API_KEY": KEY}
        yield Target(
            settings,
            server.tags,
            lambda: server.counts["PUT /tags/assets"],
            lambda: server.settle(60),
        )


def run(kills: int, photos: int, *, seed: int) -> dict[str, float]:
    killed, midway, scans = server_kills.run(_immich, kills, photos, seed=seed, within_s=_WITHIN_S)
    return {"immich_kills": killed, "immich_kills_midway": midway, "immich_kill_scans": scans}


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), seed=int(time.time()))))
