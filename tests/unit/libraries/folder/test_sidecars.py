import errno
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.libraries.folder.folders import OWNERS, FolderPlace, refs
from tigertag.contracts import EditOutcome, NotRead
from tigertag.errors import LibraryError, LibraryFull, LibraryReadOnly
from tigertag.libraries.folder import sidecar
from tigertag.model import Edit, Field, Shown, TagRef


def failing(code: int) -> Callable[..., None]:
    def fail(*_about: object, **_more: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def words(outcome: EditOutcome) -> list[str]:
    assert outcome.after is not None, outcome.reason
    return [tag.name for tag in outcome.after.tags]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.EROFS, LibraryReadOnly),
        (errno.ENOSPC, LibraryFull),
        (errno.EDQUOT, LibraryFull),
    ],
)
def test_a_library_that_cannot_be_written_says_so_once_and_keeps_all(
    place: FolderPlace,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    code: int,
    error: type[LibraryError],
) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "mine")
    before = place.sidecar("a.jpg").read_bytes()
    monkeypatch.setattr(os, call, failing(code))
    with pytest.raises(error) as caught:
        place.send("a.jpg", adds=("cat",))
    assert "\n" not in str(caught.value)
    assert place.sidecar("a.jpg").read_bytes() == before
    assert place.names() == ["a.jpg", "a.jpg.xmp"]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("all_of_it", [True, False])
def test_a_folder_that_denies_is_read_only_when_the_whole_library_is(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch, code: int, all_of_it: bool
) -> None:
    place.add_photo("a.jpg")
    edit = place.edit("a.jpg", adds=("cat",))
    monkeypatch.setattr(os, "replace", failing(code))
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK or not all_of_it)
    if all_of_it:
        with pytest.raises(LibraryReadOnly, match="Previews work"):
            list(place.library.send([edit]))
    else:
        (outcome,) = place.library.send([edit])
        assert outcome.after is None
        assert "cannot be written" in outcome.reason


def test_what_was_written_before_the_disk_was_full_is_told(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jpg", "b.jpg"):
        place.add_photo(name)
    edits = [place.edit(name, adds=("cat",)) for name in ("a.jpg", "b.jpg")]
    real = os.replace

    def replace(old: str, new: str) -> None:
        if new.endswith("b.jpg.xmp"):
            failing(errno.ENOSPC)()
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)
    outcomes = place.library.send(edits)
    assert words(next(outcomes)) == ["cat"]
    with pytest.raises(LibraryFull):
        next(outcomes)


def test_an_error_of_one_file_stops_no_other(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jpg", "b.jpg"):
        place.add_photo(name)
    edits = [place.edit(name, adds=("cat",)) for name in ("a.jpg", "b.jpg")]
    real = os.replace

    def replace(old: str, new: str) -> None:
        if new.endswith("a.jpg.xmp"):
            failing(errno.EIO)()
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)
    first, second = place.library.send(edits)
    assert (first.after, "Input/output error" in first.reason) == (None, True)
    assert words(second) == ["cat"]


BROKEN = [
    ("", "is not readable XMP (line 1"),
    ("<a><b></a>", "is not readable XMP (line 1"),
    ("<html/>", "no rdf:RDF"),
    ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
]


@pytest.mark.parametrize(("content", "says"), BROKEN)
def test_a_broken_sidecar_is_not_read_and_left_untouched(
    place: FolderPlace, content: str, says: str
) -> None:
    place.add_photo("a.jpg")
    place.sidecar("a.jpg").write_text(content)
    read = place.read("a.jpg")
    assert isinstance(read, NotRead)
    assert "a.jpg.xmp" in read.reason
    assert says in read.reason
    assert place.send("a.jpg", adds=("cat",)) == EditOutcome("a.jpg", None, read.reason)
    assert place.sidecar("a.jpg").read_text() == content


