"""The numbers of a model, as they are kept: a head and the baselines."""

import io
import os
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.genres.fitted import GENRES, WIDTH, fitted, table
from tests.unit.genres.kept_models import head
from tigertag.errors import ModelError
from tigertag.genres import fitting
from tigertag.genres.fitting import fit
from tigertag.genres.model import Baselines, Head
from tigertag.genres.npz import pack

pytestmark = pytest.mark.slow

BROKEN = [b"", b"PK\x03\x04", pickle.dumps({"weights": 1}), head()[:-40], head()[-400:]]


def read(data: bytes, *, width: int = 3, genres: int = 3) -> Head:
    return Head.read(data, width=width, genres=genres)


def baselines(*, width: int = WIDTH, genres: int = len(GENRES), **changed: Any) -> Baselines:
    """Write the baselines, with some arrays changed by hand, and read them again."""
    data = replace(fitted().baselines, **changed).to_npz()
    return Baselines.read(data, width=width, genres=genres)


def inner(name: str, value: int) -> Any:
    """Return an array of the forest with another number in all inner nodes."""
    array = getattr(fitted().baselines, name).copy()
    array[fitted().baselines.left >= 0] = value
    return array


@cache
def estimators() -> tuple[Any, Any]:
    """Return scikit-learn's pipeline and forest of what was fitted."""
    seen: list[Any] = []

    def spied(name: str) -> Callable[..., Any]:
        convert = getattr(fitting, name)

        def spy(pipeline: Any, *rest: Any) -> Any:
            seen.append(pipeline)
            return convert(pipeline, *rest)

        return spy

    with pytest.MonkeyPatch.context() as patched:
        for name in ("_head", "_baselines"):
            patched.setattr(fitting, name, spied(name))
        fit(table())
    return seen[0], seen[1]


@pytest.mark.parametrize("data", BROKEN, ids=["empty", "magic", "pickle", "cut", "headless"])
def test_what_is_no_head_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"^The head of the model is broken: .*\.$"):
        read(data)
    with pytest.raises(ModelError, match=r"^The baselines of the model are broken: .*\.$"):
        Baselines.read(data, width=3, genres=3)


def test_a_pickle_within_is_not_run() -> None:
    file = io.BytesIO()
    objects = np.array([{"a": 1}] * 3, dtype=object)
    np.savez(file, mean=objects, scale=objects, weights=objects, bias=objects)
    with pytest.raises(ModelError, match="The head of the model is broken"):
        read(file.getvalue())


def test_a_head_that_could_grow_on_reading_is_not_read() -> None:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(head())) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(ModelError, match=r"The head of the model is broken: .* compressed"):
        read(packed.getvalue())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mean": np.zeros(4)}, "of another size"),
        ({"weights": np.zeros(3)}, "of another size"),
        ({"bias": np.zeros((3, 1))}, "of another size"),
        ({"bias": np.array([0.0, np.nan, 0.0])}, "what is no number"),
        ({"weights": np.full((3, 3), np.inf)}, "what is no number"),
        ({"mean": np.zeros(3, np.float32)}, "what is no number"),
        ({"mean": np.array(["a", "b", "c"])}, "what is no number"),
        ({"scale": np.array([1.0, 0.0, 1.0])}, "a scale that is none"),
        ({"scale": np.array([1.0, -1.0, 1.0])}, "a scale that is none"),
    ],
)
def test_numbers_that_are_no_head_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read(head(**changed))


@pytest.mark.parametrize(("width", "genres"), [(4, 3), (3, 2)])
def test_a_head_of_another_size_is_refused(width: int, genres: int) -> None:
    with pytest.raises(ModelError, match="of another size than its manifest says"):
        read(head(), width=width, genres=genres)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38])
def test_what_gives_no_probability_is_not_passed_on(value: float) -> None:
    huge = read(head(weights=np.full((3, 3), 1e300)))
    with pytest.raises(ModelError, match="it gives no probabilities"):
        huge.probabilities(np.full((1, 3), value, np.float32))


@pytest.mark.parametrize(("shape", "said"), [((1, 4), "1 x 4"), ((3,), "3")])
def test_vectors_of_another_width_are_refused(shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(ModelError, match=re.escape(f"takes vectors of 3 numbers, not {said}.")):
        read(head()).probabilities(np.zeros(shape, np.float32))


def test_what_is_far_off_is_sure_and_no_overflow() -> None:
    vectors = np.array([[1e6, -1e6, 0.0]], np.float32)
    assert read(head()).probabilities(vectors).tolist() == [[1.0, 0.0, 0.5]]


def test_it_says_a_row_for_each_vector() -> None:
    vectors = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 1.0]], np.float32)
    one = read(head())
    np.testing.assert_allclose(one.probabilities(vectors), 1 / (1 + np.exp(-vectors.astype("f8"))))
    assert one.probabilities(vectors[:0]).shape == (0, 3)


