"""An error of permission names who asks, whose it is, and its mode."""

import errno
import os
from pathlib import Path

from tigertag.errors import os_reason


def denied(path: Path | None = None) -> PermissionError:
    text = os.strerror(errno.EACCES)
    return PermissionError(errno.EACCES, text, str(path)) if path else PermissionError(13, text)


def test_it_names_the_user_the_owner_and_the_mode_of_a_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert os_reason(denied(tmp_path)) == (
        f"Permission denied: TigerTag runs as uid {os.geteuid()}, gid {os.getegid()}, the folder"
        f" {tmp_path} belongs to uid {tmp_path.stat().st_uid}, gid {tmp_path.stat().st_gid},"
        " mode drwx------"
    )


def test_what_is_not_there_is_the_matter_of_the_folder_above(tmp_path: Path) -> None:
    assert f"the folder {tmp_path} " in os_reason(denied(tmp_path / "none/new.xmp"))


def test_it_names_a_file_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch(0o600)
    assert f"the file {tmp_path / 'a.jpg'} belongs" in os_reason(denied(), tmp_path / "a.jpg")


def test_other_errors_say_their_reason_alone(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path))
    assert os_reason(error) == "No space left on device"


def test_without_a_path_it_still_names_the_user() -> None:
    user = f"uid {os.geteuid()}, gid {os.getegid()}"
    assert os_reason(denied()) == f"Permission denied: TigerTag runs as {user}"
