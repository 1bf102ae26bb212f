import os
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tigertag.errors import ModelError
from tigertag.inference import catalogue, detectors
from tigertag.inference.catalogue import CataloguedModel
from tigertag.inference.detectors import find, short_side_px

DATA = {"yolox-nano": b"nano", "yolox-tiny": b"tiny model", "yolox-s": b"a small model"}


@pytest.fixture(autouse=True)
def _small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    known: Mapping[str, CataloguedModel] = {
        name: replace(
            catalogue.model(name), bytes=len(data), sha256=sha256(data).hexdigest(), input_px=416
        )
        for name, data in DATA.items()
    }
    monkeypatch.setattr(catalogue, "catalogue", lambda: known)
    monkeypatch.setattr(catalogue, "BAKED", Path("/nowhere"))


def fetched(folder: Path, *names: str) -> None:
    for name in names:
        (folder / catalogue.model(name).file).write_bytes(DATA[name])


def test_auto_is_people_where_nothing_was_fetched(tmp_path: Path) -> None:
    assert find("auto", None, tmp_path).fingerprint == find("people", None, tmp_path).fingerprint


def test_auto_takes_the_best_model_that_is_there(tmp_path: Path) -> None:
    fetched(tmp_path, "yolox-nano", "yolox-tiny")
    assert find("auto", None, tmp_path).name == "yolox-tiny"


@pytest.mark.parametrize("data", [b"A SMALL MODEL", b"a smal"])
def test_auto_takes_no_lesser_model_in_place_of_one_that_is_damaged_and_logs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    fetched(tmp_path, "yolox-nano", "yolox-s")
    (tmp_path / catalogue.model("yolox-s").file).write_bytes(data)
    with pytest.raises(ModelError, match="To replace it: tigertag models fetch yolox-s"):
        find("auto", None, tmp_path)
    assert caplog.text == ""


def test_a_model_under_the_name_of_another_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / catalogue.model("yolox-s").file).write_bytes(DATA["yolox-nano"])
    with pytest.raises(ModelError, match="under another name"):
        find("yolox-s", None, tmp_path)


def test_a_model_that_was_not_fetched_is_an_error_that_says_how_to(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="tigertag models fetch yolox-tiny"):
        find("yolox-tiny", None, tmp_path)


def test_an_own_file_is_known_by_its_hash_and_has_the_thresholds_of_its_model(
    tmp_path: Path,
) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(b"own")
    digest = sha256(b"own").hexdigest()
    assert find("auto", path, tmp_path).fingerprint == f"yolox:{digest}:1"
    assert find("auto", path, tmp_path).family == "own"
    assert find("yolox-s", path, tmp_path).family == "yolox-s"


def test_an_own_file_that_was_replaced_is_another_model(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(b"own")
    before = find("auto", path, tmp_path)
    path.write_bytes(b"new")
    os.utime(path, ns=(1, 1))
    assert find("auto", path, tmp_path) != before


def test_an_own_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx cannot be read: .*; look at WEIGHTS\.$"):
        find("auto", tmp_path / "absent.onnx", tmp_path)


def test_pictures_come_as_large_as_a_network_sees_them() -> None:
    assert (short_side_px(detectors.USUAL_PX), short_side_px(640)) == (288, 443)
