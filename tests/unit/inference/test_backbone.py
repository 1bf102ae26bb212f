from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from tests.unit.inference import drawn, golden
from tests.unit.inference.drawn import AVERAGES, GEMM
from tests.unit.inference.fetching import FakeHttp
from tigertag.contracts import Host
from tigertag.errors import ModelError
from tigertag.inference.backbone import Backbone, Embedder, OnnxBackbone, PublishedBackbone
from tigertag.inference.checkpoint import read_checkpoint
from tigertag.inference.preprocessing import Scaling
from tigertag.inference.weights import TORCHVISION, Weights

pytestmark = pytest.mark.slow

PLAIN = Scaling((0, 0, 0), (1, 1, 1))


def averaging(folder: Path, scaling: Scaling = PLAIN, **how: object) -> Backbone:
    """A backbone whose embedding are the average colours, in [0, 1]."""
    path = drawn.network(folder / "own.onnx", [*AVERAGES, GEMM], "logits")
    return OnnxBackbone(path, scaling, None, **how)  # type: ignore[arg-type]


def opened(backbone: Backbone) -> Embedder:
    return backbone.open("cpu", "f32")


def frames(count: int = 6) -> list[NDArray[np.uint8]]:
    """Return frames of one tile and of two, by turns."""
    random = np.random.default_rng(9)
    sizes = [(8, 8), (8, 16), (16, 8)]
    return [
        random.integers(0, 256, (*sizes[n % 3], 3), dtype=np.uint8) for n in range(count)
    ]  # fmt: skip


