"""What no column takes fails its item, on both databases alike, and is paid for once."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.colours import ColourEngine
from tests.fake_library import FakeLibrary
from tests.world import World
from tigertag.contracts import Labelled, Outcome, RunContext
from tigertag.errors import Unstorable
from tigertag.libraries.folder import FolderLibrary
from tigertag.model import Box, Item, Label, Section, Shown
from tigertag.scan import engine_run
from tigertag.services import scan_status, scans
from tigertag.store import answers, engine_state, items
from tigertag.store import scans as scan_rows

pytestmark = pytest.mark.slow

TEXT = st.text(st.characters(exclude_categories=()), max_size=20).map(lambda some: some * 60)
NUMBER = st.floats(allow_nan=True, allow_infinity=True)
LABEL = st.builds(
    Label, TEXT, NUMBER, st.none() | TEXT, box=st.builds(Box, *[NUMBER] * 4), at_s=NUMBER
)


@dataclass
class NastyEngine(ColourEngine):
    """Paid for; answers with whatever it is given."""

    local: bool = False
    units: int = 1
    said: Labelled = field(default_factory=lambda: Labelled("", (), "m"))

    def tag(self, batch: Sequence[object], run: RunContext) -> Iterator[Outcome]:
        for outcome in super().tag(batch, run):  # type: ignore[arg-type]
            yield replace(self.said, sample=outcome.sample)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    made = World(tmp_path, database_url)
    made.engines = [NastyEngine()]
    made.picture("a.png", "red")
    yield made
    made.close()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.builds(
        Labelled,
        st.just(""),
        st.lists(LABEL, max_size=3).map(tuple),
        TEXT,
        st.none() | NUMBER,
        NUMBER,
        NUMBER,
        frames=st.lists(NUMBER, max_size=2).map(tuple),
    )
)
def test_whatever_an_engine_says_the_scan_ends_and_asks_once(world: World, said: Labelled) -> None:
    engine = NastyEngine(said=said)
    world.engines = [engine]
    status = world.run(world.start(mode="force"))
    assert (status.scan.state, status.todo, engine.asked) == ("done", 0, ["red"])


def test_an_answer_that_the_database_refuses_fails_its_item_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("b.png", "blue")
    engine = world.engines[0] = NastyEngine(said=Labelled("", (Label("x", 0.9),), "m" * 300))
    monkeypatch.setattr(engine_run, "bounded", lambda _engine, outcome: outcome)
    assert world.scan().failed == 2
    world.scan()
    assert len(engine.asked) == 2


def test_of_answers_that_are_kept_together_one_fails_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.picture(f"{number}.png", "green")
    world.engines = [ColourEngine()]

    def spoilt(_engine: str, outcome: Outcome) -> Outcome:
        assert isinstance(outcome, Labelled)
        red = any(label.name == "red" for label in outcome.labels)
        return replace(outcome, cost_usd=math.nan if red else 0.0)

    monkeypatch.setattr(engine_run, "bounded", spoilt)
    status = world.scan()
    assert (status.done, status.failed) == (3, 1)


class _FakeLibrary(FakeLibrary):
    """Lists what no column takes."""

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        for item in super().items(section, since):
            yield replace(item, revision="r\0" * 200, stamp="s" * 300, size_bytes=2**80)
        yield Item(self.id, section.id, "no\0text", "1")

    def _shown(self, key: str) -> Shown:
        return replace(super()._shown(key), stamp="s" * 300, revision="r\0" * 200)


def test_items_of_odd_revisions_are_scanned_and_unchanged_afterwards(world: World) -> None:
    shelf = _FakeLibrary()
    shelf.put("a", "red")
    world.library = shelf
    world.engines = [ColourEngine()]
    first = world.run(scans.start(world.core, scans.Request(shelf.id, None, write="apply")))
    again = world.run(scans.start(world.core, scans.Request(shelf.id, None, write="apply")))
    assert (first.done, first.failed, again.scan.unchanged) == (1, 0, 1)


@pytest.mark.parametrize(
    "values",
    [
        {"title": "t" * 1025},
        {"title": "a\0"},
        {"title": "a\ud800"},
        {"revision": "r" * 257},
        {"size_bytes": 2**80},
    ],
)
def test_both_databases_refuse_the_same_values(world: World, values: dict[str, object]) -> None:
    section = Section("photos", ".", "Photos")
    item = replace(Item("photos", ".", "k", "1"), **values)  # type: ignore[arg-type]
    with pytest.raises(Unstorable), world.store.write() as db:
        items.note(db, scan_rows.ensure_section(db, section), section, [item], 1)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_both_databases_refuse_what_is_no_number(world: World, number: float) -> None:
    world.scan()
    row = answers.AnswerRow(1, "1", 0, engine_run.answer("e", "f", Labelled("", (), "m", number)))
    with pytest.raises(Unstorable), world.store.write() as db:
        answers.keep(db, [row])


def test_a_reason_is_kept_as_far_as_it_can_be(world: World) -> None:
    with world.store.write() as db:
        engine_state.stop(db, "e", "a server's \0 words \ud800", None)
        assert engine_state.stops(db)["e"].reason == "a server's   words ?"


def test_a_value_that_nobody_foresaw_ends_the_scan(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(_library: FolderLibrary, section: Section, _since: object) -> Iterator[Item]:
        raise Unstorable
        yield Item("photos", section.id, "a", "1")

    monkeypatch.setattr(FolderLibrary, "items", listed)
    scan_id = world.start()
    with pytest.raises(Unstorable):
        world.run(scan_id)
    assert scan_status.status(world.core, scan_id).scan.state == "failed"
