"""Genres told of videos by a model whose answers can be told."""

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from tests.unit.engines.engine_contract import EngineContract, LocalBench
from tests.unit.genres import colour_models
from tests.unit.inference.fetching import FakeHttp
from tigertag.contracts import Engine, Failed, Host, Labelled, Outcome, RunContext, Sampling
from tigertag.errors import ModelError
from tigertag.genres import engine as genre
from tigertag.genres.manifest import HEAD, MANIFEST
from tigertag.model import NEVER, Frame, Kind, Media, Sample

pytestmark = pytest.mark.slow

RED, GREEN, BLUE = 60 * np.eye(3)
OTHERS = tuple(colour_models.genres({"Drama": 0.6, "Comedy": 0.3, "Crime": None}))


def frame(colour: NDArray[np.float64], at_s: float | None = None) -> Frame:
    """Return a frame that is not dull, whose mean is this much above and below middle grey."""
    pixels = np.full((8, 8, 3), 128.0)
    pixels[::2] += 60
    pixels[1::2] -= 60
    return Frame((pixels + 1.5 * (colour - colour.mean())).astype(np.uint8), at_s)


def video(
    *colours: NDArray[np.float64], name: str = "1", shots_s: tuple[float, ...] = ()
) -> Sample:
    """A sample of frames of these colours, ten seconds apart."""
    frames = tuple(frame(colour, 10.0 * number) for number, colour in enumerate(colours))
    return Sample(name, Media.VIDEO, frames, shots_s)


def built(home: Path, model: str = "default") -> genre.GenreEngine:
    host = Host(home / "models", FakeHttp())
    return genre.build("genre", genre.Options(model=model), host)


def opened(home: Path) -> genre.GenreEngine:
    colour_models.model(home)
    engine = built(home)
    engine.open()
    return engine


def said(engine: Engine, *batch: Sample) -> dict[str, Outcome]:
    return {one.sample: one for one in engine.tag(batch, RunContext())}


def labelled(engine: Engine, sample: Sample) -> Labelled:
    outcome = said(engine, sample)[sample.id]
    assert isinstance(outcome, Labelled)
    return outcome


@pytest.mark.parametrize("name", ["../other", "Films", "", "x" * 65, ".hidden", "default\n"])
def test_a_name_that_no_model_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is no name for a genre model: one is of a-z"):
        genre.Options(model=name)


def test_without_a_model_it_says_how_to_learn_one(tmp_path: Path) -> None:
    engine = built(tmp_path, "films")
    assert engine.fingerprint == "genre:films:missing"
    assert engine.capabilities.unusable == (
        "There is no genre model 'films'; learn one: tigertag genre learn CSV --name films,"
        " or with --library and --section. Then start TigerTag again."
    )
    with pytest.raises(ModelError, match="no genre model 'films'; learn one"):
        engine.open()


def test_with_a_broken_model_it_says_what_to_do(tmp_path: Path) -> None:
    colour_models.model(tmp_path)
    (tmp_path / "models" / "genres" / "default" / MANIFEST).write_text("{")
    assert built(tmp_path).capabilities.unusable == (
        "The genre model 'default' cannot be used: its manifest.json is no JSON; learn it again."
        " Then start TigerTag again."
    )


def test_without_a_model_it_tells_nothing(tmp_path: Path) -> None:
    able = built(tmp_path).capabilities
    assert (able.min_confidence, able.each, able.sampling, able.notice) == (NEVER, {}, None, "")


def test_a_model_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    colour_models.model(tmp_path)
    head = tmp_path / "models" / "genres" / "default" / HEAD
    head.write_bytes(head.read_bytes() + b"\0")
    with pytest.raises(ModelError, match=r"head\.npz was changed since it was learned"):
        built(tmp_path).open()


def test_a_model_of_another_backbone_is_refused(tmp_path: Path) -> None:
    right = colour_models.model(tmp_path).manifest.backbone
    colour_models.model(tmp_path, backbone=right.model_copy(update={"fingerprint": "onnx:other"}))
    with pytest.raises(ModelError, match="learned with another version of tiny"):
        built(tmp_path).open()


