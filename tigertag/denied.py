"""Why the system refused a file or a folder: where it is a matter of permission, whose it is."""

import errno
import os
import stat
from pathlib import Path

_DENIED = (errno.EACCES, errno.EPERM)


def why(exc: OSError, path: str | Path | None = None) -> str:
    """Return the reason in words, without a full stop.

    Where permission is lacking: "Permission denied: TigerTag runs as uid 1000, the folder /photos/x
    belongs to uid 0, mode drwx------". `path` is what was to be read or written; without it, what
    the error names. The nearest that TigerTag may look at is named: often a folder above.
    """
    reason = exc.strerror or str(exc) or "it is not known why"
    path = path if path is not None else exc.filename
    if exc.errno not in _DENIED:
        return reason
    owner = _owner(os.path.abspath(path)) if isinstance(path, str | Path) else ""
    return f"{reason}: TigerTag runs as uid {os.geteuid()}{owner}"


def _owner(path: str) -> str:
    """Say whose the path is, or the first folder from the root on that cannot be entered."""
    there = _status(path)
    while there is None and os.path.dirname(path) != path:
        path = os.path.dirname(path)
        there = _status(path)
    if there is None:
        return ""
    kind = "folder" if stat.S_ISDIR(there.st_mode) else "file"
    shown = path.encode(errors="backslashreplace").decode()
    mode = stat.filemode(there.st_mode)
    return f", the {kind} {shown} belongs to uid {there.st_uid}, mode {mode}"


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None
