import os
from pathlib import Path

import pytest

from tests.small_models import NANO, TINY, publish
from tigertag.errors import ModelError, NotFound
from tigertag.inference import catalogue
from tigertag.inference.catalogue import BEST_FIRST, CataloguedModel, installed, verified
from tigertag.inference.weights import PUBLISHED, TORCHVISION


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    publish(monkeypatch, tmp_path / "baked")
    for folder in ("models", "baked"):
        (tmp_path / folder).mkdir()
    return tmp_path / "models"


def test_a_model_that_is_cut_short_is_refused_with_what_to_do(models: Path) -> None:
    (models / "yolox_tiny.onnx").write_bytes(TINY[:-1])
    with pytest.raises(ModelError, match=r"cut short.* tigertag models fetch yolox-tiny\.$"):
        verified(models, "yolox-tiny")
    assert installed(models, "yolox-tiny") is None


def test_a_model_under_the_name_of_another_is_called_what_it_is(models: Path) -> None:
    (models / "yolox_tiny.onnx").write_bytes(NANO)
    with pytest.raises(ModelError, match="is not YOLOX-Tiny but YOLOX-Nano under another name"):
        verified(models, "yolox-tiny")


def test_a_model_that_is_changed_after_a_check_is_refused_though_its_time_is_set_back(
    models: Path,
) -> None:
    path = models / "yolox_tiny.onnx"
    path.write_bytes(TINY)
    assert verified(models, "yolox-tiny") == path
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"THE")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(ModelError, match="SHA-256 is another"):
        verified(models, "yolox-tiny")


def test_what_is_no_file_is_not_opened(models: Path) -> None:
    os.mkfifo(models / "yolox_tiny.onnx")
    with pytest.raises(ModelError, match=r"is not a file\."):
        verified(models, "yolox-tiny")


def test_a_model_that_is_not_there_says_how_to_get_it(models: Path) -> None:
    with pytest.raises(ModelError, match=r"or copy yolox_tiny\.onnx into"):
        verified(models, "yolox-tiny")


def test_a_name_that_is_not_in_the_catalogue_is_not_found(models: Path) -> None:
    with pytest.raises(NotFound, match="yolox-tiny"):
        installed(models, "../yolox-tiny")


def test_the_images_model_is_used_where_the_users_is_broken(models: Path) -> None:
    baked = catalogue.BAKED / "yolox_tiny.onnx"
    baked.write_bytes(TINY)
    (models / "yolox_tiny.onnx").write_bytes(TINY[::-1])
    assert verified(models, "yolox-tiny") == baked


def test_the_users_model_goes_before_the_images(models: Path) -> None:
    for folder in (models, catalogue.BAKED):
        (folder / "yolox_tiny.onnx").write_bytes(TINY)
    assert installed(models, "yolox-tiny") == models / "yolox_tiny.onnx"


@pytest.mark.parametrize("known", catalogue.catalogue().values(), ids=lambda known: known.name)
def test_each_model_says_what_it_is(known: CataloguedModel) -> None:
    assert known.url.startswith("https://")
    assert len(known.sha256) == 64
    assert all((known.title, known.what, known.licence, known.source, known.accuracy))


def test_the_weights_of_the_classifier_are_the_same_as_its_own_table_says() -> None:
    for name, published in PUBLISHED.items():
        if not published.package:
            known = catalogue.catalogue()[name]
            assert known.url == TORCHVISION + published.file
            assert known.sha256.startswith(published.sha256_prefix)


def test_auto_knows_only_models_of_the_catalogue() -> None:
    assert set(BEST_FIRST) <= set(catalogue.catalogue())
