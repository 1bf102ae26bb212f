"""What the machine has left, as the kernel shows it to this process or its container."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class Machine:
    """CPUs that this process may use, the load of the last minute, memory. None: not known here."""

    cpus: int
    load: float | None
    memory_bytes: int | None
    memory_free_bytes: int | None


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk, and the folder on it that was asked about."""

    place: str
    total_bytes: int
    free_bytes: int


def disk(folder: Path) -> Disk | None:
    """Return the disk that a folder is on; None where that cannot be looked at."""
    with suppress(OSError):
        usage = shutil.disk_usage(folder)
        return Disk(str(folder), usage.total, usage.free)
    return None


def machine() -> Machine:
    memory = _memory()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return Machine(_cpus(), load, memory.get("MemTotal"), memory.get("MemAvailable"))


def _cpus() -> int:
    """Those that this process may use, which a container may limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> dict[str, int]:
    """Return amounts in bytes by their names in proc(5); empty where there is no /proc."""
    amounts: dict[str, int] = {}
    with suppress(OSError, ValueError, IndexError):
        for line in _MEMINFO.read_text().splitlines():
            name, _, value = line.partition(":")
            amounts[name] = int(value.split()[0]) * 1024
    return amounts
