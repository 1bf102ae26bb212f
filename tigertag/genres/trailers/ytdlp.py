"""One video, downloaded by yt-dlp, restricted to that. Only the child process imports this.

An error is one line, without the query of a link, paths or colours.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import DownloadCancelled, YoutubeDLError

from tigertag.errors import Unreadable, os_reason
from tigertag.genres.trailers import TrailerLimits
from tigertag.text import bare_url, one_line, tidy

_UNFINISHED = {".part", ".ytdl", ".temp"}
_LIVE = {"is_live", "is_upcoming", "post_live"}
_TOO_LARGE = "larger than max-filesize"
_UPDATE = "update yt-dlp if other videos fail, too."

_WAIT = "The site asks to wait; try again later."
_NOT_YET = "The video is not there yet."
_NO_SPACE = "There is no space left for it in the temporary folder."
_RETRYABLE = {_WAIT, _NOT_YET, _NO_SPACE}
# Of what yt-dlp says, the first pattern that is found decides.
_KNOWN = {
    "not a bot|too many requests|rate.?limit|try(?:ing)? again|check back|temporar": _WAIT,
    "confirm your age|age.restricted": "The video is for adults who have signed in.",
    "private video|video is private": "The video is private.",
    "members.only|join this channel": "The video is for members of its channel only.",
    r"\bpassword": "The video is protected by a password.",
    "premieres? in|event will begin|is upcoming|offline|processing": _NOT_YET,
    "in your country|your location|geo.?restrict": "The video is not shown in this place.",
    "embed.only|privacy settings": (
        "Vimeo shows the video only on some other site's pages, or only on its own."
    ),
    "client only works when|tls fingerprint|turnstile": (
        f"The site shows nothing to yt-dlp now; {_UPDATE}"
    ),
    r"\bdrm\b": "The video is protected (DRM).",
    r"\blog ?in|sign in|logged.in": "The video needs an account.",
    "removed|terminated|no longer|not exist|deleted|unavailable": "The video is gone.",
    "format is not available|no video formats": (
        "No small version of it was found; see docs/trailers.md."
    ),
    "forbidden|http error 4": f"The site refused it; {_UPDATE}",
    "no suitable extractor|unsupported url": "This is no link of a single video.",
    "no space left": _NO_SPACE,
}
_STATUSES = {
    404: "The video is gone.",
    410: "The video is gone.",
    429: "The site asks to wait (HTTP 429); try again later.",
}
_UNREACHABLE = "YouTube or Vimeo could not be reached; try again later."

# After its last try the downloader keeps the words of an error alone.
_STATUS = re.compile(r"HTTP Error (\d{3})")
_CUT_OFF = "Got error: "
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_HEAD = re.compile(r"^(?:ERROR: ?)?(?:\[[\w:]+\] )?(?:[\w-]+: )?")
_ADVICE = re.compile(r"[;.,]? *(?:please report this|Confirm you are on|Use --|See  ?https?:|\().*")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w:/.])(?:/[^\s/'\":,;]+)+/?")


def download(
    link: str, folder: Path, limits: TrailerLimits, extractors: Iterable[InfoExtractor] = ()
) -> str:
    """Download the video of a `canonical` link into the folder; return its file's name.

    `extractors` stand in place of yt-dlp's own of the same name. Raises `Unreadable`.
    """
    guard = _Guard(limits)
    try:
        with YoutubeDL(_options(folder, limits, guard)) as loader:
            for extractor in extractors:
                loader.add_info_extractor(extractor)
            loader.extract_info(link)
    except YoutubeDLError as exc:
        raise (guard.refusal or from_yt_dlp(exc)) from exc
    except OSError as exc:
        raise Unreadable(
            f"The trailer could not be kept for a moment: {os_reason(exc)}.", retryable=True
        ) from exc
    if guard.refusal:
        raise guard.refusal
    return _downloaded(folder)


def _options(folder: Path, limits: TrailerLimits, guard: "_Guard") -> dict[str, Any]:
    height = f"[height<={limits.height_px}]"
    return {
        "allowed_extractors": ["youtube", "vimeo"],
        "noplaylist": True,
        "playlist_items": "1",
        "match_filter": guard.match,
        "progress_hooks": [guard.advanced],
        "logger": guard,
        "max_filesize": limits.most_bytes,
        "format": f"bv*{height}/b{height}",
        "paths": {"home": str(folder)},
        "outtmpl": "%(id)s.%(ext)s",
        "restrictfilenames": True,
        "updatetime": False,
        "cachedir": False,
        "socket_timeout": 15,
        "retries": 3,
        "fragment_retries": 3,
        "skip_unavailable_fragments": False,
        "quiet": True,
        "noprogress": True,
        "color": "never",
        # There is no ffmpeg in here: what cannot be downloaded by yt-dlp itself is not.
        "external_downloader": "native",
        "ffmpeg_location": str(folder),
        "fixup": "never",
    }


class _Guard:
    """Refuses a video by its metadata, and while it is downloaded; listens to yt-dlp's log."""

    def __init__(self, limits: TrailerLimits) -> None:
        self.refusal: Unreadable | None = None
        self._limits = limits

    def match(self, info: dict[str, Any], *, incomplete: object) -> str | None:
        """See `match_filter` of yt-dlp: what is returned is why the video is left alone."""
        reason = self._reason(info, incomplete=incomplete)
        if reason:
            self.refusal = Unreadable(reason)
        return reason or None

    def _reason(self, info: dict[str, Any], *, incomplete: object) -> str:
        if info.get("is_live") or info.get("live_status") in _LIVE:
            return "The video is a live stream, or will be one; only finished videos are taken."
        length_s = info.get("duration")
        if length_s is None:
            return "" if incomplete else "It is not known how long the video is; it was not taken."
        if length_s > self._limits.longest_s:
            most = f"{self._limits.longest_s / 60:g} minutes"
            return f"The video is {length_s / 60:.0f} minutes long; trailers of {most} are taken."
        return ""

    def advanced(self, progress: dict[str, Any]) -> None:
        """See `progress_hooks` of yt-dlp. Raises what ends the download."""
        if (progress.get("downloaded_bytes") or 0) > self._limits.most_bytes:
            self.refusal = self._limits.too_large()
            raise DownloadCancelled(str(self.refusal))

    def debug(self, line: str) -> None:
        if _TOO_LARGE in line:
            self.refusal = self._limits.too_large()

    def info(self, line: str) -> None: ...

    def warning(self, line: str) -> None: ...

    def error(self, line: str) -> None: ...


