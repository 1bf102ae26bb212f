"""The processes of the service on this machine, as /proc shows them."""

import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_WORKS = {b"work", b"worker"}
"""The commands of which a process works on scans."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process. `cpu_s`: of the first one, with those that served before the ones of now."""

    pid: int
    parent: int
    role: str
    cpu_s: float
    memory_bytes: int
    open_files: int
    started_at_s: float


def of_service() -> list[int]:
    """Return this process, those that serve beside it, and the worker they started.

    Empty where there is no /proc. Looks at each process of the machine.
    """
    parents = {pid: int(stat[1]) for pid in _pids() if (stat := _stat(pid)) is not None}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, parent in parents.items():
        children[parent].append(pid)
    root = os.getppid()
    # Gunicorn's first process is a fork of the same command; a shell is not.
    found = [root if _command(root) == _command(os.getpid()) else os.getpid()]
    for pid in found:
        found += [child for child in children[pid] if _is_ours(child)]
    return [pid for pid in found if pid in parents]


def look(pids: Iterable[int]) -> list[Process]:
    """Return these processes as they are now, but those that have ended."""
    return [process for pid in pids if _is_ours(pid) and (process := _process(pid)) is not None]


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]
    except OSError:
        return []


def _stat(pid: int) -> list[str] | None:
    """Return the fields of proc(5)'s stat from `state` on, which follow the name in parentheses."""
    try:
        # Of each process of the machine: a Path would take twice as long.
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    return text.decode("utf-8", "replace").rpartition(")")[2].split()


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return (_PROC / str(pid) / "cmdline").read_bytes()
    return b""


def _is_ours(pid: int) -> bool:
    """Whether it is no other program, which a process of the service has started."""
    arguments = _command(pid).split(b"\0")
    named = any(b"tigertag" in one or b"gunicorn" in one for one in arguments)
    return named or pid == os.getpid()


def _process(pid: int) -> Process | None:
    stat = _stat(pid)
    try:
        open_files = len(os.listdir(_PROC / str(pid) / "fd"))
    except OSError:
        return None
    if stat is None:
        return None
    own, ended = sum(map(int, stat[11:13])), sum(map(int, stat[13:15]))
    return Process(
        pid,
        int(stat[1]),
        "web" if _WORKS.isdisjoint(_command(pid).split(b"\0")) else "work",
        (own + (ended if pid == os.getppid() else 0)) / _TICKS,
        int(stat[21]) * _PAGE_BYTES,
        open_files,
        _booted_at_s() + int(stat[19]) / _TICKS,
    )


def _booted_at_s() -> float:
    for line in (_PROC / "stat").read_text().splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0