def test_many_threads_may_ask_at_once() -> None:
    one = read(head())
    vectors = [np.full((1, 3), number / 50, np.float32) for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(one.logits, vectors))
    np.testing.assert_allclose(np.concatenate(said), np.concatenate(vectors))


def test_a_head_that_says_something_else_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(ModelError, match=r"^The model was not kept: it differs from scikit-learn"):
        fit(table())


def test_it_says_what_scikit_learn_says() -> None:
    pipeline, _forest = estimators()
    vectors = table(300, seed=3).vectors
    vectors[0] = np.nan
    kept = read(fitted().head.to_npz(), width=WIDTH)
    expected = pipeline.predict_proba(vectors.astype(np.float64))
    assert np.abs(kept.probabilities(vectors) - expected).max() < 1e-9


def test_the_same_films_always_give_the_same_bytes() -> None:
    again = fit(table())
    assert again.head.to_npz() == fitted().head.to_npz()
    assert again.baselines.to_npz() == fitted().baselines.to_npz()


def test_the_bytes_do_not_depend_on_the_order_of_sets() -> None:
    """The graphs that heads were once listed their opsets in the order of a set of strings."""
    code = "from tests.unit.genres.fitted import fitted; print(fitted().head.to_npz().hex())"
    # That of this process is random, or somebody has set it.
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environ = os.environ | {"PYTHONHASHSEED": seed}
    elsewhere = subprocess.check_output([sys.executable, "-c", code], env=environ, text=True)
    assert bytes.fromhex(elsewhere) == fitted().head.to_npz()


def test_two_genres_are_enough() -> None:
    two = replace(table(), targets=table().targets[:, :2], genres=("Action", "Drama"))
    assert fit(two).head.bias.shape == (2,)


@pytest.mark.parametrize(
    ("name", "value"),
    [("left", 0), ("right", 1 << 40), ("feature", WIDTH), ("feature", -2)],
    ids=["back", "out of it", "wide", "below"],
)
def test_a_tree_that_leads_nowhere_is_refused(name: str, value: int) -> None:
    with pytest.raises(ModelError, match="baselines of the model are broken"):
        baselines(**{name: inner(name, value)})


@pytest.mark.parametrize(
    "changed",
    [
        {"roots": np.array([1 << 40])},
        {"roots": np.array([], np.int64)},
        {"roots": np.array([-1])},
        {"left": np.zeros((2, 2), np.int64)},
        {"left": np.array(3)},
        {"threshold": np.zeros(3)},
        {"shares": np.full_like(fitted().baselines.shares, 1.5)},
        {"prevalence": np.array([0.1, np.nan, 0.2])},
        {"filling": np.full(WIDTH, np.inf)},
        {"feature": fitted().baselines.feature.astype(np.float64)},
    ],
)
def test_baselines_that_make_no_sense_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="baselines of the model are broken"):
        baselines(**changed)


@pytest.mark.parametrize(("width", "genres"), [(WIDTH + 1, 3), (WIDTH - 1, 3), (WIDTH, 2)])
def test_baselines_of_another_model_are_refused(width: int, genres: int) -> None:
    with pytest.raises(ModelError, match="or are of another model"):
        baselines(width=width, genres=genres)


def test_baselines_without_their_parts_are_refused() -> None:
    with pytest.raises(ModelError, match="baselines of the model are broken"):
        Baselines.read(pack(roots=np.array([0])), width=WIDTH, genres=3)


def test_the_forest_says_what_scikit_learn_says() -> None:
    _pipeline, forest = estimators()
    vectors = table(300, seed=4).vectors
    said: list[NDArray[np.float64]] = forest.predict_proba(vectors)
    expected = np.stack([of_genre[:, 1] for of_genre in said], axis=1)
    np.testing.assert_array_equal(baselines().probabilities(vectors)["random_forest"], expected)


def test_the_baselines_are_a_row_for_each_vector() -> None:
    vectors = table(30, seed=4).vectors
    said = baselines().probabilities(vectors)
    np.testing.assert_array_equal(said["prevalence"][7], fitted().baselines.prevalence)
    assert said["random_forest"].shape == (30, 3)
    assert baselines().probabilities(vectors[:0])["random_forest"].shape == (0, 3)
