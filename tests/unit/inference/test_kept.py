from pathlib import Path

import pytest

from tests.unit.inference.fetching import FakeHttp
from tigertag.contracts import Host
from tigertag.errors import ModelError
from tigertag.inference import graphs
from tigertag.inference.kept import graph_file
from tigertag.inference.weights import TORCHVISION, Weights

NETWORK = "efficientnet-lite0"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks that were built, each into a few bytes."""
    names: list[str] = []

    def build(network: str, tensors: object) -> bytes:
        names.append(network)
        return b"a graph"

    monkeypatch.setattr(graphs, "build", build)
    return names


def kept(models: Path) -> Path:
    return graph_file(Weights(NETWORK, None, TORCHVISION, Host(models, FakeHttp())), models)


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
    monkeypatch.setattr(graphs, "GRAPH_VERSION", 999)
    kept(tmp_path)
    assert built == [NETWORK, NETWORK]
