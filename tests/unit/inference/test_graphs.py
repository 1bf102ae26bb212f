from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.inference import golden
from tests.unit.inference.fetching import FakeHttp
from tigertag.contracts import Host
from tigertag.errors import ModelError
from tigertag.inference import graphs
from tigertag.inference.checkpoint import read_checkpoint
from tigertag.inference.runtime import open_session
from tigertag.inference.weights import TORCHVISION, Weights

pytestmark = pytest.mark.slow

TOLERANCE = 1e-3


def weights(network: str) -> dict[str, NDArray[Any]]:
    if network.startswith("resnet"):
        return golden.seeded_weights(golden.shapes(network))
    packaged = Weights(network, None, TORCHVISION, Host(Path("unused"), FakeHttp()))
    return read_checkpoint(packaged.file())


@pytest.mark.parametrize(
    "network",
    ["efficientnet-lite0", "resnet18", pytest.param("resnet50", marks=pytest.mark.slow)],
)
def test_the_logits_are_those_of_the_reference(tmp_path: Path, network: str) -> None:
    (tmp_path / "graph.onnx").write_bytes(graphs.build(network, weights(network)))
    session = open_session(tmp_path / "graph.onnx", device="cpu", precision="f32")
    outputs = dict(session.run(golden.images()))
    expected = golden.logits(network)
    assert np.min(expected.std(axis=1)) > 0.5
    assert np.abs(np.stack([outputs[0], outputs[1]]) - expected).max() <= TOLERANCE


def test_weights_that_lack_a_tensor_are_refused_by_its_name() -> None:
    lacking = weights("resnet18")
    del lacking["layer3.1.bn2.bias"]
    with pytest.raises(ModelError, match=r"not the weights of resnet18: layer3\.1\.bn2\.bias"):
        graphs.build("resnet18", lacking)


def test_weights_of_a_deeper_network_are_refused() -> None:
    deeper = weights("resnet18")
    deeper["layer3.2.conv1.weight"] = deeper["layer3.1.conv1.weight"]
    with pytest.raises(ModelError, match=r"it has no layer3\.2\.conv1\.weight"):
        graphs.build("resnet18", deeper)


@pytest.mark.parametrize("name", ["fc.weight", "conv1.weight", "bn1.bias", "layer1.0.conv2.weight"])
def test_weights_of_a_wrong_shape_are_refused(name: str) -> None:
    wrong = weights("resnet18")
    wrong[name] = wrong[name][:-1]
    with pytest.raises(ModelError, match="do not fit resnet18"):
        graphs.build("resnet18", wrong)


@pytest.mark.parametrize("name", ["fc.weight", "fc.bias"])
def test_weights_without_a_last_layer_give_no_embeddings_either(name: str) -> None:
    lacking = weights("resnet18")
    del lacking[name]
    with pytest.raises(ModelError, match=f"not the weights of resnet18: {name}"):
        graphs.build("resnet18", lacking, embedding=True)


def test_a_last_layer_of_another_network_gives_no_embeddings() -> None:
    wrong = weights("resnet18")
    wrong["fc.weight"] = np.tile(wrong["fc.weight"], 4)
    with pytest.raises(ModelError, match="do not fit resnet18"):
        graphs.build("resnet18", wrong, embedding=True)


@pytest.mark.parametrize(("network", "fc"), [("efficientnet-lite0", "_fc"), ("resnet18", "fc")])
def test_an_embedding_is_what_the_last_layer_makes_the_logits_of(
    tmp_path: Path, network: str, fc: str
) -> None:
    tensors = weights(network)
    (tmp_path / "graph.onnx").write_bytes(graphs.build(network, tensors, embedding=True))
    session = open_session(tmp_path / "graph.onnx", device="cpu", precision="f32")
    outputs = dict(session.run(golden.images()))
    logits = np.stack([outputs[0], outputs[1]]) @ tensors[f"{fc}.weight"].T + tensors[f"{fc}.bias"]
    assert np.abs(logits - golden.logits(network)).max() <= TOLERANCE


def test_a_graph_is_the_same_bytes_each_time_it_is_built() -> None:
    tensors = weights("efficientnet-lite0")
    built = [graphs.build("efficientnet-lite0", tensors) for _ in range(2)]
    assert built[0] == built[1]
