import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, load_from_string, numpy_helper

from tests.unit.genres.heads import head
from tigertag.errors import ModelError
from tigertag.inference.head import Head

SCALED = helper.make_node(
    "Scaler", ["pooled"], ["probabilities"], domain="ai.onnx.ml", offset=[0.0], scale=[1.0]
)


def with_weights(nodes: Sequence[NodeProto], *weights: TensorProto) -> bytes:
    """Return a head that has these weights."""
    model = load_from_string(head(nodes=nodes))
    model.graph.initializer.extend(weights)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x04K\x01.", b"{}", head()[:-9]])
def test_what_is_no_graph_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"^The head of the model .*\.$"):
        Head(data)


@pytest.mark.parametrize("kind", ["Loop", "If", "MatMul", "SequenceMap"])
def test_an_operator_that_no_head_needs_is_refused_and_named(kind: str) -> None:
    node = helper.make_node(kind, ["pooled"], ["probabilities"])
    with pytest.raises(ModelError, match=f"an operator that none has: '{kind}'"):
        Head(head(nodes=[node]))


def test_operators_whose_names_are_no_text_are_refused() -> None:
    data = head(nodes=[helper.make_node(kind, ["pooled"], ["x"]) for kind in ("Odd", "Odder")])
    with pytest.raises(ModelError, match="an operator that none has"):
        Head(data.replace(b"Odder", b"\xff\xffder"))


def test_an_operator_of_another_domain_is_refused() -> None:
    node = helper.make_node("Add", ["pooled", "pooled"], ["probabilities"], domain="org.custom")
    with pytest.raises(ModelError, match="an operator that none has: 'Add'"):
        Head(head(nodes=[node]))


def test_weights_in_another_file_are_refused() -> None:
    model = load_from_string(head())
    outside = model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1])
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="../../etc/passwd")
    with pytest.raises(ModelError, match="refers to more than itself"):
        Head(model.SerializeToString())


def test_a_graph_with_other_inputs_or_outputs_is_refused() -> None:
    with pytest.raises(ModelError, match="does not turn pooled vectors into probabilities"):
        Head(head(given="label"))


def test_a_graph_that_cannot_be_run_is_refused() -> None:
    node = helper.make_node("Add", ["pooled", "nothing"], ["probabilities"])
    with pytest.raises(ModelError, match=r"^The head of the model is broken: .*\.$"):
        Head(head(nodes=[node]))


@pytest.mark.parametrize("width", [1 << 40, 1 << 62, 0])
def test_a_width_that_no_vector_has_is_refused_before_it_is_tried(width: int) -> None:
    with pytest.raises(ModelError, match="does not turn pooled vectors into probabilities"):
        Head(head(width))


@pytest.mark.parametrize("axis", [0, 1])
def test_a_graph_that_doubles_its_numbers_again_and_again_is_refused(axis: int) -> None:
    doubled = [
        helper.make_node("Concat", [before, before], [after], axis=axis)
        for before, after in pairwise(["pooled", *(f"x{n}" for n in range(40)), "probabilities"])
    ]
    with pytest.raises(ModelError, match="its parts do not fit"):
        Head(head(nodes=doubled))


def test_text_that_doubles_is_refused() -> None:
    names = ["text", *(f"x{n}" for n in range(40))]
    doubled = [helper.make_node("Add", [one, one], [two]) for one, two in pairwise(names)]
    text = TensorProto(name="text", data_type=TensorProto.STRING, dims=[1], string_data=[b"x"])
    with pytest.raises(ModelError, match="its parts do not fit"):
        Head(with_weights([*doubled, SCALED], text))


def test_a_product_of_a_row_and_a_column_is_refused() -> None:
    column = numpy_helper.from_array(np.zeros((900, 1), np.float32), "column")
    row = numpy_helper.from_array(np.zeros((1, 900), np.float32), "row")
    table = helper.make_node("Mul", ["column", "row"], ["table"])
    with pytest.raises(ModelError, match="its parts do not fit"):
        Head(with_weights([table, SCALED], column, row))


@pytest.mark.parametrize("labels", ["label", "pooled", "probabilities"])
def test_the_labels_of_a_classifier_are_taken_by_nothing(labels: str) -> None:
    said = helper.make_node(
        "LinearClassifier",
        ["pooled"],
        [labels, "said"],
        domain="ai.onnx.ml",
        classlabels_ints=[0, 1, 2],
        coefficients=[0.0] * 9,
        intercepts=[0.0] * 3,
    )
    table = helper.make_node("Mul", [labels, "said"], ["probabilities"])
    with pytest.raises(ModelError, match="its parts do not fit"):
        Head(head(nodes=[said, table]))


def test_a_graph_of_too_many_parts_is_refused() -> None:
    names = ["pooled", *(f"x{n}" for n in range(200)), "probabilities"]
    chain = [helper.make_node("Exp", [one], [two]) for one, two in pairwise(names)]
    with pytest.raises(ModelError, match="takes more than any head does"):
        Head(head(nodes=chain))


def test_weights_of_absurd_size_are_refused() -> None:
    huge = TensorProto(name="huge", data_type=TensorProto.FLOAT, dims=[1 << 40])
    with pytest.raises(ModelError, match="its parts do not fit"):
        Head(with_weights([SCALED], huge))


def test_weights_within_an_operator_are_refused() -> None:
    odd = helper.make_node("Exp", ["pooled"], ["probabilities"])
    odd.attribute.append(helper.make_attribute("value", helper.make_tensor("w", 1, [1], [0.0])))
    with pytest.raises(ModelError, match="refers to more than itself"):
        Head(head(nodes=[odd]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_what_is_no_probability_is_not_passed_on(value: float) -> None:
    with pytest.raises(ModelError, match="what it says is no probability"):
        Head(head()).probabilities(np.full((1, 3), value, np.float32))


@pytest.mark.parametrize(("shape", "said"), [((1, 4), "1 x 4"), ((3,), "3")])
def test_vectors_of_another_width_are_refused(shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(ModelError, match=re.escape(f"takes vectors of 3 numbers, not {said}.")):
        Head(head()).probabilities(np.zeros(shape, np.float32))


def test_it_says_a_row_for_each_vector() -> None:
    vectors = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 1.0]], np.float32)
    one = Head(head())
    assert (one.width, one.genres) == (3, 3)
    np.testing.assert_allclose(one.probabilities(vectors), vectors)
    assert one.probabilities(vectors[:0]).shape == (0, 3)


def test_rounding_does_not_take_a_probability_beyond_one() -> None:
    said = Head(head(offset=-1e-7)).probabilities(np.ones((1, 3), np.float32))
    assert said.max() == 1.0


def test_many_threads_may_ask_at_once() -> None:
    one = Head(head())
    vectors = [np.full((1, 3), number / 50, np.float32) for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(one.probabilities, vectors))
    np.testing.assert_allclose(np.concatenate(said), np.concatenate(vectors))
