"""Why there is no trailer, in one line. It bears no query of a link, no path, no colours."""

import re
from collections.abc import Iterator

from yt_dlp.networking.exceptions import HTTPError, TransportError

from tigertag.errors import Unreadable, os_reason
from tigertag.text import bare_url, one_line, tidy

_UPDATE = "update yt-dlp if other videos fail, too."

_KNOWN = (
    (
        "not a bot|too many requests|rate.?limit|try(?:ing)? again|check back|temporar",
        "The site asks to wait; try again later.",
        True,
    ),
    ("confirm your age|age.restricted", "The video is for adults who have signed in.", False),
    ("private video|video is private", "The video is private.", False),
    ("members.only|join this channel", "The video is for members of its channel only.", False),
    (r"\bpassword", "The video is protected by a password.", False),
    (
        "premieres? in|event will begin|is upcoming|offline|processing",
        "The video is not there yet.",
        True,
    ),
    ("in your country|your location|geo.?restrict", "The video is not shown in this place.", False),
    (
        "embed.only|privacy settings",
        "Vimeo shows the video only on some other site's pages, or only on its own.",
        False,
    ),
    (
        "client only works when|tls fingerprint|turnstile",
        f"The site shows nothing to yt-dlp now; {_UPDATE}",
        False,
    ),
    (r"\bdrm\b", "The video is protected (DRM).", False),
    (r"\blog ?in|sign in|logged.in", "The video needs an account.", False),
    ("removed|terminated|no longer|not exist|deleted|unavailable", "The video is gone.", False),
    (
        "format is not available|no video formats",
        "No small version of it was found; see docs/trailers.md.",
        False,
    ),
    ("forbidden|http error 4", f"The site refused it; {_UPDATE}", False),
    ("no suitable extractor|unsupported url", "This is no link of a single video.", False),
    ("no space left", "There is no space left for it in the temporary folder.", True),
)
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


def from_yt_dlp(exc: BaseException) -> Unreadable:
    """Return what is raised for an error of yt-dlp's. No trailer: never more than that."""
    status, is_cut_off = _network(exc)
    if is_cut_off:
        return Unreadable(_UNREACHABLE, retryable=True)
    if status in _STATUSES:
        return Unreadable(_STATUSES[status], retryable=status == 429)
    if status >= 500:
        return Unreadable(f"The site failed (HTTP {status}); try again later.", retryable=True)
    said = _tidied(str(exc))
    for pattern, line, retryable in _KNOWN:
        if re.search(pattern, said, re.IGNORECASE):
            return Unreadable(line, retryable=retryable)
    return Unreadable(f"yt-dlp could not take the video: {said}; {_UPDATE}")


def _network(exc: BaseException) -> tuple[int, bool]:
    """The HTTP status that it is about, 0 if none, and whether there was no answer at all."""
    for cause in _causes(exc):
        if isinstance(cause, HTTPError):
            return int(cause.status), False
        if isinstance(cause, TransportError):
            return 0, True
    found = _STATUS.search(str(exc))
    return int(found[1]) if found else 0, found is None and _CUT_OFF in str(exc)


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it: yt-dlp keeps that in fields of its own."""
    seen: list[BaseException] = []
    rest = [exc]
    while rest:
        one = rest.pop()
        if one is None or any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        led = (getattr(one, "exc_info", None) or (None, None))[1]
        rest += [getattr(one, "cause", None), one.__cause__, led]


def _tidied(said: str) -> str:
    plain = _HEAD.sub("", one_line(_COLOUR.sub("", said)))
    short = _ADVICE.sub("", plain)
    bare = _URL.sub(lambda url: bare_url(url[0]), short)
    return tidy(_PATH.sub("…", bare)).rstrip(".:;, ") or "it does not say why"


def from_disk(exc: OSError) -> Unreadable:
    """Return what is raised when the temporary folder fails."""
    reason = os_reason(exc)
    return Unreadable(f"The trailer could not be kept for a moment: {reason}.", retryable=True)
