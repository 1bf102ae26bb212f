import copy
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import skops.io
from numpy.typing import NDArray
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.tree._tree import Tree

from tests.unit.genres.fitted import GENRES, WIDTH, archived, fitted, table
from tigertag.errors import ModelError
from tigertag.genres import archive
from tigertag.genres.archive import Archive, baselines

pytestmark = pytest.mark.slow


def load(data: bytes, *, width: int = WIDTH, genres: int = len(GENRES)) -> Archive:
    return archive.load(data, width=width, genres=genres)


def repacked(change: Callable[[str, bytes], bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return the archive with its files changed by hand."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archived())) as old,
        zipfile.ZipFile(written, "w", compression) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return written.getvalue()


def changed(before: str, after: str) -> bytes:
    """Return the archive with its schema changed by hand."""

    def change(name: str, data: bytes) -> bytes:
        if name != "schema.json":
            return data
        assert before.encode() in data
        return data.replace(before.encode(), after.encode())

    return repacked(change)


def forged(change: Callable[[Any], Any]) -> bytes:
    """Return the archive with its forest changed by hand."""
    forest = copy.deepcopy(fitted().forest)
    for one in forest[-1].estimators_:
        one.tree_ = change(one.tree_)
    kept = {
        "pipeline": fitted().pipeline,
        "forest": forest,
        "prevalence": np.array(fitted().prevalence),
    }
    return bytes(skops.io.dumps(kept))


def tree_of(tree: Any, *, features: int = WIDTH, **nodes: int) -> Any:
    """Return the tree with other numbers in its inner nodes."""
    state = tree.__getstate__()
    changed = state["nodes"].copy()
    for name, value in nodes.items():
        changed[name][changed["left_child"] >= 0] = value
    other = Tree(features, np.full(tree.n_outputs, 2), tree.n_outputs)
    other.__setstate__({**state, "nodes": changed})
    return other


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04", pickle.dumps({"pipeline": 1}), archived()[:-40], archived()[-4000:]],
    ids=["empty", "magic", "pickle", "cut short", "headless"],
)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"^The archive of the model is broken; learn .*\.$"):
        load(data)


def test_a_type_that_no_model_has_is_named_though_skops_trusts_it() -> None:
    foreign = skops.io.dumps({"pipeline": SVC()})
    assert not skops.io.get_untrusted_types(data=foreign)
    with pytest.raises(ModelError, match=r"what no model has: sklearn\.svm\._classes\.SVC\."):
        load(foreign)


def test_a_function_is_refused() -> None:
    foreign = skops.io.dumps({"pipeline": FunctionTransformer(np.log)})
    with pytest.raises(ModelError, match="what no model has"):
        load(foreign)


def test_a_way_of_making_things_that_no_model_needs_is_refused() -> None:
    with pytest.raises(ModelError, match=r"builtins\.tuple by MethodNode"):
        load(changed('"TupleNode"', '"MethodNode"'))


def test_a_class_of_another_module_is_refused() -> None:
    with pytest.raises(ModelError, match=r"what no model has: os\.Pipeline"):
        load(changed('"sklearn.pipeline"', '"os"'))


def test_an_archive_without_its_parts_is_refused() -> None:
    with pytest.raises(ModelError, match="is broken"):
        load(skops.io.dumps({"pipeline": 1}))


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1 << 10)
    with pytest.raises(ModelError, match="holds more than"):
        load(archived())


@pytest.mark.parametrize(
    "nodes",
    [{"left_child": 0}, {"right_child": 1 << 40}, {"feature": WIDTH}, {"feature": -2}],
    ids=["back", "out of it", "wide", "below"],
)
def test_a_tree_that_leads_nowhere_is_refused(nodes: dict[str, int]) -> None:
    with pytest.raises(ModelError, match="holds a tree that is none"):
        load(forged(lambda tree: tree_of(tree, **nodes)))


def test_a_tree_of_more_features_than_the_model_has_is_refused() -> None:
    far = forged(lambda tree: tree_of(tree, features=1 << 30, feature=(1 << 30) - 1))
    with pytest.raises(ModelError, match="holds a tree that is none"):
        load(far)


def test_what_the_file_says_of_a_trees_size_is_not_believed() -> None:
    lying = changed('"node_count": {', '"node_count": {"content": "9", "n": {}}, "was": {')
    said = baselines(load(lying), table(9).vectors)["random_forest"]
    np.testing.assert_array_equal(
        said, baselines(load(archived()), table(9).vectors)["random_forest"]
    )


@pytest.mark.parametrize(("width", "genres"), [(WIDTH + 1, 3), (WIDTH - 1, 3), (WIDTH, 2)])
def test_an_archive_of_another_model_is_refused(width: int, genres: int) -> None:
    with pytest.raises(ModelError, match=r"^The archive of the model .*\.$"):
        load(archived(), width=width, genres=genres)


def test_an_array_whose_header_makes_no_sense_is_refused() -> None:
    def change(name: str, data: bytes) -> bytes:
        return data if name == "schema.json" else data.replace(b"{'descr'", b"((('descr")

    with pytest.raises(ModelError, match="is broken"):
        load(repacked(change))


def test_an_archive_that_is_packed_in_another_way_is_refused() -> None:
    with pytest.raises(ModelError, match="is broken"):
        load(repacked(lambda _name, data: data, zipfile.ZIP_LZMA))


def test_a_schema_of_absurd_size_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_SCHEMA", 1 << 10)
    with pytest.raises(ModelError, match="says more of itself than any model does"):
        load(archived())


def test_what_was_kept_says_what_was_learned() -> None:
    vectors = table(30, seed=4).vectors
    kept = skops.io.loads(archived(), trusted=skops.io.get_untrusted_types(data=archived()))
    np.testing.assert_array_equal(
        kept["pipeline"].predict_proba(vectors), fitted().probabilities(vectors)
    )
    assert load(archived()).prevalence.tolist() == list(fitted().prevalence)


def test_the_forest_says_what_scikit_learn_says() -> None:
    vectors = table(300, seed=4).vectors
    said: list[NDArray[np.float64]] = fitted().forest.predict_proba(vectors)
    expected = np.stack([of_genre[:, 1] for of_genre in said], axis=1)
    np.testing.assert_array_equal(baselines(load(archived()), vectors)["random_forest"], expected)


def test_the_baselines_are_a_row_for_each_vector() -> None:
    vectors = table(30, seed=4).vectors
    said = baselines(load(archived()), vectors)
    np.testing.assert_array_equal(said["prevalence"][7], fitted().prevalence)
    assert said["random_forest"].shape == (30, 3)
    assert baselines(load(archived()), vectors[:0])["random_forest"].shape == (0, 3)


def test_nothing_in_it_is_a_pickle() -> None:
    with zipfile.ZipFile(io.BytesIO(archived())) as files:
        assert {name.rsplit(".", 1)[1] for name in files.namelist()} == {"json", "npy"}
        assert json.loads(files.read("schema.json"))["__class__"] == "dict"
