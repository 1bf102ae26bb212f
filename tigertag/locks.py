"""Locks on files, and what is done where a file system has none, as some NFS mounts."""

from errno import EBADF, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP, EWOULDBLOCK
from fcntl import LOCK_EX, LOCK_NB, flock
from typing import Literal, Protocol

# NFS makes of flock a lock that needs a file opened for writing: a folder is EBADF there.
UNSUPPORTED = frozenset({EBADF, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP})

Lock = Literal["held", "taken", "unknown"]


class _File(Protocol):
    def fileno(self) -> int: ...


def wait_for(file: _File | int) -> bool:
    """Lock a file or folder until it is closed; False where its file system has no locks."""
    try:
        flock(file, LOCK_EX)
    except OSError as exc:
        if exc.errno not in UNSUPPORTED:
            raise
        return False
    return True


def try_to_lock(file: _File | int) -> Lock:
    """Lock a file, unless another process has: "taken"; "unknown": there are no locks here."""
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except OSError as exc:
        if exc.errno == EWOULDBLOCK:
            return "taken"
        if exc.errno not in UNSUPPORTED:
            raise
        return "unknown"
    return "held"
