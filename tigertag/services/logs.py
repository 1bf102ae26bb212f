"""The log of the service's processes: its last lines, and what has come since."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tigertag.core import Core
from tigertag.logs import FOLDER, ROLES, Role

__all__ = ["MOST_LINES", "ROLES", "LogPart", "Role", "path", "since", "tail"]

MOST_LINES = 2000
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class LogPart:
    """Lines of a log, the oldest first. `offset`: where the next ones begin, for `since`."""

    role: Role
    lines: tuple[str, ...]
    offset: int


def path(core: Core, role: Role) -> Path:
    """Return the file of a log; it may not be there. The ones before it end in `.1`, `.2`, …"""
    return core.home / FOLDER / f"{role}.log"


def tail(core: Core, role: Role, lines: int = 200) -> LogPart:
    """Return the last lines; none where nothing is logged, or the log cannot be read.

    Where the file has just been begun, those of the one before it come first.
    """
    file = path(core, role)
    wanted = min(max(lines, 0), MOST_LINES)
    text, offset = _read(file, _last_part)
    found = _lines(text)
    if len(found) < wanted:
        before, _offset = _read(file.with_name(f"{file.name}.1"), _last_part)
        found = _lines(before) + found
    return LogPart(role, tuple(found[max(0, len(found) - wanted) :]), offset)


def since(core: Core, role: Role, offset: int) -> LogPart:
    """Return the whole lines that have come since; at most the last megabyte of them.

    A file that is shorter than that has been begun since: all of it is new.
    """

    def new_part(file: BinaryIO, size: int) -> int:
        begin = offset if 0 <= offset <= size else 0
        return begin if size - begin <= _MOST_BYTES else _last_part(file, size)

    text, end = _read(path(core, role), new_part)
    return LogPart(role, tuple(_lines(text)), end)


def _lines(text: str) -> list[str]:
    # Only "\n" ends a line: other separators come from outside.
    return text.split("\n") if text else []


def _last_part(file: BinaryIO, size: int) -> int:
    """Return where the first whole line of the file's last megabyte begins."""
    if size <= _MOST_BYTES:
        return 0
    file.seek(size - _MOST_BYTES)
    return size - _MOST_BYTES + len(file.readline())


def _read(path: Path, begin: Callable[[BinaryIO, int], int]) -> tuple[str, int]:
    """Return the text from there to the end of the last whole line, and where that is."""
    try:
        with path.open("rb") as file:
            start = begin(file, os.fstat(file.fileno()).st_size)
            file.seek(start)
            text, newline, _rest = file.read(2 * _MOST_BYTES).rpartition(b"\n")
    except OSError:
        return "", 0
    end = start + len(text) + 1 if newline else start
    return text.decode("utf-8", "replace"), end