def colours(some: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    return np.stack([frame.mean(axis=(0, 1)) / 255 for frame in some])


def test_a_name_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'vgg' is none of efficientnet-lite0, "):
        PublishedBackbone("vgg", Host(tmp_path, FakeHttp()))


def test_a_layout_that_the_network_does_not_work_with_is_told_with_the_file(tmp_path: Path) -> None:
    kernel = numpy_helper.from_array(np.ones((4, 3, 2, 2), np.float32))
    nodes = [
        drawn.node("Constant", "", "kernel", value=kernel),
        drawn.node("Conv", "image kernel", "planes"),
        drawn.node("GlobalAveragePool", "planes", "pooled"),
        drawn.node("Flatten", "pooled", "said"),
    ]
    taken = ("N", 8, 8, 3)
    path = drawn.network(tmp_path / "own.onnx", nodes, "said", taken=taken, shape=("N", 4))
    with pytest.raises(ModelError) as caught:
        opened(OnnxBackbone(path, PLAIN, None))
    assert str(caught.value).startswith(f"{path} cannot be run: its input is [?, 8, 8, 3], ")


def test_an_own_file_that_is_not_there_is_named_when_it_is_needed(tmp_path: Path) -> None:
    absent = OnnxBackbone(tmp_path / "gone.onnx", PLAIN, None)
    assert absent.name == "gone"
    for need in (absent.fingerprint, absent.onnx, lambda: opened(absent)):
        with pytest.raises(ModelError, match=r"gone\.onnx cannot be read"):
            need()


def test_a_frame_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    embedder = opened(averaging(tmp_path))
    with pytest.raises(ValueError, match="not uint8"):
        embedder.embed([*frames(2), np.zeros((4, 4), np.uint8)])
    assert len(embedder.embed(frames(40))) == 40


def test_what_the_frames_raise_comes_through(tmp_path: Path) -> None:
    def failing() -> Iterator[NDArray[np.uint8]]:
        yield from frames(3)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        opened(averaging(tmp_path)).embed(failing())


@pytest.mark.parametrize("deviation", [1e-38, 1e-9])
def test_embeddings_that_are_no_numbers_are_an_error(tmp_path: Path, deviation: float) -> None:
    embedder = opened(averaging(tmp_path, Scaling((0, 0, 0), (deviation,) * 3)))
    with pytest.raises(ModelError, match="own gives no numbers, or such as cannot be kept"):
        embedder.embed(frames(2))


def test_no_frames_give_no_embeddings(tmp_path: Path) -> None:
    result = opened(averaging(tmp_path)).embed([])
    assert result.shape == (0, 3)
    assert result.dtype == np.float32


def test_an_embedding_is_the_mean_over_the_tiles(tmp_path: Path) -> None:
    some = frames()
    np.testing.assert_allclose(opened(averaging(tmp_path)).embed(some), colours(some), atol=1e-3)


def test_many_threads_get_their_own_embeddings(tmp_path: Path) -> None:
    embedder, counts = opened(averaging(tmp_path)), [1, 2, 7, 20] * 10
    with ThreadPoolExecutor(8) as threads:
        for result in threads.map(lambda count: embedder.embed(frames(count)), counts):
            np.testing.assert_allclose(result, colours(frames(len(result))), atol=1e-3)


def test_pixels_are_scaled_as_said(tmp_path: Path) -> None:
    scaling = Scaling((0.5, 0.25, 0.1), (0.5, 0.2, 0.1))
    result = opened(averaging(tmp_path, scaling)).embed(frames())
    wanted = (colours(frames()) - scaling.mean) / scaling.deviation
    np.testing.assert_allclose(result, wanted, atol=1e-2)


def test_a_network_of_bytes_whose_channels_are_last_is_fed_as_it_wants(tmp_path: Path) -> None:
    nodes = [
        drawn.node("Transpose", "image", "bytes", perm=[0, 3, 1, 2]),
        drawn.node("Cast", "bytes", "floats", to=TensorProto.FLOAT),
        drawn.node("ReduceMean", "floats", "averages", axes=[2, 3], keepdims=0),
        GEMM,
    ]
    taken = ("N", drawn.SIDE_PX, drawn.SIDE_PX, 3)
    path = tmp_path / "own.onnx"
    drawn.network(path, nodes, "logits", taken=taken, shape=None, dtype=TensorProto.UINT8)
    result = opened(OnnxBackbone(path, PLAIN, None)).embed(frames())
    np.testing.assert_allclose(result, 255 * colours(frames()), atol=0.3)


def test_an_own_network_is_the_same_when_it_is_opened_from_what_a_model_carries(
    tmp_path: Path,
) -> None:
    whole = averaging(tmp_path)
    carried = whole.onnx()
    assert carried is not None
    (tmp_path / "backbone.onnx").write_bytes(carried)
    again = OnnxBackbone(tmp_path / "backbone.onnx", PLAIN, None, name="own")
    assert (again.fingerprint(), again.onnx()) == (whole.fingerprint(), carried)
    np.testing.assert_array_equal(opened(again).embed(frames()), opened(whole).embed(frames()))


def test_another_scaling_or_network_is_another_fingerprint(tmp_path: Path) -> None:
    first = averaging(tmp_path).fingerprint()
    assert averaging(tmp_path).fingerprint() == first
    assert averaging(tmp_path, Scaling()).fingerprint() != first
    path = drawn.network(tmp_path / "own.onnx", [*AVERAGES, GEMM], "logits", shape=None)
    assert OnnxBackbone(path, PLAIN, None).fingerprint() == first
    drawn.network(path, [*AVERAGES, drawn.node("Relu", "averages", "logits")], "logits", shape=None)
    assert OnnxBackbone(path, PLAIN, None).fingerprint() != first


def test_a_known_network_gives_what_its_last_layer_gets(tmp_path: Path) -> None:
    host = Host(tmp_path, FakeHttp())
    lite0 = PublishedBackbone("efficientnet-lite0", host)
    result = opened(lite0).embed(golden.images())
    weights = read_checkpoint(Weights("efficientnet-lite0", None, TORCHVISION, host).file())
    logits = result @ weights["_fc.weight"].T + weights["_fc.bias"]
    assert result.shape == (2, 1280)
    assert np.abs(logits - golden.logits("efficientnet-lite0")).max() <= 1e-3
    assert lite0.onnx() is None
    assert lite0.side_px == opened(lite0).short_side_px == 224


def test_weights_of_ones_own_are_another_fingerprint(tmp_path: Path) -> None:
    host = Host(tmp_path, FakeHttp())
    (tmp_path / "mine.pth").write_bytes(b"other weights")
    mine = PublishedBackbone("resnet18", host, tmp_path / "mine.pth")
    assert mine.fingerprint() != PublishedBackbone("resnet18", host).fingerprint()
    assert PublishedBackbone("resnet18", host).fingerprint().startswith("resnet18:f37072fd:")
