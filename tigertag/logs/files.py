"""Files of the log that several processes write to, and that never grow beyond a bound."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args

from tigertag import locks

FOLDER = "logs"
"""Where they are in TIGERTAG_HOME."""

Role = Literal["web", "work"]
"""Whose log it is: that of the web processes, or that of the worker."""
ROLES: tuple[Role, ...] = get_args(Role)

_MOST_BYTES = 5_000_000
_OLD_FILES = 4


class SharedFile(logging.Handler):
    """Appends to a file; when it is full it becomes `<name>.1`, and `.1` becomes `.2`.

    Processes append beside each other: each line is one write (O_APPEND). One of them rotates,
    holding a lock; the others see that the file at the path is another now, and open that.
    """

    def __init__(
        self, path: Path, *, most_bytes: int = _MOST_BYTES, old_files: int = _OLD_FILES
    ) -> None:
        """Open the file. Raises `OSError`."""
        super().__init__()
        self._path = path
        self._most_bytes = most_bytes
        self._old_files = old_files
        self._file: int | None = None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
        except Exception:
            # A line whose arguments do not fit its text must not be an error of who logs it.
            self.handleError(record)
            return
        # A full disk, or a folder that is gone, stops nothing of what is logged about.
        with suppress(OSError):
            os.write(self._opened(len(line)), line)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        super().close()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        opened = os.open(self._path, flags, 0o600)
        if self._file is not None:
            os.close(self._file)
        self._file = opened
        return opened

    def _opened(self, more: int) -> int:
        """Return the file at the path, with room for so many bytes more."""
        file = self._file if self._file is not None and self._is_current() else self._open()
        size = os.fstat(file).st_size
        if not size or size + more <= self._most_bytes:
            return file
        self._rotate(more)
        return self._open()

    def _is_current(self) -> bool:
        assert self._file is not None
        try:
            return os.path.samestat(os.fstat(self._file), self._path.stat())
        except FileNotFoundError:
            return False

    def _rotate(self, more: int) -> None:
        lock = os.open(self._path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            locks.wait_for(lock)
            # Another process may have been first.
            if self._path.stat().st_size + more > self._most_bytes:
                for number in range(self._old_files, 0, -1):
                    with suppress(FileNotFoundError):
                        _old(self._path, number - 1).replace(_old(self._path, number))
        finally:
            os.close(lock)


def _old(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path
