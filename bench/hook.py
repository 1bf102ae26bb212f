"""A hook: from Plex's webhook about one new photo, in a section of 20 000, to its tags on Plex.

The fake server runs in this process, the service in processes of its own.
"""

import json
import os
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import requests

from bench import photographs
from bench.served import Served
from tests.plex import PlexServer
from tests.plex.filling import fill

ITEMS = 20_000
QUIET_S = {"hook_quick_s": "1", "hook_default_s": "60"}
_LONGEST_S = 240.0
_KEYS = re.compile(r"(?:/metadata/|/parts/|[?&]id=)([0-9,]+)")


class Stage:
    """A Plex section whose photos are tagged, and a hook whose scans apply."""

    def __init__(self, root: Path, plex: PlexServer) -> None:
        self.plex = plex
        self.root = root
        self.section = fill(plex, root / "photos", photos=ITEMS)
        self.unchanged = set(plex.held[self.section].entries)
        with self.served("60").running() as served:
            scan = served.ended(served.ask("POST", "scans", library="plex", write="apply"))
            assert scan["state"] == "done", scan
            self.token = served.ask("POST", "hooks", name="Plex", write="apply")["token"]

    def served(self, quiet_s: str) -> Served:
        plex = self.plex
        return Served(
            self.root / "home",
            {
                "HOOK_QUIET_S": quiet_s,
                "LIBRARY_PLEX_NAME": "tigertag.plex",
                "LIBRARY_PLEX_URL": plex.url,
                "LIBRARY_PLEX_TOKEN": plex.token,
                "ENGINE_INSTANT_NAME": "bench.instant",
            },
        )

    def announce(self, served: Served) -> float:
        """Add a photo, and let Plex say so; return after how many seconds it has tags."""
        # A photo with the bytes of another may be one that was moved, which costs a look at that.
        old = next((self.root / "photos").rglob("*.jpg")).read_bytes()
        picture = old + os.urandom(1000)
        key = self.plex.add_photo(self.section, "new", picture)
        self.plex.photo(key).added = int(time.time())
        news = {"event": "library.new", "Metadata": {"librarySectionID": self.section}}
        parts: list[tuple[str, tuple[str | None, str | bytes]]] = [
            ("payload", (None, json.dumps(news))),
            ("thumb", ("thumb.jpg", picture)),
        ]
        begun = time.perf_counter()
        answer = requests.post(f"{served.url}/api/v1/hooks/{self.token}", files=parts, timeout=30)
        assert answer.ok, answer.text
        while not self.plex.tags(key):
            assert time.perf_counter() < begun + _LONGEST_S, "the photo got no tags"
            time.sleep(0.01)
        return time.perf_counter() - begun

    def asked_of_unchanged(self, lines: Iterable[str]) -> int:
        """How many requests name an item that has not changed."""
        named = ({*key.split(",")} for line in lines for key in _KEYS.findall(unquote(line)))
        return sum(1 for keys in named if {int(key) for key in keys if key} & self.unchanged)


def wait_for_worker(served: Served) -> None:
    """Wait until the process has started that does all of this: people do not start it for news."""
    (newest,) = served.ask("GET", "scans?limit=1")["items"]
    served.ended(newest)
    served.ended(served.ask("POST", "scans", library="plex", mode="new"))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        print(json.dumps(_measured(Path(scratch))))


def _measured(root: Path) -> dict[str, float]:
    photographs.make(root / "photos", 6, sizes=("0.3 Mpx",))
    with PlexServer() as plex:
        stage = Stage(root, plex)
        plex.log.clear()
        figures: dict[str, float] = {}
        for name, quiet_s in QUIET_S.items():
            with stage.served(quiet_s).running() as served:
                wait_for_worker(served)
                figures[name] = stage.announce(served)
        asked = stage.asked_of_unchanged(plex.log)
        return figures | {"hook_asked": len(plex.log), "hook_unchanged_asked": asked}


if __name__ == "__main__":
    main()
