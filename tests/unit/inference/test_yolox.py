import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from tests.unit.inference import tiny, tiny_yolox
from tigertag.errors import ModelError
from tigertag.inference.box_networks import detect
from tigertag.inference.boxes import MOST_CANDIDATES, Detections, clipped
from tigertag.inference.yolox import Yolox


def opened(path: Path) -> Yolox:
    return Yolox(path, device="cpu", precision="f32")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Yolox:
    return opened(tiny_yolox.network(tmp_path_factory.mktemp("yolox") / "tiny.onnx"))


def only(network: Yolox, picture: Any) -> Detections:
    ((_, found),) = detect(network, [picture])
    assert found is not None
    return found


def test_outputs_are_decoded_as_the_reference_does(network: Yolox) -> None:
    found = clipped(network.found((tiny_yolox.golden_outputs(),), *tiny_yolox.GOLDEN_SIZE))
    rows = np.column_stack([found.boxes, found.scores, found.classes])
    np.testing.assert_allclose(rows, tiny_yolox.golden_detections(), atol=2e-6)


def test_a_picture_lies_in_the_top_left_corner_on_grey_as_blue_green_red(network: Yolox) -> None:
    picture = np.full((30, 60, 3), (10, 20, 30), np.uint8)
    square = network.prepared(picture)
    assert (square.shape, square.dtype.name) == ((3, 64, 64), "float32")
    assert square[:, 0, 0].tolist() == square[:, 31, 63].tolist() == [30, 20, 10]
    assert (square[:, 32:] == 114).all()


def test_a_box_is_where_the_thing_is_in_a_picture_of_any_shape(network: Yolox) -> None:
    picture = np.zeros((128, 256, 3), np.uint8)
    picture[32:64, 64:96] = (255, 0, 0)
    found = only(network, picture)
    assert found.classes.tolist() == [0]
    assert found.scores.tolist() == pytest.approx([1])
    np.testing.assert_allclose(found.boxes, [[0.25, 0.25, 0.375, 0.5]], atol=1e-6)


def test_a_thing_in_a_long_panorama_is_found_once_and_in_its_place(network: Yolox) -> None:
    picture = np.zeros((500, 20000, 3), np.uint8)
    picture[:, 9000:9500] = (0, 255, 0)
    found = only(network, picture)
    assert set(found.classes.tolist()) == {1}
    middles = found.boxes[:, [0, 2]].mean(axis=1)
    assert ((middles > 0.44) & (middles < 0.485)).all()


@pytest.mark.parametrize("scale", [3.0, -1.0, float("nan"), float("inf")])
def test_scores_that_are_no_probabilities_are_no_answer(tmp_path: Path, scale: float) -> None:
    network = opened(tiny_yolox.network(tmp_path / "tiny.onnx", scale=scale))
    white = np.full((64, 64, 3), 255, np.uint8)
    assert list(detect(network, [white])) == [(0, None)]


def test_boxes_without_a_place_or_an_end_are_left_out(network: Yolox) -> None:
    outputs = np.zeros((tiny_yolox.CELLS, 85), np.float32)
    outputs[:3, 4:6] = 1
    outputs[0, 0], outputs[1, 2], outputs[2, 2] = np.nan, 1e30, -1e30
    assert len(clipped(network.found((outputs,), 64, 64))) == 0


def test_a_network_that_is_sure_of_everything_takes_little_memory(tmp_path: Path) -> None:
    network = opened(tiny_yolox.network(tmp_path / "tiny.onnx", side_px=640))
    outputs = np.ones((8400, 85), np.float32)
    tracemalloc.start()
    found = network.found((outputs,), 640, 640)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0 < len(found) <= MOST_CANDIDATES
    assert peak_bytes < 60_000_000


@pytest.mark.parametrize("data", [b"", b"no network", "half"])
def test_a_damaged_file_is_an_error_in_one_line(tmp_path: Path, data: Any) -> None:
    path = tiny_yolox.network(tmp_path / "tiny.onnx")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if data == "half" else data)
    with pytest.raises(ModelError, match=r"tiny\.onnx cannot be loaded: [^\n]+$"):
        opened(path)


def test_another_network_is_an_error_that_says_what_was_expected(tmp_path: Path) -> None:
    path = tiny.network(tmp_path / "classifier.onnx", nchw=True, dtype=TensorProto.FLOAT)
    with pytest.raises(ModelError, match=r"no YOLOX model for COCO: its output is \[1, 3\], not"):
        opened(path)


def test_a_model_of_other_classes_is_an_error(tmp_path: Path) -> None:
    path = tiny_yolox.network(tmp_path / "tiny.onnx", classes=20)
    with pytest.raises(ModelError, match=r"\[1, 84, 25\], not \[1, 84, 85\] for an input of 64 px"):
        opened(path)


def test_an_input_that_no_memory_holds_is_refused_before_it_is_made(tmp_path: Path) -> None:
    path = tiny_yolox.network(tmp_path / "tiny.onnx", side_px=1312)
    with pytest.raises(ModelError, match="1 to 1280 px a side are taken"):
        opened(path)


def test_a_file_of_another_format_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tiny_yolox.network(tmp_path / "tiny.pth")
    with pytest.raises(ModelError, match=r"tiny\.pth is no ONNX file"):
        opened(path)