def test_a_model_that_was_learned_anew_before_the_first_scan_asks_for_a_new_start(
    tmp_path: Path,
) -> None:
    colour_models.model(tmp_path)
    engine = built(tmp_path)
    before = engine.fingerprint
    colour_models.model(tmp_path, genres=OTHERS)
    with pytest.raises(ModelError, match="was learned again since TigerTag has started"):
        engine.open()
    assert engine.fingerprint == before


def test_it_stays_with_the_model_that_it_has_loaded(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    before = engine.fingerprint
    colour_models.model(tmp_path, genres=OTHERS)
    engine.open()
    assert engine.fingerprint == before
    assert labelled(engine, video(RED)).labels[0].name == "Horror"
    assert built(tmp_path).fingerprint != before


def test_a_model_that_is_learned_later_waits_for_the_next_start(tmp_path: Path) -> None:
    engine = built(tmp_path)
    assert engine.fingerprint.endswith(":missing")
    colour_models.model(tmp_path)
    with pytest.raises(ModelError, match=r"Then start TigerTag again\.$"):
        engine.open()
    assert engine.fingerprint.endswith(":missing")
    assert built(tmp_path).capabilities.unusable == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"made_at": datetime(2027, 1, 1, tzinfo=UTC)},
        {"program": "1"},
        {"metrics": {"macro_ap": 0.4}},
        {"genres": tuple(colour_models.genres(dict.fromkeys(colour_models.GENRES, 0.9)))},
    ],
)
def test_what_changes_no_answer_makes_no_other_engine(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    engine = built(tmp_path)
    colour_models.model(tmp_path)
    before = engine.fingerprint
    colour_models.model(tmp_path, **changed)
    assert built(tmp_path).fingerprint == before
    engine.open()


@pytest.mark.parametrize(
    "changed",
    [
        {"pooling": "full"},
        {"sampling": Sampling(max_frames=10)},
        {"genres": tuple(colour_models.genres({"Horror": 0.6, "Western": 0.3, "Noir": None}))},
    ],
)
def test_what_changes_answers_makes_another_engine(tmp_path: Path, changed: dict[str, Any]) -> None:
    colour_models.model(tmp_path)
    before = built(tmp_path).fingerprint
    colour_models.model(tmp_path, **changed)
    assert built(tmp_path).fingerprint != before


def test_a_video_without_a_picture_fails_alone(tmp_path: Path) -> None:
    empty = Sample("empty", Media.VIDEO, (Frame(np.zeros((0, 8, 3), np.uint8), 0.0),))
    black = Sample("black", Media.VIDEO, (Frame(np.zeros((8, 8, 3), np.uint8), 0.0),) * 3)
    outcomes = said(opened(tmp_path), empty, black, video(RED, name="good"))
    assert isinstance(outcomes["good"], Labelled)
    for name, reason in (("empty", "no picture in it"), ("black", "nothing to see in it")):
        failed = outcomes[name]
        assert isinstance(failed, Failed)
        assert reason in failed.reason
        assert not failed.retryable


def test_a_frame_that_cannot_be_looked_at_is_listed_and_the_others_count(tmp_path: Path) -> None:
    broken = Frame(np.zeros((0, 0, 3), np.uint8), at_s=2.0)
    outcome = labelled(opened(tmp_path), Sample("1", Media.VIDEO, (frame(RED, 1.0), broken)))
    assert (outcome.failed_frames, outcome.labels[0].name) == ((2.0,), "Horror")


def test_a_cancelled_run_stops(tmp_path: Path) -> None:
    asked = itertools.count()
    run = RunContext(cancelled=lambda: next(asked) >= 2)
    batch = [video(RED, name=str(number)) for number in range(5)]
    assert [one.sample for one in opened(tmp_path).tag(batch, run)] == ["0", "1"]


def test_genres_come_surest_first_and_speak_of_the_whole(tmp_path: Path) -> None:
    outcome = labelled(opened(tmp_path), video(GREEN, GREEN, RED))
    assert [label.name for label in outcome.labels] == ["Western", "Horror", "War"]
    assert {label.kind for label in outcome.labels} == {Kind.GENRE}
    assert (outcome.frames, outcome.remainder, outcome.model) == ((), None, "default")


def test_probabilities_are_those_of_the_head(tmp_path: Path) -> None:
    mean = np.asarray(frame(RED).pixels).mean(axis=(0, 1))
    found = {one.name: one.confidence for one in labelled(opened(tmp_path), video(RED)).labels}
    expected = 1 / (1 + np.exp(-colour_models.SLOPE * (mean - 128)))
    assert [found[name] for name in colour_models.GENRES] == pytest.approx(expected, abs=1e-3)


def test_what_is_next_to_nothing_is_left_out(tmp_path: Path) -> None:
    no_blue = Frame(np.asarray(frame(RED).pixels) * np.array([1, 1, 0], np.uint8), 0.0)
    outcome = labelled(opened(tmp_path), Sample("1", Media.VIDEO, (no_blue,)))
    assert [label.name for label in outcome.labels] == ["Horror", "Western"]


def test_each_genre_names_the_time_that_speaks_for_it(tmp_path: Path) -> None:
    outcome = labelled(opened(tmp_path), video(RED, GREEN, GREEN, BLUE))
    times = {label.name: label.at_s for label in outcome.labels}
    assert (times["Horror"], times["War"]) == (0.0, 30.0)
    assert times["Western"] in (10.0, 20.0)


def test_how_a_video_is_cut_counts(tmp_path: Path) -> None:
    colour_models.model(tmp_path, pooling="full")
    engine = built(tmp_path)
    engine.open()
    for shots_s, war in (((0.5,) * 20, True), ((60.0,) * 2, False)):
        outcome = labelled(engine, video(RED, RED, RED, shots_s=shots_s))
        assert (outcome.labels[0].name == "War") is war


def test_it_looks_at_videos_only(tmp_path: Path) -> None:
    assert opened(tmp_path).capabilities.media == {Media.VIDEO}


def test_each_genre_has_its_own_threshold_and_no_other_word_is_ever_told(tmp_path: Path) -> None:
    able = opened(tmp_path).capabilities
    assert able.each == {"Horror": 0.6, "Western": 0.3}
    assert (able.min_confidence, able.max_tags) == (NEVER, 3)


def test_it_wants_the_frames_that_it_has_learned_from(tmp_path: Path) -> None:
    able = opened(tmp_path).capabilities
    assert (able.short_side_px, able.sampling) == (8, Sampling(max_frames=60))


@pytest.mark.parametrize("footage", [None, "", "trailer"])
def test_it_says_of_what_it_has_learned(tmp_path: Path, footage: str | None) -> None:
    data = colour_models.model(tmp_path).manifest.data
    colour_models.model(tmp_path, data=data.model_copy(update={"footage": footage}))
    assert built(tmp_path).capabilities.footage == footage


def test_learned_from_pictures_it_says_that_it_guesses(tmp_path: Path) -> None:
    colour_models.model(tmp_path, videos=0)
    able = built(tmp_path).capabilities
    assert able.sampling is None
    assert able.notice.startswith("Trained on pictures only")
    assert built(tmp_path).check().endswith(able.notice)


def test_tried_it_says_what_it_has_learned_from(tmp_path: Path) -> None:
    assert opened(tmp_path).check() == (
        "The genre model 'default' predicts 2 of 3 genres; trained on 170 films"
        " of 210 (200 videos, 10 pictures)."
    )


def test_threads_that_share_it_get_the_same_answers(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    batch = [video(RED, GREEN, name="1"), video(BLUE, GREEN, name="2")]
    expected = {name: _labels(one) for name, one in said(engine, *batch).items()}
    with ThreadPoolExecutor(3) as threads:
        for found in threads.map(lambda _: said(engine, *batch), range(6)):
            assert {name: _labels(one) for name, one in found.items()} == expected


def _labels(outcome: Outcome) -> object:
    assert isinstance(outcome, Labelled)
    return outcome.labels


def test_it_needs_nothing_that_learns() -> None:
    code = "import sys, tigertag.genres.engine;print({'sklearn', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


class TestGenre(EngineContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> LocalBench:
        colour_models.model(tmp_path)
        return LocalBench(lambda: built(tmp_path))
