"""Plugins: found by every form of name, and never the program's end."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tigertag import plugins
from tigertag.contracts import Host
from tigertag.net import HttpClient
from tigertag.plugins import LoadedEngine, load_engines, load_libraries
from tigertag.settings import EngineSettings, LibrarySettings

PLUGIN = """
from typing import Literal
from pydantic import BaseModel

class Options(BaseModel, extra="forbid"):
    model: Literal["small", "large"] = "small"
    api_key: int = 0
    rate: float = 1.0

class Tagger:
    Options = Options
    def __init__(self, id, options, host):
        if options.rate > 100:
            raise RuntimeError(f"cannot be with {options.api_key}\\n at all")
        self.id, self.options, self.host = id, options, host
    def open(self): ...
    def tag(self, batch, run): ...
    def close(self): ...

class Half:
    Options = Options
    def __init__(self, id, options, host): ...
    def open(self): ...

build = Tagger
"""
BROKEN = {
    "acme_syntax": "def (",
    "acme_exit": "raise SystemExit(3)",
    "acme_needs": "import openvino_is_not_here",
    "acme_empty": "",
    "acme_noptions": "def build(id, options, host): ...",
}


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put third parties' modules and an installed entry point on the path."""
    (tmp_path / "acme_pkg").mkdir()
    for name, text in {"acme_pkg/tagger": PLUGIN, **BROKEN}.items():
        (tmp_path / f"{name}.py").write_text(text)
    info = tmp_path / "acme-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tigertag.engines]\nacme = acme_pkg.tagger\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


def _host(_id: str) -> Host:
    return Host(models=Path("models"), http=HttpClient())


def load(name: str, **values: str) -> LoadedEngine:
    host = _host("x")
    (loaded,) = load_engines(
        [EngineSettings("foo", name, enabled=True, values=values)], lambda _id: host
    )
    return loaded


@pytest.mark.parametrize(
    "name", ["acme", "acme_pkg.tagger", "acme_pkg.tagger:Tagger", "acme_pkg.tagger.Tagger"]
)
def test_it_finds_a_plugin_by_every_form_of_name(name: str) -> None:
    loaded = load(name, model="large")
    assert loaded.problem == ""
    assert loaded.plugin is not None
    assert loaded.plugin.id == "foo"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tigertag.clasifier", "There is no engine 'tigertag.clasifier'; did you mean "),
        ("acmee", "did you mean 'acme'?"),
        ("acme_pkg.tagger:Taggr", "There is no engine 'acme_pkg.tagger:Taggr'"),
        ("no.such.module", "There is no engine 'no.such.module'."),
        ("acme_syntax:X", "acme_syntax:X failed to load: SyntaxError"),
        ("acme_exit:X", "acme_exit:X failed to load: SystemExit: 3"),
        ("acme_empty.x", "There is no engine 'acme_empty.x'"),
        ("acme_noptions:build", "acme_noptions:build has no Options"),
        ("acme_pkg.tagger:Half", "What acme_pkg.tagger:Half builds has no tag, close."),
        ("acme_needs:X", "the Python package openvino_is_not_here is not installed"),
    ],
)
def test_a_broken_plugin_says_why(name: str, said: str) -> None:
    loaded = load(name)
    assert loaded.plugin is None
    assert said in loaded.problem
    assert "\n" not in loaded.problem


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": "huge"}, "ENGINE_FOO_MODEL: 'huge' is not one of small, large."),
        ({"modle": "small"}, "ENGINE_FOO_MODLE is not an option of acme; did you mean 'MODEL'?"),
        ({"max_tag": "3"}, "ENGINE_FOO_MAX_TAG is not an option of acme; did you mean 'MAX_TAGS'?"),
        ({"rate": "fast"}, "ENGINE_FOO_RATE: 'fast' should be a valid number"),
    ],
)
def test_a_wrong_option_names_its_variable(values: dict[str, str], said: str) -> None:
    assert said in load("acme", **values).problem


def test_all_that_is_wrong_is_said_at_once() -> None:
    problem = load("acme", model="huge", rate="fast").problem
    assert "ENGINE_FOO_MODEL" in problem
    assert "ENGINE_FOO_RATE" in problem


def test_a_secret_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    assert "hunter2" not in load("acme", api_key="hunter2").problem
    loaded = load("acme", api_key="4711", rate="101")
    assert "failed to load: RuntimeError: cannot be with *** at all" in loaded.problem
    assert "4711" not in caplog.text


def test_what_is_a_bug_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    load("acme", rate="101")
    assert "Traceback" in caplog.text


def test_one_that_is_switched_off_is_not_even_imported() -> None:
    off = EngineSettings("foo", "acme_exit:X", enabled=False, values={})
    (loaded,) = load_engines([off], _host)
    assert loaded.problem == "switched off by ENGINE_FOO_ENABLED"


def test_a_problem_of_the_settings_is_not_tried() -> None:
    wrong = LibrarySettings("p", "acme_exit:X", enabled=True, values={}, problem="no, thank you")
    (loaded,) = load_libraries([wrong], _host)
    assert (loaded.plugin, loaded.problem) == (None, "no, thank you")


def test_a_library_is_not_an_engine() -> None:
    settings = [LibrarySettings("p", "acme_pkg.tagger", enabled=True, values={})]
    (loaded,) = load_libraries(settings, _host)
    assert "has no sections, items, fetch, read_tags, send" in loaded.problem


def test_a_missing_package_names_the_extra_that_brings_it() -> None:
    said = plugins.missing(ModuleNotFoundError("…", name="openvino.properties"))
    assert said.endswith("pip install 'tigertag[classifier]'")


@pytest.mark.parametrize("name", [*plugins.ENGINES])
def test_an_engine_says_what_its_answers_agree_by_also_where_it_is_broken(name: str) -> None:
    said = load(name, nothing_like_it="1")
    assert said.plugin is None
    assert bool(said.agrees_by) is (name != "tigertag.imagga")
