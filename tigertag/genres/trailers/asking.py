"""The other end of the child process: told once, watched, and never waited for too long."""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from signal import SIGKILL
from time import monotonic
from typing import Any

from tigertag.errors import Unreadable
from tigertag.genres.trailers.limits import Limits
from tigertag.text import tidy

CHILD = (sys.executable, "-m", "tigertag.genres.trailers.child")
STOPPED = "The work was stopped while the trailer was fetched; start again."

_ODD = "yt-dlp ended without an answer; update it, or take another link."
_LOOK_S = 0.1
_MOST_SAID = 64 * 1024
_BESIDES = 16_000_000
"""Bytes that yt-dlp may need beside the video: parts of it, and the tables of those."""
_PASSED = {"PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH"}
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


def brought(
    link: str,
    folder: Path,
    limits: Limits,
    *,
    cancelled: Callable[[], bool],
    command: Sequence[str] = CHILD,
) -> Path:
    """Let a child bring the video of a `canonical` link into the folder; return its file.

    It is killed, with all that it has started, when it takes too long or too much space, or is
    `cancelled`. Raises `Unreadable`, also for whatever the child says that makes no sense.
    """
    deadline = monotonic() + limits.within_s
    told = {"link": link, "folder": str(folder), "limits": asdict(limits)}
    with _started(command, folder) as process:
        _tell(process, told)
        said = b""
        for part in _parts(process):
            said += part
            _check(said, folder, limits, deadline=deadline, cancelled=cancelled)
    return _file(_read(said), folder, limits)


@contextmanager
def _started(command: Sequence[str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, SIGKILL)


def _environment(folder: Path) -> dict[str, str]:
    """What the child needs to know: none of TigerTag's settings, and no plugins of yt-dlp's."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or name.upper() in _PROXIES
    }
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    own = {"HOME": str(folder), "PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "YTDLP_NO_PLUGINS": "1"}
    return passed | own


def _tell(process: "subprocess.Popen[bytes]", told: dict[str, Any]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # It has died already: then it says nothing, either.
        process.stdin.write(json.dumps(told).encode() + b"\n")


def _parts(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """Yield what it says until it has said all; b"" when it says nothing for a moment."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not ready.select(_LOOK_S):
                yield b""
                continue
            part = os.read(process.stdout.fileno(), _MOST_SAID)
            if not part:
                return
            yield part


def _check(
    said: bytes,
    folder: Path,
    limits: Limits,
    *,
    deadline: float,
    cancelled: Callable[[], bool],
) -> None:
    if cancelled():
        raise Unreadable(STOPPED, retryable=True)
    if monotonic() > deadline:
        late = f"The trailer was not there after {limits.within_s:g} s; try again later."
        raise Unreadable(late, retryable=True)
    if len(said) > _MOST_SAID:
        raise Unreadable(_ODD)
    if _taken_bytes(folder) > limits.most_bytes + _BESIDES:
        raise limits.too_large()


def _taken_bytes(folder: Path) -> int:
    total = 0
    for one in folder.rglob("*"):
        with suppress(OSError):  # What is being renamed counts the next time.
            total += one.lstat().st_size
    return total


def _read(said: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(said)
    except (ValueError, RecursionError) as exc:
        raise Unreadable(_ODD) from exc
    if not isinstance(answer, dict):
        raise Unreadable(_ODD)
    if isinstance(answer.get("problem"), str):
        raise Unreadable(tidy(answer["problem"]), retryable=answer.get("retryable") is True)
    return answer


def _file(answer: dict[str, Any], folder: Path, limits: Limits) -> Path:
    name = answer.get("file")
    if not isinstance(name, str) or name != Path(name).name:
        raise Unreadable(_ODD)
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise Unreadable(_ODD)
    if path.stat().st_size > limits.most_bytes:
        raise limits.too_large()
    return path
