"""The command line as a stranger meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.fake_library import ADVICE, AdvisingFolder
from tests.unit.cli.conftest import Run
from tigertag import packages
from tigertag.cli import main
from tigertag.inference import catalogue
from tigertag.libraries import folder
from tigertag.store import Store, chunks

pytestmark = pytest.mark.slow


def last_line(result: Result) -> str:
    return result.output.strip().splitlines()[-1]


def test_a_misspelt_library_is_one_line_with_the_right_name(run: Run) -> None:
    result = run("scan", "fotos")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "did you mean 'photos'?" in result.output


def test_a_scan_that_is_not_there_is_one_line(run: Run) -> None:
    result = run("apply", "7")
    assert (result.exit_code, last_line(result)) == (
        1,
        "Error: There is no scan 7.",
    )


def test_a_preview_can_be_shown_applied_and_undone(run: Run, photos: Path) -> None:
    assert run("scan", "photos").exit_code == 0
    assert "cat" in run("show", "1").output
    assert run("apply", "1").exit_code == 0
    assert "cat" in (photos / "a.png.xmp").read_text(encoding="utf-8")
    assert run("undo", "2").exit_code == 0
    assert not (photos / "a.png.xmp").exists()


def test_a_broken_picture_makes_the_exit_code_three(run: Run, photos: Path) -> None:
    (photos / "b.jpg").write_bytes(b"no picture")
    result = run("scan", "photos")
    assert result.exit_code == 3
    assert "failed: b.jpg: " in result.output


def test_an_engine_with_a_threshold_for_each_word_tells_the_least_and_the_most(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_TAUGHT_NAME", "tests.unit.test_bootstrap:Taught")
    result = run("engines")
    assert "0.45 to 0.60" in result.stdout
    assert result.stderr.startswith("Warning: Engine taught has learned from frames chosen as")


def test_an_engine_that_waits_for_the_next_start_says_why(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_TAUGHT_NAME", "tests.unit.test_bootstrap:Untaught")
    result = run("engines")
    assert "cannot be used" in result.stdout
    assert "taught: Learn it first." in result.stdout


def test_tag_prints_one_object_a_line(run: Run, photos: Path) -> None:
    (photos / "b.jpg").write_bytes(b"no picture")
    result = run("tag", "--json", str(photos), str(photos / "a.png"))
    printed = {json.loads(line)["path"]: json.loads(line) for line in result.stdout.splitlines()}
    assert (result.exit_code, set(printed)) == (3, {str(photos / "a.png"), str(photos / "b.jpg")})
    assert printed[str(photos / "a.png")]["tags"][1] == {
        "name": "cat",
        "concept": "n02121620",
        "confidence": pytest.approx(0.83, abs=0.2),
        "engine": "instant",
    }
    assert "error" in printed[str(photos / "b.jpg")]


def test_tag_writes_nothing(run_anew: Run, photos: Path, tmp_path: Path) -> None:
    run_anew("tag", str(photos))
    assert {path.name for path in photos.iterdir()} == {"a.png"}
    assert not (tmp_path / "home" / "tigertag.db").exists()


def test_tagging_a_path_that_is_not_there_is_an_error(run: Run, tmp_path: Path) -> None:
    result = run("tag", "--json", str(tmp_path / "nothing.jpg"))
    assert result.exit_code == 3
    assert "error" in json.loads(result.stdout)


def test_a_misspelt_setting_disables_its_engine_and_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_BAD_NAME", "tigertag.classifier")
    monkeypatch.setenv("ENGINE_BAD_MODLE", "resnet50")
    result = run("engines")
    assert result.exit_code == 0
    assert "ENGINE_BAD_MODLE" in result.output.replace("\n", "")
    assert "instant" in result.output


def test_a_detector_without_any_model_is_shown_as_such_and_no_scan_fails_for_it(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _package: None)
    monkeypatch.setattr(catalogue, "BAKED", tmp_path)
    monkeypatch.setenv("ENGINE_BOXES_NAME", "tigertag.detector")
    assert run("scan", "photos").exit_code == 0
    assert run("tag", str(photos)).exit_code == 0
    listed = " ".join(run("engines").output.split())
    assert "boxes tigertag.detector cannot be used" in listed
    assert "boxes: There is no model for it: run `tigertag models fetch yolox-tiny`" in listed


def test_tags_are_shown_beside_the_error_of_another_engine(
    run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_BOXES_NAME", "tigertag.detector")
    monkeypatch.setenv("ENGINE_BOXES_MODEL", "yolox-s")
    result = run("tag", str(photos))
    assert result.exit_code == 3
    assert "boxes: YOLOX-S is not on this machine" in result.output
    assert "cat 0." in result.output


def test_rules_are_added_listed_exported_and_imported(run: Run, tmp_path: Path) -> None:
    run("rules", "add", "deny", "cat")
    run("rules", "add", "threshold", "*", "0.9", "--engine", "instant")
    exported = run("rules", "export").output
    (tmp_path / "rules.yaml").write_text(exported, encoding="utf-8")
    run("rules", "remove", "1")
    assert run("rules", "import", str(tmp_path / "rules.yaml"), input="y\n").exit_code == 0
    assert run("rules", "export").output == exported


def test_a_rule_is_edited_in_place(run: Run) -> None:
    run("rules", "add", "threshold", "cat", "0.8")
    assert run("rules", "edit", "1").exit_code == 1
    assert run("rules", "edit", "1", "0.9", "--engine", "instant").exit_code == 0
    exported = run("rules", "export").output
    assert "at: 0.9" in exported
    assert "engine: instant" in exported


def test_a_word_near_its_threshold_is_listed_for_review(run: Run) -> None:
    assert "Nothing doubtful" in run("review").output
    run("scan", "photos")
    run("rules", "add", "threshold", "cat", "0.9")
    assert "cat" in run("review").output


def test_a_hook_is_made_shown_once_and_revoked(run: Run) -> None:
    made = run("hooks", "add", "plex", "--library", "photos", "--apply")
    address, _hint = made.output.splitlines()
    assert address.startswith("http://127.0.0.1:5000/api/v1/hooks/")
    listed = run("hooks", "list").output
    assert "photos" in listed
    assert "apply" in listed
    assert address.rpartition("/")[2] not in listed
    assert run("hooks", "remove", "1").exit_code == 0
    assert run("hooks", "list").output == "No hooks.\n"
    assert "There is no hook 1." in run("hooks", "remove", "1").output


def test_a_threshold_that_is_no_confidence_is_refused(run: Run) -> None:
    result = run("rules", "add", "threshold", "cat", "90")
    assert result.exit_code == 1
    assert "must be from 0 to 1" in result.output


def test_a_file_of_rules_that_is_broken_changes_nothing(run: Run, tmp_path: Path) -> None:
    run("rules", "add", "deny", "cat")
    (tmp_path / "rules.yaml").write_text("rules: [{forbid: cat}]", encoding="utf-8")
    result = run("rules", "import", str(tmp_path / "rules.yaml"), "--yes")
    assert result.exit_code == 1
    assert "No rule was imported" in result.output
    assert "deny: cat" in run("rules", "export").output


def test_the_same_command_goes_on_with_a_scan_that_died(run: Run, tmp_path: Path) -> None:
    run("scan", "photos")
    store = Store(f"sqlite:///{tmp_path}/home/tigertag.db")
    with store.write() as db:
        db.exec_driver_sql("UPDATE scans SET state = 'running', finished_at = NULL")
        db.exec_driver_sql("UPDATE chunks SET state = 'queued'")
        chunks.lease(db, 1, owner="dead", lease_s=0.3)
    store.close()
    result = run("scan", "photos")
    assert result.exit_code == 0
    assert "Scan 1 has not ended; resuming it." in result.output


def test_another_command_is_refused_while_a_scan_is_unfinished(run: Run, tmp_path: Path) -> None:
    run("scan", "photos")
    store = Store(f"sqlite:///{tmp_path}/home/tigertag.db")
    with store.write() as db:
        db.exec_driver_sql("UPDATE scans SET state = 'paused', finished_at = NULL")
    store.close()
    result = run("scan", "photos", "--apply")
    assert result.exit_code == 1
    assert "is paused: resume it, or cancel it." in result.output
    assert run("cancel", "1").exit_code == 0
    assert run("scan", "photos", "--apply").exit_code == 0


def test_a_tag_taken_off_is_listed_and_lifted(run: Run, photos: Path) -> None:
    run("scan", "photos", "--apply")
    (photos / "a.png.xmp").unlink()
    run("scan", "photos", "--apply")
    assert "cat" in run("tombstones", "list").output
    assert "1 lifted" in run("tombstones", "lift", "--tag", "cat").output
    run("scan", "photos", "--apply")
    assert (photos / "a.png.xmp").exists()


def test_a_step_down_asks_first_and_backs_up(run: Run, tmp_path: Path) -> None:
    run("db", "upgrade")
    assert run("db", "downgrade", "base", input="n\n").exit_code == 1
    assert "up to date" in run("db", "current").output
    assert "Backed up to" in run("db", "downgrade", "base", "--yes").output
    assert "empty" in run("db", "current").output
    assert run("db", "history").output.startswith("0001")


def test_no_library_is_no_riddle(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIBRARY_PHOTOS_NAME")
    monkeypatch.delenv("LIBRARY_PHOTOS_PATH")
    assert "LIBRARY_<X>_NAME" in run("libraries").output
    assert "set LIBRARY_<X>_NAME" in run("scan", "photos").output


@pytest.mark.parametrize(
    "words",
    [
        ("scan", "photos", "--decide", "--force"),
        ("scan", "photos", "--new", "--decide"),
        ("forecast", "photos", "--force", "--new"),
        ("scan", "photos", "--sample", "--accept-missing"),
    ],
)
def test_two_modes_at_once_are_refused(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "exclude each other" in result.output
    assert "No scan yet" in run("scans").output


def test_what_is_left_out_of_the_next_scan_is_told(run: Run, photos: Path) -> None:
    (photos / "b.jpg").write_bytes(b"no picture")
    told = run("scan", "photos").output
    assert "The next scan skips what failed until the files change" in told
    assert "Skipped by the next scan" in " ".join(run("show", "1").output.split())
    assert "0 failed" in run("scan", "photos").output


def test_failures_that_are_not_printed_are_counted(run: Run, photos: Path) -> None:
    for number in range(23):
        (photos / f"{number:02}.jpg").write_bytes(b"no picture")
    told = run("scan", "photos").output
    assert told.count("  failed: ") == 20
    assert "… and 3 more; `tigertag show 1` lists them." in told


def test_a_rule_names_its_section_by_title(run: Run) -> None:
    run("scan", "photos")
    run("rules", "add", "deny", "cat", "--section", "photos/.")
    assert "photos/photos" in run("rules", "list").output


def test_one_of_a_thing_is_told_in_the_singular(run: Run) -> None:
    told = run("scan", "photos").output
    assert "  1 item, 0 unchanged, 1 done, 0 failed; 1 answer;" in told
    assert " of photos/photos: done." in told


def test_a_path_that_never_was_is_not_told_as_gone(run: Run, tmp_path: Path) -> None:
    result = run("tag", str(tmp_path / "nothing.jpg"))
    assert (result.exit_code, result.stdout) == (
        3,
        f"{tmp_path}/nothing.jpg: There is no such file.\n",
    )


def test_a_folder_without_pictures_says_so(run: Run, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("tag", str(tmp_path / "empty"), str(photos))
    assert result.exit_code == 0
    assert result.stderr == f"{tmp_path}/empty: no pictures or videos there.\n"
    assert "a.png: animal" in result.stdout


def test_a_library_that_is_empty_now_is_confirmed_by_an_option(run: Run, photos: Path) -> None:
    run("scan", "photos")
    for path in photos.iterdir():
        path.unlink()
    refused = run("scan", "photos")
    assert (refused.exit_code, "--accept-missing" in last_line(refused)) == (1, True)
    assert run("scan", "photos", "--accept-missing").exit_code == 0


def test_a_scan_says_what_it_left_out(run: Run, photos: Path) -> None:
    (photos / "a.nef").touch()
    assert "left out: 1 file in a camera's raw format" in run("scan", "photos").output


def test_a_home_that_is_new_is_said_once(tmp_path: Path) -> None:
    def printed() -> str:
        environ = {"TIGERTAG_HOME": str(tmp_path / "home")}
        return CliRunner().invoke(main, ["scans"], env=environ, catch_exceptions=False).stderr

    assert f"{tmp_path / 'home'}, which is new" in printed()
    assert printed() == ""


def test_libraries_print_what_they_advise(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "FolderLibrary", AdvisingFolder)
    result = run("libraries")
    assert result.exit_code == 0
    assert f"Library photos: {ADVICE}\n" in result.stdout
