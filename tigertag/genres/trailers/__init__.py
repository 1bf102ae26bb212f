"""Trailers on YouTube and Vimeo, fetched for as long as they are looked at.

yt-dlp runs in a process of its own, which is watched, and never waited for too long.
"""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

from tigertag.errors import Unreadable, os_reason
from tigertag.genres.trailers.links import canonical, is_link
from tigertag.text import tidy

__all__ = ["TrailerLimits", "canonical", "fetched", "is_link"]

NO_EXTRA: Final = (
    "Trailers need the extra `trailers`; install it with: pip install 'tigertag[trailers]'."
)
CHILD: Final = (sys.executable, "-m", "tigertag.genres.trailers.child")
STOPPED: Final = "The work was stopped while the trailer was fetched; start again."
_NO_ANSWER: Final = "yt-dlp ended without an answer; update it, or take another link."
_POLL_S: Final = 0.1
_LONGEST_ANSWER: Final = 64 * 1024
_EXTRA_BYTES: Final = 16_000_000
"""Bytes that yt-dlp may need beside the video: parts of it, and the tables of those."""
_PASSED_ON: Final = {
    *("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH"),
}
_PROXIES: Final = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


@dataclass(frozen=True, slots=True)
class TrailerLimits:
    """The longest video, its largest file and pictures, and how long fetching may take."""

    longest_s: float = 900.0
    most_bytes: int = 200_000_000
    height_px: int = 480
    within_s: float = 180.0

    def too_large(self) -> Unreadable:
        size = f"{self.most_bytes / 1e6:g} MB"
        return Unreadable(f"The video is larger than {size}; it was not taken.")


@contextmanager
def fetched(
    link: str, *, cancelled: Callable[[], bool] = lambda: False, limits: TrailerLimits | None = None
) -> Iterator[Path]:
    """Yield the file of a trailer; it is gone when the block ends. See `canonical` for links.

    Raises `Unreadable`; `retryable` where another try may help.
    """
    address = canonical(link)
    if not _is_installed():
        raise Unreadable(NO_EXTRA)
    try:
        made = TemporaryDirectory(prefix="tigertag-trailer-", ignore_cleanup_errors=True)
    except OSError as exc:
        reason = os_reason(exc)
        raise Unreadable(f"There is no temporary folder for a trailer: {reason}.") from exc
    with made as folder:
        yield download(address, Path(folder), limits or TrailerLimits(), cancelled=cancelled)


def _is_installed() -> bool:
    try:
        return find_spec("yt_dlp") is not None
    except (ImportError, ValueError):  # Whoever finds modules may say so in these ways, too.
        return False


def download(
    link: str,
    folder: Path,
    limits: TrailerLimits,
    *,
    cancelled: Callable[[], bool],
    command: Sequence[str] = CHILD,
) -> Path:
    """Let a child download the video of a `canonical` link into the folder; return its file.

    It is killed, with all that it has started, when it takes too long or too much space, or is
    `cancelled`. Raises `Unreadable`, also for an answer that makes no sense.
    """
    deadline = monotonic() + limits.within_s
    task = {"link": link, "folder": str(folder), "limits": asdict(limits)}
    with _started(command, folder) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # It has died already: then it answers nothing, either.
            process.stdin.write(json.dumps(task).encode() + b"\n")
        answer = b""
        for part in _parts(process):
            answer += part
            _check(answer, folder, limits, deadline=deadline, cancelled=cancelled)
    return _file(_read(answer), folder, limits)


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
    """Pass on none of TigerTag's settings, and no plugins of yt-dlp's."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.upper() in _PROXIES
    }
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    own = {"HOME": str(folder), "PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "YTDLP_NO_PLUGINS": "1"}
    return passed | own


def _parts(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """Yield its answer until that is whole; b"" when nothing comes for a moment."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not ready.select(_POLL_S):
                yield b""
                continue
            part = os.read(process.stdout.fileno(), _LONGEST_ANSWER)
            if not part:
                return
            yield part


def _check(
    answer: bytes,
    folder: Path,
    limits: TrailerLimits,
    *,
    deadline: float,
    cancelled: Callable[[], bool],
) -> None:
    if cancelled():
        raise Unreadable(STOPPED, retryable=True)
    if monotonic() > deadline:
        late = f"The trailer was not there after {limits.within_s:g} s; try again later."
        raise Unreadable(late, retryable=True)
    if len(answer) > _LONGEST_ANSWER:
        raise Unreadable(_NO_ANSWER)
    if _taken_bytes(folder) > limits.most_bytes + _EXTRA_BYTES:
        raise limits.too_large()


def _taken_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # What is being renamed counts the next time.
            total += path.lstat().st_size
    return total


def _read(data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise Unreadable(_NO_ANSWER) from exc
    if not isinstance(answer, dict):
        raise Unreadable(_NO_ANSWER)
    if isinstance(answer.get("problem"), str):
        raise Unreadable(tidy(answer["problem"]), retryable=answer.get("retryable") is True)
    return answer


def _file(answer: dict[str, Any], folder: Path, limits: TrailerLimits) -> Path:
    name = answer.get("file")
    path = folder / name if isinstance(name, str) and name == Path(name).name else None
    if path is None or path.is_symlink() or not path.is_file():
        raise Unreadable(_NO_ANSWER)
    if path.stat().st_size > limits.most_bytes:
        raise limits.too_large()
    return path
