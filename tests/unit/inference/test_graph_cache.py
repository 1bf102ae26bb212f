from pathlib import Path

import pytest

from tests.unit.inference.fetching import FakeHttp
from tigertag.contracts import Host
from tigertag.errors import ModelError
from tigertag.inference import graphs, weights
from tigertag.inference.weights import TORCHVISION, Weights

NETWORK = "efficientnet-lite0"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks that were built, each into a few bytes."""
    names: list[str] = []

    def build(network: str, tensors: object, *, embedding: bool) -> bytes:
        names.append(f"{network} up to its last layer" if embedding else network)
        return b"another graph" if embedding else b"a graph"

    monkeypatch.setattr(graphs, "build", build)
    return names


def kept(models: Path) -> Path:
    return Weights(NETWORK, None, TORCHVISION, Host(models, FakeHttp())).graph_file()


def test_a_graph_that_was_changed_is_built_anew(tmp_path: Path, built: list[str]) -> None:
    kept(tmp_path).write_bytes(b"a grapf")
    assert kept(tmp_path).read_bytes() == b"a graph"
    assert built == [NETWORK, NETWORK]


def test_a_graph_whose_sum_was_lost_is_built_anew(tmp_path: Path, built: list[str]) -> None:
    kept(tmp_path).with_suffix(".onnx.sha256").unlink()
    kept(tmp_path)
    assert built == [NETWORK, NETWORK]


def test_a_model_folder_that_cannot_be_written_is_named(tmp_path: Path, built: list[str]) -> None:
    (tmp_path / "models").write_bytes(b"a file where the folder should be")
    with pytest.raises(ModelError, match=r"models/.* cannot be (read|written)"):
        kept(tmp_path / "models")


def test_nothing_half_written_is_left_when_the_disk_is_full(
    tmp_path: Path, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ModelError, match="No space left on device"):
        kept(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_graph_is_built_once_for_its_weights_and_version(
    tmp_path: Path, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept(tmp_path) == kept(tmp_path)
    assert built == [NETWORK]
    monkeypatch.setattr(weights, "GRAPH_VERSION", 999)
    kept(tmp_path)
    assert built == [NETWORK, NETWORK]


def test_the_network_up_to_its_last_layer_is_kept_beside_the_whole(
    tmp_path: Path, built: list[str]
) -> None:
    own = Weights(NETWORK, None, TORCHVISION, Host(tmp_path, FakeHttp()))
    whole = kept(tmp_path)
    for _ in range(2):
        assert own.graph_file(embedding=True).read_bytes() == b"another graph"
    assert whole.read_bytes() == b"a graph"
    assert built == [NETWORK, f"{NETWORK} up to its last layer"]
