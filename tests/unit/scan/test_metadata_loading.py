"""What the loader gives of a file beside its pixels, and to which engines."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from tests.colours import ColourEngine
from tests.tiffs import MAKE, MODEL, exif, keys, movie, picture, track
from tests.unit.scan.test_engine_run import png
from tigertag.contracts import (
    Capabilities,
    Failed,
    Labelled,
    Library,
    Need,
    Outcome,
    RunContext,
    Source,
)
from tigertag.errors import ItemError, ItemGone, Unreadable
from tigertag.media import metadata
from tigertag.model import Item, Media, Metadata, Sample
from tigertag.scan import engine_run
from tigertag.scan.context import needed
from tigertag.scan.engine_run import SampleLoader

PHOTO = picture(data=exif({MAKE: "Apple", MODEL: "iPhone 12"}))


@dataclass
class Reader:
    """An engine that wants metadata, and keeps what it is given."""

    id: str = "reader"
    fingerprint: str = "1"
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(frozenset(Media), 0, local=True, metadata=True)
    )
    given: list[Sample] = field(default_factory=list)

    def open(self) -> None:
        """There is nothing to load."""

    def close(self) -> None:
        """Nothing is held."""

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        for sample in batch:
            self.given.append(sample)
            yield Labelled(sample.id, (), "reader")


@dataclass
class Shelf:
    """A library of one item. Counts how often its source is asked for."""

    source: Source | ItemError
    footage: str = ""
    fetches: int = 0

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        self.fetches += 1
        if isinstance(self.source, ItemError):
            raise self.source
        yield self.source


@dataclass
class KnowingShelf(Shelf):
    """One that tells metadata without the file."""

    known: Metadata | ItemError = field(default_factory=lambda: Metadata(make="Server"))
    asked: int = 0

    def metadata(self, item: Item) -> Metadata:
        self.asked += 1
        if isinstance(self.known, ItemError):
            raise self.known
        return self.known


def outcomes(
    shelf: Shelf, *engines: Reader | ColourEngine, media: Media = Media.PHOTO
) -> list[Outcome]:
    """What comes of the one item, an outcome for each engine."""
    item = Item("shelf", ".", "a", "1", media)
    samples = SampleLoader(cast(Library, shelf), needed(engines)).load({"a": item})
    said: list[Outcome] = []
    for engine in engines:
        own = samples.of(engine, ["a"])
        said += own.failed.values()
        for result in engine_run.ask(engine, own.loaded, RunContext()):
            assert isinstance(result.outcome, Labelled | Failed)
            said.append(result.outcome)
    return said


def given(shelf: Shelf, *others: ColourEngine, media: Media = Media.PHOTO) -> Sample:
    reader = Reader()
    outcomes(shelf, reader, *others, media=media)
    (sample,) = reader.given
    return sample


def camera(sample: Sample) -> str:
    return "" if sample.metadata is None else sample.metadata.camera or sample.metadata.make


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(PHOTO)
    return path


def test_a_file_is_read_and_not_decoded_where_nobody_wants_pixels(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_run, "decode", None)
    sample = given(Shelf(file))
    assert (camera(sample), sample.frames) == ("iPhone 12", ())


def test_where_another_engine_wants_pixels_each_gets_what_it_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png("red"))
    reader, colour = Reader(), ColourEngine()
    assert len(outcomes(Shelf(path), reader, colour)) == 2
    (sample,) = reader.given
    assert (sample.frames, colour.asked) == ((), ["red"])


def test_an_engine_that_does_not_ask_for_metadata_gets_none(file: Path) -> None:
    other = Reader("other", capabilities=Capabilities(frozenset(Media), 8, local=False))
    outcomes(Shelf(file), Reader(), other)
    (sample,) = other.given
    assert sample.metadata is None


def test_a_picture_that_cannot_be_decoded_fails_only_for_those_that_want_pixels(
    file: Path,
) -> None:
    file.write_bytes(PHOTO[: PHOTO.index(b"\xff\xda") + 20])
    labelled, failed = outcomes(Shelf(file), Reader(), ColourEngine())
    assert (type(labelled), type(failed)) == (Labelled, Failed)


def test_a_file_that_is_gone_fails_for_all(tmp_path: Path) -> None:
    said = outcomes(Shelf(tmp_path / "gone.jpg"), Reader(), ColourEngine())
    assert [type(outcome) for outcome in said] == [Failed, Failed]


def test_an_item_that_cannot_be_fetched_fails_for_all() -> None:
    said = outcomes(Shelf(ItemGone("gone")), Reader(), ColourEngine())
    assert [type(outcome) for outcome in said] == [Failed, Failed]


def test_a_picture_that_cannot_be_fetched_fails_only_for_those_that_want_pixels() -> None:
    said = outcomes(KnowingShelf(Unreadable("scaling failed")), Reader(), ColourEngine())
    assert [type(outcome) for outcome in said] == [Labelled, Failed]


def test_where_nothing_of_an_item_can_be_had_the_picture_says_why() -> None:
    shelf = KnowingShelf(ItemGone("gone"), known=Unreadable("refused"))
    said = outcomes(shelf, Reader(), ColourEngine())
    assert [getattr(outcome, "reason", "") for outcome in said] == ["gone", "gone"]


def test_an_engine_of_a_service_gets_no_metadata_even_where_it_asks(file: Path) -> None:
    other = Reader(
        "other", capabilities=Capabilities(frozenset(Media), 8, local=False, metadata=True)
    )
    outcomes(Shelf(file), other)
    (sample,) = other.given
    assert sample.metadata is None


def test_a_server_that_knows_the_metadata_is_not_asked_for_a_picture_nobody_wants() -> None:
    shelf = KnowingShelf(png("red"))
    assert camera(given(shelf)) == "Server"
    assert (shelf.asked, shelf.fetches) == (1, 0)


def test_beside_pixels_the_server_is_asked_for_metadata_once() -> None:
    shelf = KnowingShelf(png("red"))
    assert camera(given(shelf, ColourEngine())) == "Server"
    assert (shelf.asked, shelf.fetches) == (1, 1)


def test_a_mapped_file_is_read_without_asking_the_server(file: Path) -> None:
    shelf = KnowingShelf(file)
    assert camera(given(shelf, ColourEngine())) == "iPhone 12"
    assert shelf.asked == 0


def test_metadata_that_the_server_refuses_fail_only_for_those_that_want_them() -> None:
    shelf = KnowingShelf(png("red"), known=Unreadable("refused"))
    failed, labelled = outcomes(shelf, Reader(), ColourEngine())
    assert (type(failed), type(labelled)) == (Failed, Labelled)
    assert [type(outcome) for outcome in outcomes(shelf, Reader())] == [Failed]


def test_bytes_are_read_where_the_library_knows_no_more() -> None:
    assert camera(given(Shelf(PHOTO))) == "iPhone 12"


def test_of_a_video_elsewhere_the_beginning_is_read() -> None:
    film = io.BytesIO(movie(track(), keys({"com.apple.quicktime.make": "Apple"})))
    assert camera(given(Shelf(film), media=Media.VIDEO)) == "Apple"
    assert film.tell() == 0


def test_a_trailer_says_nothing_of_its_film(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    path.write_bytes(movie(track(), keys({"com.apple.quicktime.make": "Apple"})))
    assert camera(given(Shelf(path, footage="trailer"), media=Media.VIDEO)) == ""


def test_without_an_engine_that_wants_them_no_metadata_are_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "read", None)
    shelf = KnowingShelf(file)
    (outcome,) = outcomes(shelf, ColourEngine())
    assert isinstance(outcome, Labelled)
    assert shelf.asked == 0


def test_frames_are_not_passed_to_an_engine_that_looks_at_none() -> None:
    sample = given(Shelf(png("red")), ColourEngine())
    assert sample.frames == ()
