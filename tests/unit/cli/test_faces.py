"""`tigertag faces check|enrol|list`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compreface import CompreFaceServer, drawn
from tests.free_port import free_port
from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.slow


@pytest.fixture
def server(
    run_anew: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CompreFaceServer]:
    (tmp_path / "faces").mkdir()
    with CompreFaceServer() as made:
        for key, value in {
            "NAME": "tigertag.compreface",
            "API_KEY": made.key,
            "API_URL": "http://127.0.0.1",
            "API_PORT": str(made.port),
            "FACES_FOLDER": str(tmp_path / "faces"),
            "FACES_CONFIG": str(tmp_path / "faces.yaml"),
        }.items():
            monkeypatch.setenv(f"ENGINE_WHO_{key}", value)
        names(tmp_path, "ada.png")
        (tmp_path / "faces" / "ada.png").write_bytes(drawn("ada", kind="PNG"))
        yield made


def names(root: Path, *pictures: str) -> None:
    lines = "".join(f"  - name: {name}\n" for name in pictures)
    (root / "faces.yaml").write_text(f"faces:\n- tag: Ada\n  images:\n{lines}", encoding="utf-8")


def test_no_engine_that_knows_faces_is_one_clear_line(run: Run) -> None:
    result = run("faces", "list")
    assert result.exit_code == 1
    assert result.output == (
        "Error: No engine that recognises faces is configured; see docs/engines/compreface.md.\n"
    )


def test_an_engine_that_cannot_be_used_says_why(
    run: Run, server: CompreFaceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENGINE_WHO_API_KEY")
    result = run("faces", "list")
    assert result.exit_code == 1
    assert "Engine who cannot be used: ENGINE_WHO_API_KEY must be set" in result.output


def test_another_kind_of_engine_is_refused(run: Run, server: CompreFaceServer) -> None:
    assert (
        "Engine instant does not recognise faces"
        in run("faces", "check", "--engine", "instant").output
    )


def test_of_several_engines_one_must_be_named(
    run: Run, server: CompreFaceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_TOO_NAME", "tigertag.compreface")
    monkeypatch.setenv("ENGINE_TOO_API_KEY", "another")
    result = run("faces", "check")
    assert (result.exit_code, "choose one with --engine: too, who." in result.output) == (1, True)
    assert run("faces", "check", "--engine", "who").exit_code == 0


def test_check_names_what_is_wrong_and_asks_nobody(
    run_anew: Run, server: CompreFaceServer, tmp_path: Path
) -> None:
    names(tmp_path, "ada.png", "gone.png", "notes.txt")
    (tmp_path / "faces" / "notes.txt").write_text("Ada", encoding="utf-8")
    result = run_anew("faces", "check")
    assert result.exit_code == 1
    assert [line[:29] for line in result.output.splitlines()] == [
        "faces.yaml, line 5: gone.png ",
        "faces.yaml, line 6: notes.txt",
    ]
    assert server.log == []
    assert not (tmp_path / "home" / "tigertag.db").exists()


def test_check_of_a_file_that_is_all_right_says_so(run: Run, server: CompreFaceServer) -> None:
    result = run("faces", "check")
    assert (result.exit_code, result.output) == (0, "All pictures can be used.\n")


def test_enrol_sends_what_is_new_and_says_so(run: Run, server: CompreFaceServer) -> None:
    assert run("faces", "enrol").output == "Sent 1, removed 0, left out 0.\n"
    assert run("faces", "enrol").output == "Sent 0, removed 0, left out 0.\n"
    assert server.pictures_of("Ada") == 1


def test_enrol_names_what_is_left_out(run: Run, server: CompreFaceServer, tmp_path: Path) -> None:
    (tmp_path / "faces" / "ada.png").write_bytes(drawn(kind="PNG"))
    result = run("faces", "enrol")
    assert result.exit_code == 3
    assert "line 4: ada.png is left out: CompreFace finds no face in it." in result.output


def test_enrol_removes_whom_the_file_names_no_more(
    run: Run, server: CompreFaceServer, tmp_path: Path
) -> None:
    run("faces", "enrol")
    (tmp_path / "faces.yaml").write_text("faces: []", encoding="utf-8")
    assert run("faces", "enrol").output == "Sent 0, removed 1, left out 0.\n"
    assert server.examples == {}


def test_a_broken_file_is_one_line(run: Run, server: CompreFaceServer, tmp_path: Path) -> None:
    (tmp_path / "faces.yaml").write_text("faces:\n- tga: Ada", encoding="utf-8")
    for command in ("enrol", "list"):
        result = run("faces", command)
        assert (result.exit_code, result.output.count("\n")) == (1, 1)
        assert "faces.yaml, line 2: 'tga' is not known here" in result.output


def test_a_compreface_that_is_not_there_is_one_line(
    run: Run, server: CompreFaceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigertag.net.retry.RetryPolicy._jittered", lambda _self: iter([0.0] * 9))
    monkeypatch.setenv("ENGINE_WHO_API_PORT", str(free_port()))
    result = run("faces", "enrol")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert server.key not in result.output


def test_list_tells_whose_everybody_is(run: Run, server: CompreFaceServer) -> None:
    assert "nobody's yet" in run("faces", "list").output
    server.add("Grace", "grace")
    run("faces", "enrol")
    lines = [line.split() for line in run("faces", "list").output.splitlines()[1:]]
    assert lines == [["Ada", "1", "1", "1", "TigerTag's"], ["Grace", "0", "0", "1", "yours"]]
    server.add("Ada", "ada")
    assert "both" in run("faces", "list").output
