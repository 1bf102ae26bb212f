"""The processes of the service, and what the machine has left: from /proc, else less of it."""

import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_PROC = Path("/proc")
_KILOBYTES = {"linux": 1024}
_STARTED = time.time()


@dataclass(frozen=True, slots=True)
class ProcessView:
    """A process. `role`: service, web or scan worker; `cpu_s`: what it has used since it began."""

    pid: int
    role: str
    memory_bytes: int
    cpu_s: float
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, or the container as the kernel shows it. None: not known here."""

    cpus: int
    load: float | None
    memory_bytes: int | None
    memory_free_bytes: int | None


def machine() -> Machine:
    total, free = _memory()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return Machine(_cpus(), load, total, free)


def _cpus() -> int:
    """Those that this process may use, which a container may limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> tuple[int | None, int | None]:
    amounts: dict[str, int] = {}
    with suppress(OSError, ValueError, IndexError):
        for line in (_PROC / "meminfo").read_text().splitlines():
            name, _, value = line.partition(":")
            amounts[name] = int(value.split()[0]) * 1024
    return amounts.get("MemTotal"), amounts.get("MemAvailable")


def processes() -> tuple[ProcessView, ...]:
    """Return the processes of this service; where there is no /proc, this one alone."""
    found = {process.pid: process for process in _all()}
    root = os.getpid()
    if root not in found:
        return (_this(),)
    while (parent := found[root].parent) in found and found[parent].is_ours:
        root = parent
    family, left = [found[root]], [root]
    while left:
        pid = left.pop()
        children = [one for one in found.values() if one.parent == pid]
        family += children
        left += [one.pid for one in children]
    return tuple(_view(one, is_root=one.pid == root) for one in family)


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    command: tuple[str, ...]
    memory_bytes: int
    cpu_s: float
    started_at: datetime

    @property
    def is_ours(self) -> bool:
        return any("tigertag" in word for word in self.command[:4])


def _all() -> Iterator[_Process]:
    """Yield what /proc shows; a process may end while it is looked at."""
    with suppress(OSError):
        booted = _booted()
        for folder in _PROC.iterdir():
            if folder.name.isdecimal():
                with suppress(OSError, ValueError, IndexError):
                    yield _process(folder, booted)


def _booted() -> float:
    return time.time() - float((_PROC / "uptime").read_text().split()[0])


def _process(folder: Path, booted: float) -> _Process:
    # The name, in brackets, may hold spaces and brackets itself (proc(5)).
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    return _Process(
        int(folder.name),
        int(fields[1]),
        tuple(command),
        int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        (int(fields[11]) + int(fields[12])) / ticks,
        datetime.fromtimestamp(booted + int(fields[19]) / ticks, UTC),
    )


def _view(process: _Process, *, is_root: bool) -> ProcessView:
    role = "web"
    if "work" in process.command:
        role = "scan worker"
    elif is_root:
        role = "service"
    elif not process.is_ours:
        role = "helper"
    return ProcessView(process.pid, role, process.memory_bytes, process.cpu_s, process.started_at)


def _this() -> ProcessView:
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Kilobytes on Linux, bytes on macOS (getrusage(2)).
    memory = used.ru_maxrss * _KILOBYTES.get(sys.platform, 1)
    started_at = datetime.fromtimestamp(_STARTED, UTC)
    return ProcessView(os.getpid(), "service", memory, used.ru_utime + used.ru_stime, started_at)
