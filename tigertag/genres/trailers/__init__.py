"""Trailers on YouTube and Vimeo, fetched for as long as they are looked at.

yt-dlp runs in a process of its own, which is watched, and never waited for too long.
"""

import json
import os
import re
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
from urllib.parse import SplitResult, parse_qs, urlsplit

from tigertag.errors import Unreadable, os_reason
from tigertag.text import tidy

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

_WANTED = "give the https:// link of one video on YouTube or Vimeo."
_LONGEST = 2000

_YOUTUBE = {"youtube.com", "www.youtube.com", "m.youtube.com", "www.youtube-nocookie.com"}
_SHORT = {"youtu.be", "www.youtu.be"}
_VIMEO = {"vimeo.com", "www.vimeo.com", "player.vimeo.com"}
_HOSTS = _YOUTUBE | _SHORT | _VIMEO

_SCHEME = re.compile(r"\W*[a-z][a-z0-9+.-]*://|(data|file|ftp|https?|javascript):", re.IGNORECASE)
_HOST = re.compile("|".join(rf"{re.escape(host)}/" for host in sorted(_HOSTS)), re.IGNORECASE)
_PRINTABLE = re.compile(r"[!-~]+")
_AUTHORITY = re.compile(r"@|:\d*$")
_ID = re.compile(r"[\w-]{11}", re.ASCII)
_OF_ONE = re.compile(r"/(?:shorts|embed|live|v)/(?P<id>[\w-]{11})/?", re.ASCII)
_ALBUM = r"(?:(?:album|channels|groups|showcase)/[^/]+/)?(?:videos?/)?"
_CLIP = re.compile(rf"/{_ALBUM}(?P<id>\d{{1,20}})(?:/(?P<hash>[\da-f]{{10}}))?/?", re.ASCII)
_HASH = re.compile(r"[\da-f]{10}", re.ASCII)
_LISTS = ("/playlist", "/embed/videoseries", "/album/", "/channels/", "/groups/", "/showcase/")


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
        for part in _answer_parts(process):
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


def _answer_parts(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
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


def is_link(text: str) -> bool:
    """Tell whether this is meant as a link rather than as the path of a file.

    It is with any scheme, or with a host of YouTube or Vimeo in front: `canonical` says what is
    wrong with it.
    """
    return _SCHEME.match(text) is not None or _HOST.match(text) is not None


def canonical(link: str) -> str:
    """Return the one spelling of a link of one video, without list, time and tracking.

    Raises `Unreadable` for a scheme that is not https, a host that is not known (so for every
    private address), a user, a password, a port, and what is not one video.
    """
    parts = _parts(link)
    host = parts.netloc.casefold()
    if host in _YOUTUBE:
        return _youtube(_youtube_id(parts), parts)
    if host in _SHORT:
        return _youtube(parts.path.strip("/"), parts)
    return _vimeo(parts)


def _parts(link: str) -> SplitResult:
    if link.startswith("-"):
        raise Unreadable(f"A link does not begin with a dash; {_WANTED}")
    if len(link) > _LONGEST or "\\" in link or not _PRINTABLE.fullmatch(link):
        raise Unreadable(f"The link has blanks or other characters that no link has; {_WANTED}")
    try:
        parts = urlsplit(link)
    except ValueError as exc:
        raise Unreadable(f"The link cannot be read; {_WANTED}") from exc
    if not parts.scheme and _HOST.match(link):
        raise Unreadable(f"The link has no https:// before it; {_WANTED}")
    if parts.scheme != "https":
        raise Unreadable(f"Only https:// links are opened; {_WANTED}")
    if _AUTHORITY.search(parts.netloc):
        raise Unreadable(f"A link with a user, a password or a port is not opened; {_WANTED}")
    if parts.netloc.casefold() not in _HOSTS:
        raise Unreadable(f"Only links to YouTube and Vimeo are opened; {_WANTED}")
    return parts


def _youtube_id(parts: SplitResult) -> str:
    if parts.path.rstrip("/") == "/watch":
        return _query(parts, "v")
    match = _OF_ONE.fullmatch(parts.path)
    return match["id"] if match and not parts.path.startswith(_LISTS) else ""


def _youtube(video: str, parts: SplitResult) -> str:
    if not _ID.fullmatch(video):
        raise _no_video(parts)
    return f"https://www.youtube.com/watch?v={video}"


def _vimeo(parts: SplitResult) -> str:
    match = _CLIP.fullmatch(parts.path)
    if not match:
        raise _no_video(parts)
    unlisted = match["hash"] or _query(parts, "h")
    if unlisted and not _HASH.fullmatch(unlisted):
        raise _no_video(parts)
    # Its own pages are shown to yt-dlp only with an account (yt-dlp's issues 15281, 17631).
    ending = f"?h={unlisted}" if unlisted else ""
    return f"https://player.vimeo.com/video/{match['id']}{ending}"


def _query(parts: SplitResult, name: str) -> str:
    """Return what the query has of this name; what it has twice is no id, and no id has a blank."""
    return " ".join(parse_qs(parts.query, keep_blank_values=True).get(name, ()))


def _no_video(parts: SplitResult) -> Unreadable:
    is_list = parts.path.startswith(_LISTS) or "list=" in parts.query
    what = "a playlist" if is_list else "a channel or another page"
    return Unreadable(f"The link is of {what}, not of one video; {_WANTED}")