def _downloaded(folder: Path) -> str:
    names = [
        path.name for path in folder.iterdir() if path.is_file() and path.suffix not in _UNFINISHED
    ]
    if len(names) != 1:
        raise Unreadable("yt-dlp brought no video.")
    return names[0]


def from_yt_dlp(exc: BaseException) -> Unreadable:
    status, is_cut_off = _network(exc)
    if is_cut_off:
        return Unreadable(_UNREACHABLE, retryable=True)
    if status in _STATUSES:
        return Unreadable(_STATUSES[status], retryable=status == 429)
    if status >= 500:
        return Unreadable(f"The site failed (HTTP {status}); try again later.", retryable=True)
    message = _tidied(str(exc))
    for pattern, line in _KNOWN.items():
        if re.search(pattern, message, re.IGNORECASE):
            return Unreadable(line, retryable=line in _RETRYABLE)
    return Unreadable(f"yt-dlp could not take the video: {message}; {_UPDATE}")


def _network(exc: BaseException) -> tuple[int, bool]:
    """The HTTP status that it is about, 0 if none, and whether there was no answer at all."""
    for cause in _causes(exc):
        if isinstance(cause, HTTPError):
            return int(cause.status), False
        if isinstance(cause, TransportError):
            return 0, True
    match = _STATUS.search(str(exc))
    return int(match[1]) if match else 0, match is None and _CUT_OFF in str(exc)


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it: yt-dlp keeps that in fields of its own."""
    seen: list[BaseException] = []
    rest = [exc]
    while rest:
        error = rest.pop()
        if error is None or any(error is other for other in seen):
            continue
        seen.append(error)
        yield error
        original = (getattr(error, "exc_info", None) or (None, None))[1]
        rest += [getattr(error, "cause", None), error.__cause__, original]


def _tidied(message: str) -> str:
    plain = _HEAD.sub("", one_line(_COLOUR.sub("", message)))
    short = _ADVICE.sub("", plain)
    bare = _URL.sub(lambda url: bare_url(url[0]), short)
    return tidy(_PATH.sub("…", bare)).rstrip(".:;, ") or "it does not say why"
