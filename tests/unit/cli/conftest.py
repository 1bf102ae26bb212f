from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tests.sqlite import make_migrated
from tigertag.cli import main
from tigertag.settings import homes

Run = Callable[..., Result]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (16, 16), (200, 30, 30)).save(folder / "a.png")
    return folder


@pytest.fixture
def run_anew(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """As `run`, but there is no home yet."""
    for key, value in {
        "TIGERTAG_HOME": str(tmp_path / "home"),
        "TIGERTAG_LEASE_S": "0.5",
        "LIBRARY_PHOTOS_NAME": "tigertag.folder",
        "LIBRARY_PHOTOS_PATH": str(photos),
        "ENGINE_INSTANT_NAME": "bench.instant",
    }.items():
        monkeypatch.setenv(key, value)

    # Each test has a new home; that it is said to be one has a test of its own.
    monkeypatch.setattr(homes, "is_new", lambda _settings: False)

    def call(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(main, list(arguments), input=input, catch_exceptions=False)

    return call


@pytest.fixture
def run(run_anew: Run, tmp_path: Path) -> Run:
    """Runs `tigertag …` over a folder of one picture, with an engine that says "cat"."""
    make_migrated(tmp_path / "home/tigertag.db")
    return run_anew
