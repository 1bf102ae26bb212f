"""What every engine must do; pytest runs these tests over the fixture `bench` of its tests."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Protocol

import numpy as np
import pytest
from PIL import Image

from tests.counted import CountedCalls
from tigertag.contracts import Engine, Failed, Labelled, Outcome, RunContext
from tigertag.errors import EngineError, QuotaExhausted, TigerTagError
from tigertag.media.picture import decode
from tigertag.model import Media, Sample


class Bench(Protocol):
    """An engine that is set up and not open yet, and the service that it asks."""

    @property
    def engine(self) -> Engine: ...
    def again(self) -> Engine:
        """Return another engine that is set up alike."""
        ...

    @property
    def bodies(self) -> list[bytes]:
        """What the service was sent so far; empty for a local engine."""
        ...

    @property
    def requests(self) -> int:
        """How many requests the service had so far; 0 for a local engine."""
        ...

    def break_down(self) -> None:
        """Let the service fail from now on, whatever it is asked. A local engine does nothing."""


class LocalBench:
    """An engine that stays on the machine, and another one each time that it is set up again."""

    bodies: ClassVar[list[bytes]] = []
    requests = 0

    def __init__(self, again: Callable[[], Engine]) -> None:
        self.again = again
        self.engine = again()

    def break_down(self) -> None:
        """There is no service."""


def photo(name: str = "1", *, width_px: int = 640, height_px: int = 480) -> Sample:
    """A sample that is decoded from a JPEG with a camera, a place and a comment in it."""
    image = Image.effect_noise((width_px, height_px), 40).convert("RGB")
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x9286] = "Secretcam", "Model-S", "Secretcam was here"
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, comment=b"Secretcam")
    return Sample(name, Media.PHOTO, (decode(out.getvalue(), min(width_px, height_px)),))


def video(*times: float, name: str = "1") -> Sample:
    """A sample of frames of noise, at these times."""
    return Sample(name, Media.VIDEO, tuple(replace(photo().frames[0], at_s=one) for one in times))


def said(engine: Engine, *batch: Sample, run: RunContext | None = None) -> dict[str, Outcome]:
    outcomes = list(engine.tag(batch, run or RunContext(calls=CountedCalls())))
    assert len({one.sample for one in outcomes}) == len(outcomes)
    return {one.sample: one for one in outcomes}


class EngineContract:
    @pytest.fixture
    def engine(self, bench: Bench) -> Engine:
        bench.engine.open()
        return bench.engine

    def test_its_fingerprint_is_known_before_it_is_open_and_stays(self, bench: Bench) -> None:
        before = bench.engine.fingerprint
        bench.engine.open()
        assert before == bench.engine.fingerprint == bench.again().fingerprint != ""

    def test_opening_twice_asks_the_service_once(self, bench: Bench) -> None:
        bench.engine.open()
        before = bench.requests
        bench.engine.open()
        assert bench.requests == before

    def test_it_gives_one_outcome_a_sample(self, engine: Engine) -> None:
        names = [str(number) for number in range(5)]
        assert set(said(engine, *[photo(name) for name in names])) == set(names)

    def test_confidences_and_boxes_are_within_their_bounds(self, engine: Engine) -> None:
        (outcome,) = said(engine, photo()).values()
        assert isinstance(outcome, Labelled)
        for label in outcome.labels:
            assert 0 <= label.confidence <= 1
            if label.box is not None:
                edges = (label.box.left, label.box.right, label.box.top, label.box.bottom)
                assert all(0 <= edge <= 1 for edge in edges)

    def test_labels_of_a_video_are_of_frames_that_were_looked_at_or_of_all_of_it(
        self, engine: Engine
    ) -> None:
        times = (0.5, 2.25, 63.125, 4000.0)
        (outcome,) = said(engine, video(*times)).values()
        assert isinstance(outcome, Labelled)
        assert set(outcome.frames) <= set(times)
        told = {label.at_s for label in outcome.labels}
        allowed: set[float | None] = set(outcome.frames or (None, *times))
        assert told <= allowed

    def test_a_photo_has_no_frames_to_tell_of(self, engine: Engine) -> None:
        (outcome,) = said(engine, photo()).values()
        assert isinstance(outcome, Labelled)
        assert (outcome.frames, {label.at_s for label in outcome.labels} - {None}) == ((), set())

    def test_a_video_costs_what_a_photo_costs_or_more(self, bench: Bench) -> None:
        able = bench.engine.capabilities
        video_usd, photo_usd = able.cost_usd_of(Media.VIDEO), able.cost_usd_of(Media.PHOTO)
        assert photo_usd == able.cost_usd
        assert (video_usd is None) == (photo_usd is None)
        assert (video_usd or 0.0) >= (photo_usd or 0.0)

    def test_a_tiny_and_a_long_picture_are_answered_too(self, engine: Engine) -> None:
        outcomes = said(
            engine,
            photo("tiny", width_px=1, height_px=1),
            photo("long", width_px=3000, height_px=20),
        )
        assert not [one for one in outcomes.values() if isinstance(one, Failed) and one.retryable]

    def test_it_asks_nothing_more_once_the_run_is_cancelled(self, bench: Bench) -> None:
        bench.engine.open()
        before = len(bench.bodies)
        run = RunContext(lambda: True, CountedCalls())
        assert list(bench.engine.tag([photo()], run)) == []
        assert len(bench.bodies) == before

    def test_nothing_of_a_files_metadata_leaves(self, bench: Bench) -> None:
        bench.engine.open()
        said(bench.engine, photo())
        assert not [body for body in bench.bodies if b"Secretcam" in body or b"Model-S" in body]

    def test_every_picture_that_leaves_is_reserved_first(self, bench: Bench) -> None:
        bench.engine.open()
        calls = CountedCalls()
        said(bench.engine, photo(), run=RunContext(calls=calls))
        assert bool(calls.made) == (not bench.engine.capabilities.local)
        assert all(one.size_bytes > 0 and one.host and one.sample == "1" for one in calls.made)

    def test_it_sends_nothing_that_the_budget_does_not_allow(self, bench: Bench) -> None:
        if not bench.engine.capabilities.paid:
            pytest.skip("It costs nothing.")
        bench.engine.open()
        before = len(bench.bodies)
        with pytest.raises(QuotaExhausted):
            said(bench.engine, photo(), run=RunContext(calls=CountedCalls(limit=0)))
        assert len(bench.bodies) == before

    def test_a_service_that_is_down_is_an_error_of_the_engine_in_one_line(
        self, bench: Bench
    ) -> None:
        bench.engine.open()
        bench.break_down()
        if bench.engine.capabilities.local:
            pytest.skip("It asks nobody.")
        with pytest.raises(EngineError) as caught:
            said(bench.engine, photo())
        assert str(caught.value).endswith((".", ")"))
        assert "\n" not in str(caught.value)

    def test_asked_before_it_is_open_it_says_so(self, bench: Bench) -> None:
        with pytest.raises(TigerTagError):
            said(bench.engine, photo())

    def test_closing_lets_go_and_opening_takes_up_again(self, engine: Engine) -> None:
        engine.close()
        engine.open()
        assert np.all([isinstance(one, Labelled) for one in said(engine, photo()).values()])
