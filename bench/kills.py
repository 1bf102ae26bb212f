"""Kill -9 at random moments of scans: nothing committed is lost, nothing is asked twice.

After each kill: every answer that had been committed is still there, none of them was asked about
again since, every sidecar is whole, every photo is untouched. After each scan that came to its
end: the tags equal those of a scan that nobody disturbed.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from bench import photographs
from bench.witness import digest
from tigertag.media.picture import decode

_LI = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_SUBJECT = "{http://purl.org/dc/elements/1.1/}subject"
_SHORT_SIDE_PX = 256
LEASE_S = 0.5


@dataclass
class Stage:
    """A folder of photos that is scanned, killed and scanned again."""

    root: Path
    originals: Path
    digests: dict[str, str]
    committed: set[str] = field(default_factory=set)
    witnessed: int = 0

    @property
    def photos(self) -> Path:
        return self.root / "photos"

    def lay_out(self) -> None:
        """Begin anew: fresh photos, an empty database."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.originals, self.photos)
        self.committed, self.witnessed = set(), 0

    def scan(self, *, kill_after_s: float | None = None) -> bool:
        """Scan and apply; True when the scan came to its end, False when it was killed."""
        command = [sys.executable, "-m", "tigertag", "scan", "photos", "--apply"]
        process = subprocess.Popen(
            command,
            env=os.environ | self._settings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=kill_after_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return False
        assert process.returncode == 0, said
        return True

    def _settings(self) -> dict[str, str]:
        return {
            "TIGERTAG_HOME": str(self.root / "home"),
            "TIGERTAG_LEASE_S": str(LEASE_S),
            "LIBRARY_PHOTOS_NAME": "tigertag.folder",
            "LIBRARY_PHOTOS_PATH": str(self.photos),
            "ENGINE_LOCAL_NAME": "bench.witness",
            "ENGINE_LOCAL_FILE": str(self.root / "witness"),
        }

    def check(self) -> None:
        """Look at what a kill left behind."""
        answered = self._answered()
        assert self.committed <= answered, "an answer that was committed is lost"
        asked = self._asked()
        again = {self.digests[one] for one in asked[self.witnessed :]} & self.committed
        assert not again, f"asked again although answered: {sorted(again)}"
        self.committed, self.witnessed = answered, len(asked)
        for path in self.photos.iterdir():
            if path.suffix == ".jpg":
                assert path.read_bytes() == (self.originals / path.name).read_bytes(), path
            elif path.suffix == ".xmp":
                ElementTree.parse(path)

    def _asked(self) -> list[str]:
        file = self.root / "witness"
        return file.read_text().split() if file.exists() else []

    def _answered(self) -> set[str]:
        database = self.root / "home" / "tigertag.db"
        if not database.exists():
            return set()
        connection = sqlite3.connect(database, timeout=30)
        try:
            rows = connection.execute(
                "SELECT items.key FROM answers JOIN items ON items.id = answers.item_id"
            ).fetchall()
        except sqlite3.OperationalError:
            return set()
        finally:
            connection.close()
        assert len(rows) == len(set(rows)), "an item has two answers"
        return {key for (key,) in rows}

    def tags(self) -> dict[str, list[str]]:
        return {path.name: _subjects(path) for path in sorted(self.photos.glob("*.xmp"))}


def _subjects(path: Path) -> list[str]:
    return sorted(
        entry.text or "" for subject in ElementTree.parse(path).iter(_SUBJECT)
        for entry in subject.iter(_LI)
    )  # fmt: skip


def stage(root: Path, photos: int) -> Stage:
    originals = root / "originals"
    made = photographs.make(originals, photos, sizes=("0.3 Mpx",))
    digests = {digest(decode(path, _SHORT_SIDE_PX)): path.name for path in made}
    assert len(digests) == photos
    return Stage(root / "stage", originals, digests)


def run(kills: int, photos: int, *, seed: int) -> dict[str, float]:
    """Kill so many times, in as many scans as it takes. Raises AssertionError."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="tigertag-kills-") as scratch:
        ours = stage(Path(scratch), photos)
        ours.lay_out()
        begun = time.perf_counter()
        assert ours.scan()
        undisturbed_s = time.perf_counter() - begun
        ours.check()
        expected = ours.tags()
        assert expected, "the undisturbed run gave no tags"
        killed = scans = asked_twice = 0
        while killed < kills:
            ours.lay_out()
            while not ours.scan(kill_after_s=chance.uniform(0, undisturbed_s * 1.1)):
                killed += 1
                ours.check()
                if killed == kills:
                    assert ours.scan()
                    break
            ours.check()
            assert len(ours.committed) == photos
            assert ours.tags() == expected, "the tags differ from those of an undisturbed run"
            asked_twice += len(ours._asked()) - photos
            scans += 1
    return {
        "kills": killed,
        "kill_scans": scans,
        "kill_in_flight": asked_twice,
        "undisturbed_s": undisturbed_s,
    }


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), seed=int(time.time()))))
