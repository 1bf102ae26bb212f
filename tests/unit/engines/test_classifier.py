import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from pydantic import ValidationError

from tests.unit.engines.engine_contract import EngineContract, LocalBench
from tests.unit.inference import golden, tiny
from tests.unit.inference.checkpoints import Stored, zipped
from tests.unit.inference.fetching import FakeHttp
from tigertag import concepts
from tigertag.contracts import Engine, Failed, Host, Labelled, Outcome, RunContext
from tigertag.engines import classifier, resnet
from tigertag.errors import ModelError
from tigertag.inference.weights import PUBLISHED, Published
from tigertag.model import Frame, Label, Media, Sample

RED, GREEN, BLUE = np.eye(3, dtype=np.uint8)
"""Pixels whose averages, which the tiny network says, are a distribution."""


def picture(*colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return stripes of equal width that the tiny network sees in full, from edge to edge."""
    pixels = np.zeros((9, 9, 3), np.uint8)
    pixels[:, :8] = np.repeat(np.stack(colours), 8 // len(colours), axis=0)
    return pixels


def photo(name: str, *colours: NDArray[np.uint8]) -> Sample:
    return Sample(name, Media.PHOTO, (Frame(picture(*colours)),))


def built(folder: Path, http: FakeHttp | None = None, **options: Any) -> classifier.ImageClassifier:
    host = Host(folder / "models", http or FakeHttp())
    return classifier.build("local", classifier.Options(**options), host)


def tiny_options(
    folder: Path, labels: str = "red\ngreen\nblue\n", **changed: Any
) -> dict[str, Any]:
    (folder / "labels.txt").write_text(labels, encoding="utf-8")
    path = tiny.network(folder / "tiny.onnx", **changed)
    return {"model": str(path), "labels": str(folder / "labels.txt"), "precision": "f32"}


def opened(folder: Path, **options: Any) -> classifier.ImageClassifier:
    engine = built(folder, **(options or tiny_options(folder)))
    engine.open()
    return engine


def said(engine: Engine, batch: Sequence[Sample]) -> dict[str, Outcome]:
    outcomes = list(engine.tag(batch, RunContext()))
    assert sorted(one.sample for one in outcomes) == sorted(one.id for one in batch)
    return {one.sample: one for one in outcomes}


def labelled(engine: Engine, sample: Sample) -> Labelled:
    outcome = said(engine, [sample])[sample.id]
    assert isinstance(outcome, Labelled)
    return outcome


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"model": "resnet51"},
            "none of efficientnet-lite0, resnet50, resnet18 or a path to .onnx",
        ),
        ({"model": "own.onnx"}, "LABELS must name the file"),
        ({"model": "own.onnx", "labels": "l", "weights": "w"}, "WEIGHTS does not go with"),
        ({"labels": "labels.txt"}, "LABELS does not go with MODEL=efficientnet-lite0"),
        ({"std": "1,0,1"}, "above 0"),
        ({"mean": "1,2"}, "mean"),
        ({"size": "0"}, "greater than or equal to 16"),
        ({"precision": "int8"}, "'auto', 'f32' or 'bf16'"),
        ({"wieghts": "w"}, "Extra inputs are not permitted"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        classifier.Options.model_validate(options)


def test_weights_that_are_not_there_are_an_error_at_open_only(tmp_path: Path) -> None:
    engine = built(tmp_path, weights=tmp_path / "absent.pth")
    assert engine.fingerprint == "efficientnet-lite0:unreadable"
    with pytest.raises(ModelError, match=r"absent\.pth cannot be read"):
        engine.open()


def test_broken_weights_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "broken.pth").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(ModelError, match=r"broken\.pth is damaged.* name another as WEIGHTS\.$"):
        opened(tmp_path, weights=tmp_path / "broken.pth")


def test_another_number_of_labels_than_of_classes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="tiny has 3 classes, but there are 2 labels"):
        opened(tmp_path, **tiny_options(tmp_path, labels="red\ngreen\n"))


def test_an_engine_that_is_not_open_says_so(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    engine.close()
    with pytest.raises(ModelError, match="Engine local is not open"):
        list(engine.tag([photo("1", RED)], RunContext()))


def test_a_sample_without_a_picture_fails_alone(tmp_path: Path) -> None:
    empty = Sample("empty", Media.PHOTO, (Frame(np.zeros((0, 9, 3), np.uint8)),))
    none = Sample("none", Media.VIDEO, ())
    outcomes = said(opened(tmp_path), [empty, photo("good", RED), none])
    assert isinstance(outcomes["good"], Labelled)
    for name in ("empty", "none"):
        outcome = outcomes[name]
        assert isinstance(outcome, Failed)
        assert not outcome.retryable


def test_a_network_that_gives_no_numbers_fails_that_sample(tmp_path: Path) -> None:
    options = tiny_options(tmp_path, nchw=True, dtype=TensorProto.FLOAT)
    engine = opened(tmp_path, **options, mean="nan,0,0")
    assert isinstance(said(engine, [photo("1", RED)])["1"], Failed)


def test_a_cancelled_run_stops(tmp_path: Path) -> None:
    asked = itertools.count()
    run = RunContext(cancelled=lambda: next(asked) >= 5)
    batch = [photo(str(number), RED) for number in range(32)]
    outcomes = list(opened(tmp_path).tag(batch, run))
    assert [one.sample for one in outcomes] == ["0", "1", "2", "3", "4"]


def test_a_run_that_was_cancelled_before_it_began_asks_nothing(tmp_path: Path) -> None:
    cancelled = RunContext(cancelled=lambda: True)
    assert list(opened(tmp_path).tag([photo("1", RED)], cancelled)) == []


def test_three_threads_get_the_same_answers(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    colours = list(itertools.product((RED, GREEN, BLUE), repeat=2))
    batch = [photo(str(number), *colours[number % len(colours)]) for number in range(32)]
    expected = {name: _labels(one) for name, one in said(engine, batch).items()}
    with ThreadPoolExecutor(3) as threads:
        for found in threads.map(lambda _: said(engine, batch), range(9)):
            assert {name: _labels(one) for name, one in found.items()} == expected


def _labels(outcome: Outcome) -> tuple[Label, ...]:
    assert isinstance(outcome, Labelled)
    return outcome.labels


def test_threads_that_open_it_at_once_open_it_once(tmp_path: Path) -> None:
    http = FakeHttp()
    engine = built(tmp_path, http, **tiny_options(tmp_path))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: engine.open(), range(8)))
    assert len(said(engine, [photo("1", RED)])) == 1


def test_labels_come_surest_first_and_without_what_is_next_to_nothing(tmp_path: Path) -> None:
    outcome = labelled(opened(tmp_path), photo("1", GREEN, GREEN, GREEN, RED))
    assert [label.name for label in outcome.labels] == ["green", "red"]
    assert [label.confidence for label in outcome.labels] == pytest.approx([0.75, 0.25])
    assert outcome.model == "tiny"
    assert outcome.took_s > 0


def test_outputs_that_are_no_distribution_go_through_softmax(tmp_path: Path) -> None:
    outcome = labelled(opened(tmp_path), photo("1", 2 * RED + GREEN))
    powers = np.exp([2, 1, 0])
    found = [label.confidence for label in outcome.labels]
    assert found == pytest.approx(powers / powers.sum(), abs=1e-6)


def test_labels_that_are_all_concepts_are_one_distribution(tmp_path: Path) -> None:
    known = "n02121620\tcat\nn02084071\tdog\nn01503061\tbird\n"
    outcome = labelled(opened(tmp_path, **tiny_options(tmp_path, known)), photo("1", RED))
    assert [(label.name, label.concept) for label in outcome.labels] == [("cat", "n02121620")]
    assert outcome.remainder == pytest.approx(0, abs=1e-6)


def test_labels_that_are_not_all_concepts_are_scored_each_on_its_own(tmp_path: Path) -> None:
    some = "n02121620\tcat\ntractor\nyeti\n"
    outcome = labelled(opened(tmp_path, **tiny_options(tmp_path, some)), photo("1", RED))
    assert outcome.remainder is None


def test_a_frame_that_cannot_be_looked_at_is_listed_and_the_others_count(tmp_path: Path) -> None:
    broken = Frame(np.zeros((0, 0, 3), np.uint8), at_s=2.0)
    frames = (Frame(picture(RED), 1.0), broken, Frame(picture(RED, BLUE), 3.0))
    outcome = labelled(opened(tmp_path), Sample("1", Media.VIDEO, frames))
    assert (outcome.frames, outcome.failed_frames) == ((1.0, 3.0), (2.0,))


def test_each_frame_of_a_video_has_its_own_labels_the_surest_first(tmp_path: Path) -> None:
    frames = (Frame(picture(RED), 1.0), Frame(picture(BLUE, BLUE, BLUE, RED), 3.0))
    outcome = labelled(opened(tmp_path), Sample("1", Media.VIDEO, frames))
    told = [(label.at_s, label.name, label.confidence) for label in outcome.labels]
    assert told == [(1.0, "red", 1.0), (3.0, "blue", 0.75), (3.0, "red", 0.25)]


def test_what_each_frame_leaves_out_is_averaged(tmp_path: Path) -> None:
    known = "n02121620\tcat\nn02084071\tdog\nn01503061\tbird\n"
    frames = (Frame(picture(RED), 1.0), Frame(picture(8 * RED), 3.0))
    engine = opened(tmp_path, **tiny_options(tmp_path, known))
    outcome = labelled(engine, Sample("1", Media.VIDEO, frames))
    left_out = 2 / (np.exp(8) + 2)
    assert outcome.remainder == pytest.approx(left_out / 2, rel=1e-3)


def test_all_of_many_frames_are_looked_at(tmp_path: Path) -> None:
    frames = tuple(Frame(picture(RED), float(at_s)) for at_s in range(100))
    batch = [Sample(str(number), Media.VIDEO, frames) for number in range(3)]
    for outcome in said(opened(tmp_path), batch).values():
        assert isinstance(outcome, Labelled)
        assert len(outcome.frames) == 100


def test_floats_are_scaled_by_mean_and_deviation(tmp_path: Path) -> None:
    options = tiny_options(tmp_path, nchw=True, dtype=TensorProto.FLOAT)
    engine = opened(tmp_path, **options, mean="0.2,0.4,0.6", std="0.5,0.25,0.125")
    pixels = np.full((9, 9, 3), (51, 102, 204), np.uint8)
    outcome = labelled(engine, Sample("1", Media.PHOTO, (Frame(pixels),)))
    powers = np.exp((np.array([0.2, 0.4, 0.8]) - (0.2, 0.4, 0.6)) / (0.5, 0.25, 0.125))
    found = {label.name: label.confidence for label in outcome.labels}
    assert found["blue"] == pytest.approx(powers[2] / powers.sum(), abs=1e-6)


def test_the_size_decides_what_pictures_it_wants(tmp_path: Path) -> None:
    assert built(tmp_path).capabilities.short_side_px == 256
    own = built(tmp_path, **tiny_options(tmp_path), size="384")
    assert own.capabilities.short_side_px == 439
    assert opened(tmp_path).capabilities.short_side_px == 9


def test_the_fingerprint_is_known_before_it_is_open_and_stays(tmp_path: Path) -> None:
    engine = built(tmp_path)
    before = engine.fingerprint
    assert before == "efficientnet-lite0:57934424:1.1"
    engine.open()
    assert engine.fingerprint == before


def test_the_fingerprint_does_not_depend_on_where_and_how_exactly_it_runs(tmp_path: Path) -> None:
    prints = {
        built(tmp_path, device=device, precision=precision).fingerprint
        for device in ("auto", "cpu", "cuda")
        for precision in ("auto", "f32", "bf16")
    }
    assert len(prints) == 1


def test_the_fingerprint_depends_on_all_that_changes_labels(tmp_path: Path) -> None:
    plain = tiny_options(tmp_path)
    prints = [built(tmp_path, **plain).fingerprint]
    prints += [built(tmp_path, **plain, mean="0,0,0").fingerprint]
    prints += [built(tmp_path, **plain, std="1,1,1").fingerprint]
    prints += [built(tmp_path, **plain, size=32).fingerprint]
    prints += [built(tmp_path, **tiny_options(tmp_path, "a\nb\nc")).fingerprint]
    prints += [built(tmp_path, **tiny_options(tmp_path, softmax=True)).fingerprint]
    assert len(set(prints)) == len(prints)


def test_resnet_is_the_classifier_with_another_default(tmp_path: Path) -> None:
    host = Host(tmp_path, FakeHttp())
    engine = resnet.build("big", resnet.Options(), host)
    assert engine.fingerprint == built(tmp_path, model="resnet50").fingerprint
    assert engine.fingerprint.startswith("resnet50:11ad3fa6:")


def test_the_default_network_names_a_thousand_things(tmp_path: Path) -> None:
    engine = opened(tmp_path, precision="f32")
    batch = [
        Sample(str(number), Media.PHOTO, (Frame(np.pad(image, ((16, 16), (16, 16), (0, 0)))),))
        for number, image in enumerate(golden.images())
    ]
    for number, outcome in said(engine, batch).items():
        assert isinstance(outcome, Labelled)
        logits = golden.logits("efficientnet-lite0")[int(number)].astype(float)
        expected = np.sort(np.exp(logits) / np.exp(logits).sum())[::-1]
        found = [label.confidence for label in outcome.labels]
        assert found == pytest.approx(expected[: len(found)], abs=1e-5)
        assert expected[len(found)] < 1e-3
        assert outcome.remainder == pytest.approx(1 - sum(found))
        assert all(label.concept for label in outcome.labels)


def test_the_default_network_says_what_a_sample_looks_like_in_one_direction(tmp_path: Path) -> None:
    engine = opened(tmp_path, precision="f32")
    one, other = (Frame(np.pad(image, ((16, 16), (16, 16), (0, 0)))) for image in golden.images())
    film = Sample("film", Media.VIDEO, (replace(one, at_s=0.0), replace(other, at_s=1.0)))
    samples = [Sample("one", Media.PHOTO, (one,)), Sample("other", Media.PHOTO, (other,)), film]
    vectors = {name: vector(outcome) for name, outcome in said(engine, samples).items()}
    assert {len(each) for each in vectors.values()} == {1280}
    assert [float(each @ each) for each in vectors.values()] == pytest.approx([1] * 3, abs=1e-3)
    apart = float(vectors["one"] @ vectors["other"])
    assert apart < min(float(vectors["film"] @ vectors[name]) for name in ("one", "other"))


def test_an_own_network_says_nothing_of_what_a_sample_looks_like(tmp_path: Path) -> None:
    assert labelled(opened(tmp_path), photo("a", RED)).embedding is None


def vector(outcome: Outcome) -> NDArray[np.float32]:
    assert isinstance(outcome, Labelled)
    assert outcome.embedding is not None
    return np.frombuffer(outcome.embedding.vector, "<f2").astype(np.float32)


@pytest.mark.slow
def test_resnet_weights_are_fetched_on_opening_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded = golden.seeded_weights(golden.shapes("resnet18"))
    data = zipped({name: _stored(one) for name, one in seeded.items()})
    prefix = sha256(data).hexdigest()[:8]
    monkeypatch.setitem(PUBLISHED, "resnet18", Published("resnet18.pth", prefix))
    url = "http://127.0.0.1/models/resnet18.pth"
    http = FakeHttp({url: data})
    for _ in range(2):
        engine = built(tmp_path, http, model="resnet18", weights_url="http://127.0.0.1/models/")
        engine.open()
        assert engine.fingerprint.startswith(f"resnet18:{prefix}:")
        pixels = np.pad(golden.images()[0], ((16, 16), (16, 16), (0, 0)))
        outcome = labelled(engine, Sample("1", Media.PHOTO, (Frame(pixels),)))
        best = golden.logits("resnet18")[0].argmax()
        assert outcome.labels[0].name == imagenet_name(int(best))
    assert http.fetched == [url]


def imagenet_name(number: int) -> str:
    tree = concepts.load()
    return tree.name(tree.imagenet[number])


def _stored(values: NDArray[Any]) -> Stored:
    strides = tuple(step // values.itemsize for step in values.strides)
    return Stored("FloatStorage", values.tobytes(), values.size, values.shape, strides)


class TestClassifier(EngineContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> LocalBench:
        return LocalBench(lambda: built(tmp_path, **tiny_options(tmp_path)))
