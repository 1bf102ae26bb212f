"""Kill -9 of the service while it writes to a server: tags are neither lost nor doubled."""

import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import photographs
from bench.served import Served

LEASE_S = "0.5"


@dataclass(frozen=True, slots=True)
class Target:
    """A server with photos. `edits`: how many requests have changed tags so far.

    `settle` waits until the server is done with what it was asked.
    """

    settings: Mapping[str, str]
    tags: Callable[[str], list[str]]
    edits: Callable[[], int]
    settle: Callable[[], None] = lambda: None


Opened = Callable[[Path, int], AbstractContextManager[Target]]
"""Makes a server of the pictures in a folder, which go round to make so many photos."""


class Stage:
    """A section of photos, and a service that has previewed it."""

    def __init__(self, root: Path, target: Target) -> None:
        self.target = target
        own = {f"LIBRARY_PHOTOS_{name}": value for name, value in target.settings.items()}
        engine = {"ENGINE_INSTANT_NAME": "bench.instant"}
        self.served = Served(root, {"TIGERTAG_LEASE_S": LEASE_S, **engine, **own})
        self.preview: dict[str, Any] = {}

    def lay_out(self) -> None:
        """Preview; what it shows is what has to be there in the end."""
        self.preview = self.served.ended(self.served.ask("POST", "scans", library="photos"))
        assert self.preview["state"] == "done", self.preview

    def expected(self) -> dict[str, set[str]]:
        wanted: dict[str, set[str]] = {}
        path: str | None = f"scans/{self.preview['id']}/changes?limit=200"
        while path is not None:
            page = self.served.ask("GET", path)
            for one in page["items"]:
                names = {add["name"].casefold() for add in one["adds"]}
                wanted[one["item"]["key"]] = names
            after = page["next"]
            path = after and f"scans/{self.preview['id']}/changes?limit=200&cursor={after}"
        return wanted

    def shown(self, keys: list[str]) -> dict[str, list[str]]:
        return {key: [tag.casefold() for tag in self.target.tags(key)] for key in keys}

    def is_writing(self, scan: dict[str, Any]) -> bool:
        """Wait until the next edit reaches the server; False when the scan ends without one."""
        before = self.target.edits()
        while self.target.edits() == before:
            state = self.served.ask("GET", f"scans/{scan['id']}")["state"]
            if state not in ("queued", "running"):
                return False
            time.sleep(0.02)
        return True

    def check(self, expected: dict[str, set[str]]) -> None:
        """Raises `AssertionError` where the server, the preview and the ledger differ."""
        self.target.settle()
        shown = self.shown(list(expected))
        doubled = [key for key, tags in shown.items() if len(tags) != len(set(tags))]
        assert not doubled, f"tags are doubled: {doubled}"
        lost = {key: tags - set(shown[key]) for key, tags in expected.items()}
        lost = {key: tags for key, tags in lost.items() if tags}
        assert not lost, f"tags of {len(lost)} items are lost, such as {next(iter(lost.items()))}"
        assert {key: set(tags) for key, tags in shown.items()} == expected, "tags came by"
        self._check_ledger(expected)

    def _check_ledger(self, expected: dict[str, set[str]]) -> None:
        joined = "JOIN items ON items.id = item_id"
        with closing(sqlite3.connect(self.served.home / "tigertag.db", timeout=30)) as db:
            standing = db.execute(f"SELECT key, word, state FROM standing {joined}").fetchall()
            edits = db.execute(f"SELECT key, state, after, adds FROM edits {joined}").fetchall()
        ours = {(key, word) for key, word, state in standing if state == "ours"}
        assert ours == {(key, word) for key, words in expected.items() for word in words}
        assert {state for _key, state, *_rest in edits} <= {"verified", "failed"}
        for key, state, after, adds in edits:
            if state == "verified":
                there = {name.casefold() for _field, name in json.loads(after)["tags"]}
                added = {name.casefold() for _field, name in json.loads(adds)}
                assert there & added, f"the ledger says of {key} what was not so"


def run(
    opened: Opened, kills: int, photos: int, *, seed: int, within_s: float = 0.3
) -> tuple[int, int, int]:
    """Kill so many times, in as many scans as it takes. Raises `AssertionError`.

    A kill comes within `within_s` of an edit. A chunk that is killed a dozen times without having
    got any further is given up, by design: it has to be longer than a first write takes.

    Returns the kills, those in the middle of writing, and the scans.
    """
    chance, killed, scans, midway = random.Random(seed), 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="tigertag-kills-") as scratch:
        made = photographs.make(Path(scratch) / "photos", 3, sizes=("0.3 Mpx",))
        while killed < kills:
            with opened(made[0].parent, photos) as target:
                stage = Stage(Path(scratch) / f"home{scans}", target)
                stage.served.start()
                stage.lay_out()
                expected = stage.expected()
                assert len(expected) == photos
                scan = stage.served.ask("POST", f"scans/{stage.preview['id']}/apply")
                while killed < kills and stage.is_writing(scan):
                    time.sleep(chance.uniform(0, within_s))
                    written = sum(len(tags) > 0 for tags in stage.shown(list(expected)).values())
                    midway += 0 < written < photos
                    only_worker = chance.random() < 0.5
                    stage.served.kill(only_worker=only_worker)
                    killed += 1
                    if not only_worker:
                        stage.served.start()
                assert stage.served.ended(scan)["state"] == "done"
                stage.check(expected)
                stage.served.stop()
                scans += 1
    return killed, midway, scans