def test_a_sidecar_that_is_a_link_is_left_untouched(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    target = place.root.with_name("target.xmp")
    target.write_text(OWNERS.format(""))
    place.sidecar("a.jpg").symlink_to(target)
    read = place.read("a.jpg")
    assert isinstance(read, NotRead)
    assert "symbolic link" in read.reason
    assert place.send("a.jpg", adds=("cat",)).after is None
    assert target.read_text() == OWNERS.format("")


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_sidecar_that_is_no_file_is_left_untouched(place: FolderPlace, kind: str) -> None:
    place.add_photo("a.jpg")
    where = place.sidecar("a.jpg")
    where.mkdir() if kind == "folder" else os.mkfifo(where)
    read = place.read("a.jpg")
    assert isinstance(read, NotRead)
    assert place.send("a.jpg", adds=("cat",)).after is None


def test_a_sidecar_that_is_too_large_is_not_read(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "mine")
    monkeypatch.setattr(sidecar, "_MAX_BYTES", 100)
    read = place.read("a.jpg")
    assert isinstance(read, NotRead)
    assert "larger than" in read.reason


def test_a_sidecar_that_may_not_be_read_is_not_taken_for_none(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "mine")
    item = place.item("a.jpg")
    monkeypatch.setattr(os, "open", failing(errno.EACCES))
    (read,) = place.library.read_tags([item])
    assert isinstance(read, NotRead)
    assert "Permission denied" in read.reason


def change_at_fsync(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]
) -> None:
    real = os.fsync

    def fsync(file: int) -> None:
        real(file)
        change()

    monkeypatch.setattr(os, "fsync", fsync)


