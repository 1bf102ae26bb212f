"""`tigertag genre learn` interrupted, killed, and twice at once: what was seen is kept."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.genres.studio import FILMS, posters
from tests.unit.inference import tiny

pytestmark = pytest.mark.slow

SLOWLY = """
import sys, time
from tigertag.genres import features
embedded = features._embedded
def slowly(embedder, frames):
    time.sleep({pause_s})
    return embedded(embedder, frames)
features._embedded = slowly
from tigertag.cli import main
main()
"""


@dataclass
class Home:
    """A place where a model is learned of posters, by processes of their own."""

    root: Path
    running: list["subprocess.Popen[str]"] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.root / "home"

    def learn(self, *, pause_s: float = 0.05) -> "subprocess.Popen[str]":
        network = self.root / "tiny.onnx"
        words = ("genre", "learn", str(self.root / "films.csv"), "--backbone", str(network))
        process = subprocess.Popen(
            [sys.executable, "-c", SLOWLY.format(pause_s=pause_s), *words, "--min-examples", "5"],
            env=os.environ | {"TIGERTAG_HOME": str(self.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Tests that run in the background have SIGINT ignored, and so would this.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        self.running.append(process)
        return process

    def records(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (self.path / "features").rglob("*.npz")}

    def await_records(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.records()) < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def head(self) -> str:
        path = self.path / "models" / "genres" / "default" / "head.npz"
        return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    tiny.network(tmp_path / "tiny.onnx")
    posters(tmp_path)
    made = Home(tmp_path)
    yield made
    for process in made.running:
        if process.poll() is None:
            process.kill()
            process.communicate()


def ended(process: "subprocess.Popen[str]") -> tuple[str, str]:
    return process.communicate(timeout=120)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_it_is_told_what_is_kept_and_goes_on_from_there(home: Home, sent: int) -> None:
    process = home.learn()
    home.await_records(10)
    process.send_signal(sent)
    out, error = ended(process)
    assert (process.returncode, out) == (130, "")
    said = error.splitlines()[-1]
    assert said.startswith("Stopped. Features of ")
    assert said.endswith(f" of {FILMS} are kept; run the same command to continue.")
    before = home.records()
    assert 10 <= len(before) < FILMS
    process = home.learn(pause_s=0)
    assert "Genre model 'default' is kept" in ended(process)[0]
    after = home.records()
    assert {path: after[path] for path in before} == before


def test_whatever_it_is_killed_at_the_result_is_the_same(home: Home) -> None:
    for count in (1, 20, 50):
        process = home.learn()
        home.await_records(count)
        process.kill()
        ended(process)
        assert process.returncode == -signal.SIGKILL
    before = home.records()
    out, error = ended(home.learn(pause_s=0))
    assert ("is kept" in out, "made anew" in error) == (True, False)
    assert {path: home.records()[path] for path in before} == before
    first = home.head()
    home.path.rename(home.root / "elsewhere")
    ended(home.learn(pause_s=0))
    assert home.head() == first


def test_two_at_once_come_to_the_same(home: Home) -> None:
    both = [home.learn(pause_s=0.01) for _ in range(2)]
    for process in both:
        out, error = ended(process)
        assert (process.returncode, "is kept" in out) == (0, True), error
    assert len(home.records()) == FILMS
    first = home.head()
    ended(home.learn(pause_s=0))
    assert home.head() == first
