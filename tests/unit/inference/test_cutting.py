"""What gives embeddings of a network that was made to classify."""

import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import (
    ModelProto,
    NodeProto,
    TensorProto,
    helper,
    load,
    load_model_from_string,
    save,
)
from onnx.reference import ReferenceEvaluator

from tests.unit.inference.drawn import AVERAGES, FOREIGN, GEMM, SIDE_PX, images, network, node
from tigertag.errors import ModelError
from tigertag.inference.cutting import cut


def embeddings(path: Path) -> NDArray[Any]:
    """Run what was cut out of a network on `images`."""
    model = load_model_from_string(cut(path, None).onnx)
    (said,) = ReferenceEvaluator(model).run(None, {"image": images()})
    return np.asarray(said)


def averages() -> NDArray[Any]:
    return np.asarray(images().mean(axis=(2, 3)))


def place(model: ModelProto, weights: TensorProto, within: str) -> None:
    """Put weights into a network, not among those that all of it has."""
    constant = helper.make_node("Constant", [], ["c"], value=weights)
    if within == "sparse":
        model.graph.sparse_initializer.add().values.CopyFrom(weights)
    elif within == "function":
        model.functions.add(name="f", domain="own").node.append(constant)
    elif within == "graph":
        inner = helper.make_graph([constant], "inner", [], [])
        model.graph.node.append(helper.make_node("If", ["image"], ["c"], then_branch=inner))
    else:
        model.graph.node.append(constant)


def refusal(path: Path, side_px: int | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        cut(path, side_px)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("data", [b"no network", b"\x08\x07\x12\x00", b"\xff" * 64])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "broken.onnx").write_bytes(data)
    assert "broken.onnx" in refusal(tmp_path / "broken.onnx")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "gone.onnx cannot be read: No such file" in refusal(tmp_path / "gone.onnx")


def test_a_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "own.onnx")
    assert "own.onnx is no file." in refusal(tmp_path / "own.onnx")


def test_a_network_whose_weights_lie_elsewhere_is_refused(tmp_path: Path) -> None:
    path = network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits")
    save(load(path), path, save_as_external_data=True, location="more.bin", size_threshold=0)
    (tmp_path / "more.bin").unlink()
    assert "has its weights in other files; export it as one file." in refusal(path)


@pytest.mark.parametrize("within", ["operator", "graph", "function", "sparse"])
def test_weights_that_lie_elsewhere_are_found_wherever_they_are(
    tmp_path: Path, within: str
) -> None:
    path = network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits")
    model = load(path)
    outside = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    outside.data_location = TensorProto.EXTERNAL
    place(model, outside, within)
    path.write_bytes(model.SerializeToString())
    assert "has its weights in other files" in refusal(path)


def test_a_network_cut_short_is_refused(tmp_path: Path) -> None:
    path = network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits")
    path.write_bytes(path.read_bytes()[:-40])
    assert "own.onnx" in refusal(path)


def test_a_file_with_wrong_bytes_raises_nothing_else(tmp_path: Path) -> None:
    path = network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits")
    whole, chance = path.read_bytes(), random.Random(5)
    refused = 0
    for _ in range(300):
        broken = bytearray(whole)
        broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(broken)
        with suppress(ModelError):
            cut(path, None)
            refused -= 1
        refused += 1
    assert refused > 30


def test_a_network_of_two_outputs_is_refused_by_their_names(tmp_path: Path) -> None:
    nodes = [*AVERAGES, GEMM, node("Relu", "logits", "extra")]
    path = network(tmp_path / "own.onnx", nodes, "logits", outputs=["extra"])
    assert "2 outputs (logits, extra); it must have one" in refusal(path)


def test_a_network_of_two_inputs_is_refused(tmp_path: Path) -> None:
    path = network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits", inputs=["image", "mask"])
    assert "2 inputs; it must have one" in refusal(path)


def test_a_network_that_takes_no_image_is_refused(tmp_path: Path) -> None:
    path = network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits", taken=("N", 3, 8, 6))
    assert "not square" in refusal(path)


def test_a_side_that_the_file_contradicts_is_refused(tmp_path: Path) -> None:
    path = network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits")
    assert "not 9 px a side" in refusal(path, 9)


def test_an_output_of_three_lengths_is_refused(tmp_path: Path) -> None:
    nodes = [node("ReduceMean", "image", "said", axes=[3], keepdims=0)]
    path = network(tmp_path / "own.onnx", nodes, "said", shape=("N", 3, 8))
    assert "[?, 3, 8], neither numbers nor planes" in refusal(path)


def test_nodes_of_a_kind_that_the_file_does_not_import_are_refused(tmp_path: Path) -> None:
    nodes = [node("Riddle", "image", "said", domain="not.imported")]
    path = network(tmp_path / "own.onnx", nodes, "said", shape=None)
    assert "gives no embeddings. It does not fit together: " in refusal(path)


def test_an_output_whose_shape_nobody_knows_is_refused(tmp_path: Path) -> None:
    nodes = [node("Riddle", "image", "said", domain=FOREIGN)]
    path = network(tmp_path / "own.onnx", nodes, "said", shape=None)
    assert "of no known shape, neither numbers nor planes" in refusal(path)


