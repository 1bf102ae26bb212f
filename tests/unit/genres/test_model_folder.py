import errno
import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from tigertag import locks
from tigertag.errors import ModelError, StoreUnavailable
from tigertag.genres.manifest import EXAMPLES, HEAD
from tigertag.genres.models import open_folder, replace


def taken(draft: Path) -> None:
    """Take whatever is there."""


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"cannot be kept in .*; what was there stays\.$"):
        replace(tmp_path / "file", "mine", {}, check=taken)


def test_a_folder_stays_the_same_one_when_another_takes_its_name(tmp_path: Path) -> None:
    replace(tmp_path, "mine", {HEAD: b"old"}, check=taken)
    with open_folder(tmp_path / "mine") as folder:
        replace(tmp_path, "mine", {HEAD: b"new"}, check=taken)
        assert folder.read(HEAD) == b"old"
    with open_folder(tmp_path / "mine") as folder:
        assert folder.read(HEAD) == b"new"


def test_what_leads_out_of_the_folder_is_not_found(tmp_path: Path) -> None:
    replace(tmp_path, "mine", {EXAMPLES: b""}, check=taken)
    (tmp_path / "mine" / HEAD).symlink_to("/")
    with (
        open_folder(tmp_path / "mine") as folder,
        pytest.raises(ModelError, match=r"its head\.npz is a link"),
    ):
        folder.read(HEAD)


def test_a_file_in_place_of_a_folder_is_replaced_and_kept(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"whatever")
    for data in (b"1", b"2"):
        replace(tmp_path, "mine", {"a": data}, check=taken)
    assert (tmp_path / "mine" / "a").read_bytes() == b"2"
    assert (tmp_path / "mine.before" / "a").read_bytes() == b"1"


@pytest.mark.parametrize("asked", ["flock", "fsync"])
def test_what_a_file_system_cannot_do_with_a_folder_loses_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    def refuse(place: int, *_how: int) -> None:
        if stat.S_ISDIR(os.fstat(place).st_mode):
            raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(locks if asked == "flock" else os, asked, refuse)
    replace(tmp_path, "mine", {"a": b"1"}, check=taken)
    assert (tmp_path / "mine" / "a").read_bytes() == b"1"


def test_those_that_write_at_once_wait_for_each_other(tmp_path: Path) -> None:
    def write(number: int) -> None:
        replace(tmp_path, "mine", {"a": b"%d" % number, "b": b"%d" % number}, check=taken)

    writers = [Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    files = [(tmp_path / "mine" / name).read_bytes() for name in "ab"]
    assert files[0] == files[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "mine.before"]
