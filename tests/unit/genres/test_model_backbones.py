"""The network that a model has learned to read is found again."""

from pathlib import Path

import pytest

from tests.unit.genres import colour_models
from tests.unit.inference.fetching import FakeHttp
from tigertag.contracts import Host
from tigertag.errors import ModelError
from tigertag.genres.manifest import BackboneInfo
from tigertag.genres.model import GenreModel
from tigertag.inference.backbone import PublishedBackbone


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "models", FakeHttp())


def learned_with(home: Path, name: str, fingerprint: str) -> GenreModel:
    return colour_models.model(
        home, backbone=BackboneInfo(name=name, fingerprint=fingerprint, side_px=224)
    )


def test_a_network_that_is_not_known_is_refused(tmp_path: Path, host: Host) -> None:
    with pytest.raises(ModelError, match="'alexnet' is none of"):
        learned_with(tmp_path, "alexnet", "alexnet:1").backbone(host)


def test_a_network_of_another_version_is_refused(tmp_path: Path, host: Host) -> None:
    model = learned_with(tmp_path, "efficientnet-lite0", "efficientnet-lite0:00000000:1.1")
    with pytest.raises(ModelError, match="another version of efficientnet-lite0 than there is"):
        model.backbone(host)


def test_a_known_network_is_found_by_its_name(tmp_path: Path, host: Host) -> None:
    fingerprint = PublishedBackbone("efficientnet-lite0", host).fingerprint()
    model = learned_with(tmp_path, "efficientnet-lite0", fingerprint)
    assert model.backbone(host).name == "efficientnet-lite0"


def test_an_own_network_is_that_of_the_models_folder(tmp_path: Path, host: Host) -> None:
    model = colour_models.model(tmp_path)
    (tmp_path / "tiny.onnx").unlink()
    assert model.backbone(host).open("cpu", "f32").dimensions == 3
