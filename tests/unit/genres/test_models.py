import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.unit.genres.kept_models import FILES, head, kept, manifest
from tigertag.errors import ModelError, RequestError, StoreFull
from tigertag.genres import models
from tigertag.genres.manifest import (
    BACKBONE,
    BASELINES,
    EXAMPLES,
    HEAD,
    MANIFEST,
    SEAL,
    BackboneInfo,
    seal,
)
from tigertag.genres.model import GenreModel
from tigertag.genres.models import ModelFolder, Models

OWN = BackboneInfo(name="own", fingerprint="onnx:1", side_px=299, own=True)


def problem(folder: Path, name: str = "mine", *, advice: str = "learn it again") -> str:
    """Return why the model cannot be loaded."""
    with pytest.raises(ModelError, match=rf"^The genre model '{name}' cannot be used: ") as raised:
        Models(folder).load(name)
    told = str(raised.value)
    assert told.endswith(f"; {advice}.")
    assert "\n" not in told
    return told


def forge(folder: Path, file: str, data: bytes) -> None:
    """Put other content into a model, its manifest and the seal changed with it."""
    (folder / "mine" / file).write_bytes(data)
    told = json.loads((folder / "mine" / MANIFEST).read_bytes())
    told["files"][file] = sha256(data).hexdigest()
    changed = json.dumps(told).encode()
    (folder / "mine" / MANIFEST).write_bytes(changed)
    (folder / "mine" / SEAL).write_bytes(seal(changed))