def test_what_another_program_writes_meanwhile_is_not_lost(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_photo("a.jpg")
    todo = [("mine", "later")]

    def change() -> None:
        if todo:
            place.tag("a.jpg", *todo.pop())

    change_at_fsync(place, monkeypatch, change)
    assert words(place.send("a.jpg", adds=("cat",))) == ["mine", "later", "cat"]


def test_a_sidecar_that_keeps_changing_is_given_up(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_photo("a.jpg")
    count = iter(range(100))
    change_at_fsync(place, monkeypatch, lambda: place.tag("a.jpg", f"mine{next(count)}" * 2))
    outcome = place.send("a.jpg", adds=("cat",))
    assert outcome.after is None
    assert "keeps changing" in outcome.reason
    assert place.names() == ["a.jpg", "a.jpg.xmp"]


@pytest.mark.parametrize("name", ["a\0b", "a\x1bb", "line\nbreak", "\ud800", "\uffff", " ", ""])
def test_a_tag_that_a_sidecar_cannot_hold_is_refused(place: FolderPlace, name: str) -> None:
    place.add_photo("a.jpg")
    outcome = place.send("a.jpg", adds=(name,))
    assert outcome.after is None
    assert outcome.reason
    assert place.names() == ["a.jpg"]


def test_labels_and_genres_are_refused(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    edit = Edit(place.item("a.jpg"), adds=(TagRef(Field.GENRE, "cat"),))
    (outcome,) = place.library.send([edit])
    assert (outcome.after, outcome.reason != "") == (None, True)


def test_originals_are_never_touched(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    photo = place.root / "a.jpg"
    before = (photo.read_bytes(), photo.stat().st_mtime_ns, photo.stat().st_ino)
    place.send("a.jpg", adds=("cat",))
    place.send("a.jpg", removes=("cat",))
    assert (photo.read_bytes(), photo.stat().st_mtime_ns, photo.stat().st_ino) == before


def test_a_sidecar_of_its_own_goes_when_its_last_tag_does(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.send("a.jpg", adds=("cat",))
    assert place.names() == ["a.jpg", "a.jpg.xmp"]
    outcome = place.send("a.jpg", removes=("cat",))
    assert outcome.after is not None
    assert replace(outcome.after, revision=None) == Shown("a.jpg", stamp="")
    assert place.names() == ["a.jpg"]


def test_the_owners_sidecar_stays_when_its_last_tag_goes(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "mine")
    assert words(place.send("a.jpg", removes=("mine",))) == []
    assert place.names() == ["a.jpg", "a.jpg.xmp"]


def test_an_edit_that_changes_nothing_writes_nothing(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.send("a.jpg", removes=("cat",))
    assert place.names() == ["a.jpg"]
    place.tag("a.jpg", "mine")
    before = place.sidecar("a.jpg").stat()
    place.send("a.jpg", adds=("MINE",), removes=("cat",))
    after = place.sidecar("a.jpg").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_sidecar_keeps_its_mode_and_owner(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "mine")
    where = place.sidecar("a.jpg")
    where.chmod(0o640)
    os.utime(where, (1, 1))
    if os.geteuid() == 0:
        os.chown(where, 1234, 2345)
    before = where.stat()
    place.send("a.jpg", adds=("cat",))
    after = where.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_mtime_ns > before.st_mtime_ns


def test_a_new_sidecar_has_the_mode_of_any_new_file(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.send("a.jpg", adds=("cat",))
    mode = stat.S_IMODE(place.sidecar("a.jpg").stat().st_mode)
    assert mode == stat.S_IMODE((place.root / "a.jpg").stat().st_mode)


def test_a_folder_is_made_lasting_once_and_before_its_outcomes(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("x/a.jpg", "y/b.jpg", "x/c.jpg"):
        place.add_photo(name)
    edits = [place.edit(name, adds=("cat",)) for name in ("x/a.jpg", "y/b.jpg", "x/c.jpg")]
    made: list[str] = []
    monkeypatch.setattr(sidecar, "sync_folder", lambda folder: made.append(folder[-1]))
    seen = [(outcome.key, "".join(made)) for outcome in place.library.send(edits)]
    assert seen == [("x/a.jpg", "x"), ("x/c.jpg", "x"), ("y/b.jpg", "xy")]


def test_an_edit_that_the_disk_does_not_confirm_is_not_told_as_made(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_photo("a.jpg")
    monkeypatch.setattr(sidecar, "sync_folder", failing(errno.EIO))
    outcome = place.send("a.jpg", adds=("cat",))
    assert (outcome.after, "did not confirm" in outcome.reason) == (None, True)


def test_what_a_kill_left_behind_is_no_photo_and_goes_at_the_next_write(
    place: FolderPlace, caplog: pytest.LogCaptureFixture
) -> None:
    place.add_photo("a.jpg")
    stale, fresh, foreign = (
        place.root / name
        for name in (f".tigertag-{'0' * 16}.tmp", f".tigertag-{'1' * 16}.tmp", ".tigertag-mine")
    )
    for file in (stale, fresh, foreign):
        file.write_text("half a sid")
    for file in (stale, foreign):
        os.utime(file, (1, 1))
    assert place.keys() == ["a.jpg"]
    with caplog.at_level(logging.WARNING):
        place.send("a.jpg", adds=("cat",))
    assert (stale.exists(), fresh.exists(), foreign.exists()) == (False, True, True)


KILLED = """
import os
from tigertag.libraries.folder import FolderLibrary, Options
from tigertag.model import *
library = FolderLibrary("photos", Options(path={root!r}))
library.open()
os.replace = lambda *_paths: os._exit(9)
list(library.send([Edit(Item("photos", ".", "a.jpg", "1"), (TagRef(Field.TAG, "cat"),))]))
"""


def test_a_kill_in_the_middle_leaves_the_old_sidecar_whole(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "mine")
    before = place.sidecar("a.jpg").read_bytes()
    code = KILLED.format(root=str(place.root))
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", code], env=paths, check=False)
    assert killed.returncode == 9
    assert len(place.names()) == 3
    assert place.sidecar("a.jpg").read_bytes() == before
    assert words(place.send("a.jpg", adds=("cat",))) == ["mine", "cat"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=100
        ).filter(str.strip),
        max_size=5,
        unique_by=str.casefold,
    )
)
def test_any_printable_tags_go_there_and_back(place: FolderPlace, tags: list[str]) -> None:
    place.add_photo("a.jpg")
    item = place.item("a.jpg")
    (outcome,) = place.library.send([Edit(item, adds=refs(tuple(tags)))])
    assert outcome.after is not None
    assert outcome.after.tags == refs(tuple(tags))
    list(place.library.send([Edit(item, removes=refs(tuple(tags)))]))
    assert place.names() == ["a.jpg"]


def test_a_folder_that_is_gone_is_told_of_each_photo(place: FolderPlace) -> None:
    place.add_photo("deep/a.jpg")
    edit = place.edit("deep/a.jpg", adds=("cat",))
    place.remove_photo("deep/a.jpg")
    Path(place.root / "deep").rmdir()
    (outcome,) = place.library.send([edit])
    assert outcome == EditOutcome("deep/a.jpg", None, "The file is no longer there.")
