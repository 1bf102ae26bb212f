"""The processes of the service on this machine, as /proc shows them."""

import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


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


def of_service() -> list[Process]:
    """Return this process, those that serve beside it, and the worker they started.

    Empty where there is no /proc.
    """
    stats = dict(filter(None, map(_stat, _pids())))
    if os.getpid() not in stats:
        return []
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, fields in stats.items():
        children[int(fields[1])].append(pid)
    root = os.getppid()
    # Gunicorn's first process is a fork of the same command; a shell is not.
    left = [root if _command(root) == _command(os.getpid()) else os.getpid()]
    found = []
    for pid in left:
        process = _process(pid, stats[pid]) if pid in stats else None
        if process is not None:
            found.append(process)
            left += children[pid]
    return found


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]
    except OSError:
        return []


def _stat(pid: int) -> tuple[int, list[str]] | None:
    """Return the fields of proc(5)'s stat from `state` on, which follow the name in parentheses."""
    try:
        # Of each process of the machine, at each scrape: a Path would take twice as long.
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    return pid, text.decode("utf-8", "replace").rpartition(")")[2].split()


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return (_PROC / str(pid) / "cmdline").read_bytes()
    return b""


def _process(pid: int, stat: list[str]) -> Process | None:
    """Return a process of the service; None for another that one of them has started."""
    arguments = _command(pid).split(b"\0")
    if not any(b"tigertag" in one or b"gunicorn" in one for one in arguments) and (
        pid != os.getpid()
    ):
        return None
    try:
        open_files = len(os.listdir(_PROC / str(pid) / "fd"))
    except OSError:
        return None
    own, ended = sum(map(int, stat[11:13])), sum(map(int, stat[13:15]))
    return Process(
        pid,
        int(stat[1]),
        "work" if b"work" in arguments else "web",
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