class Death:
    """Lets so many steps happen, and none after them."""

    steps_to_swap = 8
    """Five files and their folder reach the disk; the one before goes, the old one moves."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def before(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def dying(*given: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt
            return step(*given, **named)

        return dying


@pytest.mark.parametrize(
    "name", ["", "..", "../mine", "a/b", "Mine", "-mine", ".mine", "mine.before", "m" * 65, "é"]
)
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RequestError, match="is no name for a genre model"):
        Models(tmp_path).load(name)
    with pytest.raises(RequestError, match="is no name for a genre model"):
        kept(tmp_path, name=name)


def test_a_model_that_is_not_there_says_how_to_learn_one(tmp_path: Path) -> None:
    for ask in (Models(tmp_path / "absent").load, Models(tmp_path).manifest):
        with pytest.raises(ModelError) as raised:
            ask("x")
        assert str(raised.value) == (
            "There is no genre model 'x'; learn one: tigertag genre learn CSV --name x, "
            "or with --library and --section."
        )


@pytest.mark.parametrize("name", ["model.pkl", "head.PICKLE", "forest.joblib"])
def test_a_pickle_in_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    kept(tmp_path)
    (tmp_path / "mine" / name).touch()
    said = problem(tmp_path, advice="take it away")
    assert f"{name} is in its folder, and pickles are never read" in said


@pytest.mark.parametrize("file", [HEAD, BASELINES, EXAMPLES])
@pytest.mark.parametrize(
    "data", [b"\x80\x04K\x01.", b"\x78\x9c", b"\x1f\x8b\x08"], ids=["pickle", "zlib", "gzip"]
)
def test_a_pickle_in_place_of_a_file_is_refused(tmp_path: Path, file: str, data: bytes) -> None:
    kept(tmp_path)
    forge(tmp_path, file, data)
    assert f"its {file} is a pickle, and pickles are never read" in problem(tmp_path)


@pytest.mark.parametrize(("file", "data"), [(HEAD, b"not a zip"), (EXAMPLES, b"PK\x03\x04")])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, file: str, data: bytes) -> None:
    kept(tmp_path)
    forge(tmp_path, file, data)
    assert f"its {file} is of another kind than its name says" in problem(tmp_path)


@pytest.mark.parametrize("file", [HEAD, BASELINES, EXAMPLES])
def test_a_file_that_was_changed_is_refused(tmp_path: Path, file: str) -> None:
    kept(tmp_path)
    with (tmp_path / "mine" / file).open("ab") as changed:
        changed.write(b" ")
    assert f"its {file} was changed since it was learned" in problem(tmp_path)


@pytest.mark.parametrize("file", [MANIFEST, HEAD, BASELINES, EXAMPLES])
def test_a_file_that_is_missing_is_named(tmp_path: Path, file: str) -> None:
    kept(tmp_path)
    (tmp_path / "mine" / file).unlink()
    assert f"its {file} is missing" in problem(tmp_path)


@pytest.mark.parametrize("file", [MANIFEST, HEAD, EXAMPLES])
def test_a_link_is_not_followed(tmp_path: Path, file: str) -> None:
    kept(tmp_path)
    path = tmp_path / "mine" / file
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert f"its {file} is a link" in problem(tmp_path)


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    kept(tmp_path / "elsewhere")
    (tmp_path / "mine").symlink_to(tmp_path / "elsewhere" / "mine")
    assert "its folder cannot be opened" in problem(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "mine" / HEAD).unlink()
    os.mkfifo(tmp_path / "mine" / HEAD)
    assert f"its {HEAD} is no file" in problem(tmp_path)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "mine" / HEAD).unlink()
    (tmp_path / "mine" / HEAD).mkdir()
    assert f"its {HEAD} cannot be read: Is a directory" in problem(tmp_path)


@pytest.mark.parametrize("file", [MANIFEST, HEAD, BASELINES, EXAMPLES])
def test_a_file_of_absurd_size_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    kept(tmp_path)
    monkeypatch.setitem(models.MOST_BYTES, file, 1)
    assert f"its {file} is larger than any" in problem(tmp_path)


def test_a_manifest_that_names_other_files_is_refused(tmp_path: Path) -> None:
    kept(tmp_path)
    forge(tmp_path, "../../secret", b"")
    assert "does not name the files that it should" in problem(tmp_path)


def test_a_folder_that_bears_another_models_name_is_refused(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "mine").rename(tmp_path / "other")
    assert "is that of 'mine'; call its folder so again" in problem(tmp_path, "other")


def test_models_that_cannot_be_listed_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "genres").symlink_to(tmp_path / "genres")
    with pytest.raises(ModelError, match=r"cannot be listed: Too many levels of symbolic links\.$"):
        Models(tmp_path / "genres").names()


def test_a_list_runs_no_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path)
    monkeypatch.delattr(models, "Head")
    [listed] = Models(tmp_path).listed()
    assert (listed.name, listed.problem) == ("mine", "")


def test_a_threshold_that_was_changed_by_hand_is_noticed(tmp_path: Path) -> None:
    kept(tmp_path)
    path = tmp_path / "mine" / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"threshold":', b'"threshold": '))
    assert "its manifest.json was changed since it was learned" in problem(tmp_path)


def test_a_manifest_that_is_broken_is_told_with_the_models_name(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "mine" / MANIFEST).write_bytes(b"{")
    assert "its manifest.json is no JSON" in problem(tmp_path)


def test_a_head_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is of another size than its manifest"):
        kept(tmp_path, {**FILES, HEAD: head(5)})
    assert not Models(tmp_path).names()


def test_a_head_that_cannot_be_used_is_told_with_the_models_name(tmp_path: Path) -> None:
    kept(tmp_path)
    forge(tmp_path, HEAD, b"PK\x03\x04")
    assert "the head of the model is broken" in problem(tmp_path)


def test_a_model_that_could_not_be_loaded_does_not_take_the_others_place(tmp_path: Path) -> None:
    first = kept(tmp_path)
    with pytest.raises(ModelError, match="does not name the files"):
        kept(tmp_path, {HEAD: FILES[HEAD], BASELINES: FILES[BASELINES]})
    assert Models(tmp_path).load("mine").manifest == first.manifest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_a_full_disk_is_said_and_the_earlier_model_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kept(tmp_path)

    def full(place: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull, match="what was there stays"):
        kept(tmp_path, metrics={})
    assert Models(tmp_path).load("mine").manifest == first.manifest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


@pytest.mark.parametrize("step", range(12))
def test_a_kill_at_any_point_leaves_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    for run in range(2):
        kept(tmp_path, metrics={"run": run})
    with monkeypatch.context() as patched:
        death = Death(step)
        for owner, name in ((os, "fsync"), (Path, "rename"), (shutil, "rmtree")):
            patched.setattr(owner, name, death.before(getattr(owner, name)))
        with suppress(KeyboardInterrupt):
            kept(tmp_path, metrics={"run": 2})
    assert Models(tmp_path).names() == ("mine",)
    found = Models(tmp_path).load("mine").manifest.metrics["run"]
    assert found == (2 if step > death.steps_to_swap else 1)
    assert kept(tmp_path, metrics={"run": 3}).manifest.metrics == {"run": 3}


def test_what_a_kill_left_behind_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".mine.0a1b2c3d").mkdir(parents=True)
    (tmp_path / ".mine.0a1b2c3d" / HEAD).touch()
    kept(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_the_earlier_model_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    for run in range(3):
        kept(tmp_path, metrics={"run": run})
    assert json.loads((tmp_path / "mine.before" / MANIFEST).read_bytes())["metrics"] == {"run": 1}
    assert Models(tmp_path).names() == ("mine",)


def test_an_own_backbone_lies_with_the_model_and_is_checked(tmp_path: Path) -> None:
    model = kept(tmp_path, {**FILES, BACKBONE: b"\x08\x08 a network"}, backbone=OWN)
    assert model.manifest.backbone.own
    (tmp_path / "mine" / BACKBONE).write_bytes(b"\x08\x08 another")
    assert f"its {BACKBONE} was changed" in problem(tmp_path)


def test_an_own_backbone_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not name the files that it should"):
        kept(tmp_path, backbone=OWN)


def test_a_model_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    saved = kept(tmp_path)
    loaded = Models(tmp_path).load("mine")
    assert loaded.manifest == saved.manifest
    assert loaded.manifest.files == {name: sha256(data).hexdigest() for name, data in FILES.items()}


def test_its_other_files_are_read_as_they_were_kept(tmp_path: Path) -> None:
    kept(tmp_path)
    whole = Models(tmp_path).load_whole("mine")
    assert (whole.examples, whole.baselines) == (FILES[EXAMPLES], FILES[BASELINES])
    (tmp_path / "mine" / EXAMPLES).write_bytes(b"[1]")
    with pytest.raises(ModelError, match=r"'mine' cannot be used: its examples\.json was changed"):
        Models(tmp_path).load_whole("mine")


def test_a_model_that_is_kept_again_meanwhile_is_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path)
    loaded = models._loaded

    def kept_again(folder: ModelFolder, name: str) -> GenreModel:
        monkeypatch.undo()
        model = loaded(folder, name)
        kept(tmp_path, {**FILES, EXAMPLES: b"[1]"})
        return model

    monkeypatch.setattr(models, "_loaded", kept_again)
    assert Models(tmp_path).load_whole("mine").examples == b"[]"
    assert Models(tmp_path).load_whole("mine").examples == b"[1]"


def test_what_it_says_of_itself_is_told_without_the_rest(tmp_path: Path) -> None:
    model = kept(tmp_path)
    (tmp_path / "mine" / HEAD).unlink()
    assert Models(tmp_path).manifest("mine") == model.manifest


def test_a_broken_model_is_listed_with_its_problem(tmp_path: Path) -> None:
    kept(tmp_path)
    kept(tmp_path, name="other")
    (tmp_path / "mine" / HEAD).unlink()
    (tmp_path / "readme.txt").touch()
    broken, whole = Models(tmp_path).listed()
    assert (broken.name, broken.manifest) == ("mine", None)
    assert "its head.npz is missing" in broken.problem
    assert whole.manifest is not None
    assert whole.manifest == manifest(name="other", files=whole.manifest.files)


def test_where_nothing_was_learned_nothing_is_listed(tmp_path: Path) -> None:
    assert Models(tmp_path / "absent").listed() == ()