@pytest.mark.parametrize(
    "last",
    [
        [GEMM],
        [node("Gemm", "averages turned bias", "logits", transB=1)],
        [node("MatMul", "averages weight", "logits")],
        [node("MatMul", "averages weight", "product"), node("Add", "product bias", "logits")],
        [node("MatMul", "averages weight", "product"), node("Add", "bias product", "logits")],
        [
            node("Transpose", "turned", "again", perm=[1, 0]),
            node("MatMul", "averages again", "logits"),
        ],
        [node("Dropout", "averages", "dropped"), node("MatMul", "dropped weight", "logits")],
    ],
)
@pytest.mark.parametrize("after", ["", "Softmax", "Identity", "Sigmoid"])
def test_the_embedding_is_what_the_last_linear_layer_gets(
    tmp_path: Path, last: list[NodeProto], after: str
) -> None:
    tail = [node(after, "logits", "said")] if after else []
    path = network(tmp_path / "own.onnx", [*AVERAGES, *last, *tail], "said" if after else "logits")
    np.testing.assert_allclose(embeddings(path), averages(), rtol=1e-5)


def test_what_is_left_out_is_not_carried(tmp_path: Path) -> None:
    path = network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits")
    graph = load_model_from_string(cut(path, None).onnx).graph
    assert [each.op_type for each in graph.node] == ["GlobalAveragePool", "Flatten", "Identity"]
    assert not graph.initializer


@pytest.mark.parametrize("product", ["MatMul", "Gemm"])
def test_a_product_of_two_things_seen_is_no_linear_layer(tmp_path: Path, product: str) -> None:
    nodes = [*AVERAGES, node("Transpose", "averages", "turned_averages", perm=[1, 0])]
    nodes.append(node(product, "averages turned_averages", "said"))
    path = network(tmp_path / "own.onnx", nodes, "said", shape=("N", "M"))
    np.testing.assert_allclose(embeddings(path), averages() @ averages().T, rtol=1e-5)


def test_numbers_that_no_linear_layer_gives_are_the_embedding(tmp_path: Path) -> None:
    path = network(tmp_path / "own.onnx", AVERAGES, "averages", shape=("N", 3))
    np.testing.assert_allclose(embeddings(path), averages(), rtol=1e-5)


def test_planes_are_averaged(tmp_path: Path) -> None:
    nodes = [node("MaxPool", "image", "planes", kernel_shape=[2, 2], strides=[2, 2])]
    path = network(tmp_path / "own.onnx", nodes, "planes", shape=("N", 3, 4, 4))
    wanted = images().reshape(2, 3, 4, 2, 4, 2).max(axis=(3, 5)).mean(axis=(2, 3))
    np.testing.assert_allclose(embeddings(path), wanted, rtol=1e-5)


def test_planes_whose_channels_are_last_are_averaged_too(tmp_path: Path) -> None:
    nodes = [node("Transpose", "image", "planes", perm=[0, 2, 3, 1])]
    path = network(tmp_path / "own.onnx", nodes, "planes", shape=None)
    np.testing.assert_allclose(embeddings(path), averages(), rtol=1e-5)


def test_the_names_that_a_network_uses_are_not_taken_again(tmp_path: Path) -> None:
    nodes = [node("GlobalAveragePool", "image", "embedding_planes")]
    nodes.append(node("Flatten", "embedding_planes", "embedding"))
    nodes.append(node("MatMul", "embedding weight", "said"))
    path = network(tmp_path / "own.onnx", nodes, "said")
    np.testing.assert_allclose(embeddings(path), averages(), rtol=1e-5)


def test_what_was_cut_is_not_cut_again(tmp_path: Path) -> None:
    layers = [*AVERAGES, node("MatMul", "averages weight", "inner")]
    layers.append(node("Gemm", "inner deep bias", "said"))
    layers.insert(0, node("MatMul", "turned weight", "deep"))
    once = cut(network(tmp_path / "own.onnx", layers, "said"), None)
    (tmp_path / "cut.onnx").write_bytes(once.onnx)
    assert cut(tmp_path / "cut.onnx", None) == once


def test_a_side_that_the_file_leaves_open_is_written_into_it(tmp_path: Path) -> None:
    taken = ("N", 3, "H", "W")
    path = network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits", taken=taken)
    result = cut(path, 24)
    (tmp_path / "cut.onnx").write_bytes(result.onnx)
    assert result.input.shape == (3, 24, 24)
    assert cut(tmp_path / "cut.onnx", None) == result


def test_the_output_is_declared_as_what_it_is(tmp_path: Path) -> None:
    half = [node("Cast", "image", "half", to=TensorProto.FLOAT16)]
    half += [node("GlobalAveragePool", "half", "pooled"), node("Flatten", "pooled", "averages")]
    half += [node("Cast", "weight", "small", to=TensorProto.FLOAT16)]
    half += [node("MatMul", "averages small", "product")]
    last = node("Cast", "product", "said", to=TensorProto.FLOAT)
    path = network(tmp_path / "own.onnx", [*half, last], "said")
    told = load_model_from_string(cut(path, None).onnx).graph.output[0].type.tensor_type
    assert told.elem_type == TensorProto.FLOAT16
    assert told.shape.dim[1].dim_value == 3


def test_half_precision_stays_half(tmp_path: Path) -> None:
    path = network(
        tmp_path / "own.onnx", AVERAGES, "averages", shape=("N", 3), dtype=TensorProto.FLOAT16
    )
    result = cut(path, None)
    output = load_model_from_string(result.onnx).graph.output[0]
    assert output.type.tensor_type.elem_type == TensorProto.FLOAT16
    assert result.input.dtype == "float16"
    assert result.input.side_px == SIDE_PX
