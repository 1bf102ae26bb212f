"""Facts of files through scans: asked once, decided as the settings say."""

from pathlib import Path

import pytest

from tests.tiffs import LENS, MAKE, MODEL, VIENNA, exif, picture
from tigertag import bootstrap, settings
from tigertag.engines.metadata import geonames
from tigertag.media import metadata
from tigertag.model import Media, Metadata, Shown
from tigertag.services import scan_status, scans
from tigertag.services.scans import Request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not geonames.version(), reason="the extra `places` is not installed"),
]


class Reads:
    """Counts the files that are read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[Path] = []
        self._read = metadata.read
        monkeypatch.setattr(metadata, "read", self)

    def __call__(self, source: Path | bytes, media: Media) -> Metadata:
        assert isinstance(source, Path)
        self.paths.append(source)
        return self._read(source, media)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    main, photo = {MAKE: "Apple", MODEL: "iPhone 12"}, {LENS: "iPhone 12 front camera"}
    (photos / "a.jpg").write_bytes(picture(data=exif(main, photo, VIENNA)))
    return tmp_path


def scanned(home: Path, **engine: str) -> set[str]:
    """Scan and write; return the tags that were decided."""
    values = {
        "TIGERTAG_HOME": str(home / "home"),
        "LIBRARY_P_NAME": "tigertag.folder",
        "LIBRARY_P_PATH": str(home / "photos"),
        "ENGINE_M_NAME": "tigertag.metadata",
    }
    values |= {f"ENGINE_M_{name.upper()}": value for name, value in engine.items()}
    core = bootstrap.build(settings.load(values))
    bootstrap.open_store(core)
    scan_id = scans.start(core, Request("p", write="apply"))
    scans.run(core, scan_id).run()
    section = core.library_entry("p")
    assert section.library is not None
    (part,) = section.library.sections()
    (item,) = section.library.items(part)
    (shown,) = section.library.read_tags([item])
    assert scan_status.status(core, scan_id).failed == 0
    core.store.close()
    assert isinstance(shown, Shown)
    return {tag.name for tag in shown.tags}


def test_a_photo_is_tagged_with_its_place(home: Path) -> None:
    tags = scanned(home)
    assert tags == {"Vienna", "Austria"}


def test_other_tags_are_decided_without_reading_a_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(monkeypatch)
    scanned(home, tags="places")
    tags = scanned(home, tags="places,selfie")
    assert tags == {"Vienna", "Austria", "selfie"}
    assert len(reads.paths) == 1


def test_an_unchanged_file_is_not_read_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(monkeypatch)
    scanned(home)
    scanned(home)
    assert len(reads.paths) == 1


def test_with_private_places_an_unchanged_file_is_not_read_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(monkeypatch)
    assert scanned(home, private_places="48.2082,16.3738,5000") == set()
    scanned(home, private_places="48.2082,16.3738,5000")
    assert len(reads.paths) == 1


def test_places_that_are_switched_off_are_taken_away_again(home: Path) -> None:
    scanned(home)
    tags = scanned(home, places="off", tags="selfie")
    assert tags == {"selfie"}
