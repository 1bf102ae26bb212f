"""`tigertag models`, with a server that has a small YOLOX-Tiny."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flaky_server import FlakyServer, serving
from tests.small_models import TINY, publish
from tests.unit.cli.conftest import Run


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlakyServer]:
    with serving(TINY) as started:
        publish(monkeypatch, tmp_path / "baked", started)
        yield started


def test_a_misspelt_name_is_named_before_anything_is_loaded(run: Run, server: FlakyServer) -> None:
    result = run("models", "fetch", "yolox-tiny", "yolox-nan")
    assert result.exit_code == 1
    assert "did you mean 'yolox-nano'?" in result.output
    assert server.asked == []


def test_a_fetch_that_fails_is_one_line(run: Run, server: FlakyServer) -> None:
    server.faults = [404]
    result = run("models", "fetch", "yolox-tiny")
    assert result.exit_code == 1
    assert result.output.startswith("Error: YOLOX-Tiny could not be fetched: http://127.0.0.1")
    assert result.output.count("\n") == 1


def test_a_changed_model_fails_the_check(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "models"
    folder.mkdir(parents=True)
    (folder / "yolox_tiny.onnx").write_bytes(TINY[::-1])
    result = run("models", "verify")
    assert result.exit_code == 1
    assert "To replace it: tigertag models fetch yolox-tiny." in result.output
    assert run("models", "list").output.splitlines()[1].rstrip().endswith(" changed")


def test_a_model_is_fetched_checked_and_removed(run: Run, tmp_path: Path) -> None:
    assert run("models", "fetch", "yolox-tiny").exit_code == 0
    assert (tmp_path / "home" / "models" / "yolox_tiny.onnx").read_bytes() == TINY
    assert run("models", "verify").exit_code == 0
    removed = run("models", "remove", "yolox-tiny")
    assert removed.exit_code == 0
    assert "are decided again at the next scan, with the model that is left" in removed.output
    assert run("models", "verify", "yolox-tiny").exit_code == 1


def test_a_model_goes_into_another_folder_without_a_home(run_anew: Run, tmp_path: Path) -> None:
    assert run_anew("models", "fetch", "yolox-tiny", "--to", str(tmp_path / "image")).exit_code == 0
    assert (tmp_path / "image" / "yolox_tiny.onnx").exists()
    assert not (tmp_path / "home").exists()


def test_the_list_is_printed_as_objects(run: Run) -> None:
    lines = run("models", "list", "--json").output.splitlines()
    assert [(each["name"], each["state"]) for each in map(json.loads, lines)] == [
        ("yolox-tiny", "absent"),
        ("yolox-nano", "absent"),
    ]
