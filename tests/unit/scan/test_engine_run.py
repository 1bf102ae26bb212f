"""A chunk through fetch, decoding and engines; no database, no library but a dictionary."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Barrier
from typing import cast

import pytest
from PIL import Image

from tests.colours import COLOURS, ColourEngine
from tests.unit.media import films
from tigertag.contracts import (
    Failed,
    Labelled,
    Library,
    Need,
    Outcome,
    Prepared,
    RunContext,
    Sampling,
)
from tigertag.errors import EngineError, ItemGone, LibraryUnavailable, Unavailable
from tigertag.model import Item, Media, Sample
from tigertag.scan import engine_run
from tigertag.scan.context import needed
from tigertag.scan.engine_run import EngineResult, SampleLoader


@dataclass
class Album:
    """Pictures by key; an exception in the place of one is raised when it is fetched."""

    pictures: dict[str, bytes | Exception]
    fetched: list[tuple[str, Need]] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    meeting: Barrier | None = None

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[bytes]:
        self.fetched.append((item.key, need))
        if self.meeting is not None:
            self.meeting.wait(5)
        picture = self.pictures[item.key]
        if isinstance(picture, Exception):
            raise picture
        self.open.add(item.key)
        try:
            yield picture
        finally:
            self.open.discard(item.key)


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), COLOURS[colour]).save(buffer, "png")
    return buffer.getvalue()


def ask(
    album: Album, *engines: ColourEngine, run: RunContext | None = None
) -> list[EngineResult | EngineError]:
    """What comes of all pictures of an album: results, and errors of engines that stop."""
    run = run or RunContext()
    items = {key: Item("album", ".", key, "1") for key in album.pictures}
    loader = SampleLoader(cast(Library, album), needed(engines), run)
    samples = loader.load(items)
    said: list[EngineResult | EngineError] = []
    for engine in engines:
        own = samples.of(engine, items)
        said += [EngineResult(engine.id, name, one) for name, one in own.failed.items()]
        try:
            said += engine_run.ask(engine, own.loaded, run)
        except EngineError as exc:
            said.append(exc)
    return said


class Onlooker(ColourEngine):
    """Keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.samples: list[Sample] = []

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        self.samples += batch
        yield from super().tag(batch, run)

    def shown(self, contents: dict[str, bytes | Exception], item: Item) -> list[Sample]:
        """Have an item looked at, and return it as it comes here."""
        library, need = cast(Library, Album(contents)), needed([self])
        loader = SampleLoader(library, need, sampling=Sampling(exact=True))
        list(engine_run.ask(self, loader.load({item.key: item}).loaded, RunContext()))
        return self.samples


def outcomes(
    said: Sequence[EngineResult | EngineError],
) -> dict[tuple[str, str], Outcome | Prepared]:
    return {(one.sample, one.engine): one.outcome for one in said if isinstance(one, EngineResult)}


def test_a_library_that_cannot_go_on_is_not_the_items_fault() -> None:
    with pytest.raises(LibraryUnavailable):
        ask(Album({"a": LibraryUnavailable("gone")}), ColourEngine())


def test_pictures_are_fetched_beside_each_other() -> None:
    album = Album({key: png("red") for key in "abcd"}, meeting=Barrier(4))
    assert len(ask(album, ColourEngine())) == 4


@pytest.mark.parametrize("trouble", [None, LibraryUnavailable("gone"), ItemGone("gone")])
def test_no_picture_is_held_longer_than_it_is_needed(trouble: Exception | None) -> None:
    album = Album({"a": png("red"), "b": trouble or png("red"), "c": png("red")})
    with suppress(LibraryUnavailable):
        ask(album, ColourEngine())
    assert album.open == set()


def test_an_item_that_cannot_be_read_fails_for_every_engine() -> None:
    said = outcomes(ask(Album({"a": ItemGone()}), ColourEngine(), ColourEngine("other")))
    assert [type(outcome) for outcome in said.values()] == [Failed, Failed]


def test_an_engine_that_stops_leaves_its_items_without_an_outcome() -> None:
    down = ColourEngine("down", raises={"green": Unavailable("down")})
    said = ask(Album({"a": png("red"), "b": png("green")}), down, ColourEngine("up"))
    assert set(outcomes(said)) == {("a", "down"), ("a", "up"), ("b", "up")}
    assert [type(one) for one in said if isinstance(one, EngineError)] == [Unavailable]


def test_a_bug_costs_only_the_item_that_brings_it_out() -> None:
    buggy = ColourEngine(raises={"green": ZeroDivisionError()})
    said = outcomes(ask(Album({"a": png("red"), "b": png("green"), "c": png("blue")}), buggy))
    assert [key for (key, _engine), one in said.items() if isinstance(one, Failed)] == ["b"]


def test_a_bug_in_a_paid_engine_is_not_paid_for_again() -> None:
    buggy = ColourEngine(local=False, raises={"green": ZeroDivisionError()})
    ask(Album({"a": png("red"), "b": png("green"), "c": png("blue")}), buggy)
    assert buggy.asked == ["red"]


def test_an_engine_that_forgets_a_sample_has_failed_it_for_now() -> None:
    class Forgetful(ColourEngine):
        def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
            yield from super().tag(batch[:1], run)

    said = outcomes(ask(Album({"a": png("red"), "b": png("red")}), Forgetful()))
    forgotten = said["b", "colour"]
    assert isinstance(forgotten, Failed)
    assert forgotten.retryable


def test_an_engine_that_answers_twice_is_heard_once() -> None:
    class Babbling(ColourEngine):
        def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
            for outcome in super().tag(batch, run):
                yield from (outcome, outcome)

    assert len(ask(Album({"a": png("red")}), Babbling())) == 1


def test_each_picture_is_fetched_and_decoded_once_for_all_engines() -> None:
    album = Album({"a": png("red"), "b": png("blue")})
    said = outcomes(ask(album, ColourEngine("one"), ColourEngine("other")))
    assert [key for key, _need in album.fetched] == ["a", "b"]
    assert all(isinstance(outcome, Labelled) for outcome in said.values())


@pytest.mark.slow
def test_engines_are_told_the_shots_of_a_video_also_where_they_see_fewer_frames() -> None:
    film = Item("album", ".", "film", "1", Media.VIDEO)
    (sample,) = Onlooker().shown({"film": films.film((30, 60, 45), group=300)}, film)
    assert len(sample.frames) == 1
    assert sample.shots_s == pytest.approx([1.2, 2.4, 1.8], abs=0.05)


def test_a_picture_has_no_shots() -> None:
    (sample,) = Onlooker().shown({"a": png("red")}, Item("album", ".", "a", "1"))
    assert sample.shots_s == ()


def test_a_cancelled_run_asks_nothing_more() -> None:
    engine = ColourEngine()
    assert ask(Album({"a": png("red")}), engine, run=RunContext(lambda: True)) == []
    assert engine.asked == []


@pytest.mark.parametrize(("own", "kept"), [("", "engine's"), ("model's", "model's")])
def test_an_answer_is_kept_under_the_fingerprint_of_the_model_that_gave_it(
    own: str, kept: str
) -> None:
    outcome = engine_run.bounded("e", Labelled("1", (), "m", fingerprint=own))
    assert isinstance(outcome, Labelled)
    assert engine_run.answer("e", "engine's", outcome).fingerprint == kept
