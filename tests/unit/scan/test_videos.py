"""Videos through scans and `tag`: chosen, looked at frame by frame, decided, written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.media import films
from tests.world import World
from tigertag.contracts import Capabilities, Labelled, Outcome, RunContext, Sampling
from tigertag.model import Label, Media, Sample
from tigertag.services import scan_status, scans, tagging
from tigertag.services.scans import Request
from tigertag.store import answers

pytestmark = pytest.mark.slow

KEYFRAMES = Sampling(by="keyframes", max_frames=4)


@dataclass
class Watching:
    """Says "film" of each frame, and "start", less surely, of the first. Counts what it sees."""

    id: str = "watching"
    fingerprint: str = "watching-1"
    most: int = 8
    units: int = 0
    cost_usd: float = 0.0
    shown: list[int] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            frozenset({Media.VIDEO}),
            32,
            max_frames=self.most,
            local=not self.units,
            units_per_item=self.units,
            cost_usd=self.cost_usd,
            further_frame_usd=self.cost_usd,
        )

    def open(self) -> None:
        """There is nothing to load."""

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        for sample in batch:
            times = tuple(frame.at_s for frame in sample.frames if frame.at_s is not None)
            self.shown.append(len(times))
            labels = [Label("film", 0.9, at_s=at_s) for at_s in times]
            labels.append(Label("start", 0.7, at_s=times[0]))
            yield Labelled(sample.id, tuple(labels), "model", frames=times)

    def close(self) -> None:
        """There is nothing to let go of."""


@pytest.fixture
def engine(world: World) -> Watching:
    made = Watching()
    world.engines = [made]
    world.sampling = KEYFRAMES
    return made


def film(world: World, name: str = "film.mp4") -> Path:
    path = world.photos / name
    path.write_bytes(films.film((30, 30, 30, 30)))
    return path


def test_a_broken_video_fails_alone(world: World, engine: Watching) -> None:
    film(world)
    (world.photos / "broken.mp4").write_bytes(b"no film at all")
    status = world.scan("apply")
    assert (status.failed, status.done, world.tags("film.mp4")) == (1, 1, {"film"})
    assert status.failures[0][0] == "broken.mp4"


def test_a_word_of_all_frames_is_surer_than_that_of_one(world: World, engine: Watching) -> None:
    film(world)
    ((_row, decision),) = scan_status.decided(world.core, world.scan().scan.id)
    assert [tag.name for tag in decision.tags] == ["film"]


def test_an_engine_sees_no_more_frames_than_it_takes(world: World, engine: Watching) -> None:
    engine.most = 2
    film(world)
    world.scan()
    assert engine.shown == [2]


def test_an_answer_keeps_its_frames(world: World, engine: Watching) -> None:
    film(world)
    world.scan()
    with world.store.read() as db:
        (answer,) = answers.current(db, {1: ""}, {})[1].every
    assert len(answer.frames) == 4
    assert {label.at_s for label in answer.labels} == set(answer.frames)


def test_another_way_of_choosing_frames_asks_anew(world: World, engine: Watching) -> None:
    film(world)
    world.scan("apply")
    world.sampling = Sampling(by="keyframes", max_frames=2)
    world.scan("apply")
    assert engine.shown == [4, 2]


def test_a_paid_engine_is_not_asked_anew_for_another_choice_of_frames(
    world: World, engine: Watching
) -> None:
    engine.units = 1
    film(world)
    world.scan("apply")
    world.sampling = Sampling(by="keyframes", max_frames=2)
    assert world.scan("apply").asked == 0
    assert engine.shown == [4]


def test_a_video_that_failed_is_tried_with_another_choice_of_frames(
    world: World, engine: Watching
) -> None:
    path = film(world)
    path.write_bytes(path.read_bytes()[:300])
    world.scan()
    world.sampling = Sampling(by="keyframes", max_frames=2)
    assert world.scan().scan.unchanged == 0


def test_photos_are_not_asked_about_anew_for_another_choice_of_frames(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    world.sampling = KEYFRAMES
    world.scan("apply")
    assert world.engine.asked == ["red"]


def test_a_forecast_counts_what_a_videos_frames_cost(world: World, engine: Watching) -> None:
    engine.units, engine.cost_usd = 1, 0.01
    film(world)
    scan_id = scans.start(world.core, Request("photos", mode="forecast"))
    forecast = world.run(scan_id).forecast
    assert forecast is not None
    assert forecast.cost_usd == pytest.approx(0.01 * engine.most)


def test_tag_looks_at_videos_too(world: World, engine: Watching) -> None:
    path = film(world)
    core = world.core
    (result,) = tagging.tag(core, core.usable_engines(), tagging.pictures(core, [path]))
    assert [tag.name for tag in result.tags] == ["film"]
    assert result.errors == ()
