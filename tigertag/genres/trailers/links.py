"""Links of one video on YouTube or Vimeo, recognised without opening them."""

import re
from urllib.parse import SplitResult, parse_qs, urlsplit

from tigertag.errors import Unreadable

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
    found = _OF_ONE.fullmatch(parts.path)
    return found["id"] if found and not parts.path.startswith(_LISTS) else ""


def _youtube(video: str, parts: SplitResult) -> str:
    if not _ID.fullmatch(video):
        raise _no_video(parts)
    return f"https://www.youtube.com/watch?v={video}"


def _vimeo(parts: SplitResult) -> str:
    found = _CLIP.fullmatch(parts.path)
    if not found:
        raise _no_video(parts)
    unlisted = found["hash"] or _query(parts, "h")
    if unlisted and not _HASH.fullmatch(unlisted):
        raise _no_video(parts)
    # Its own pages are shown to yt-dlp only with an account (yt-dlp's issues 15281, 17631).
    ending = f"?h={unlisted}" if unlisted else ""
    return f"https://player.vimeo.com/video/{found['id']}{ending}"


def _query(parts: SplitResult, name: str) -> str:
    """Return what the query has of this name; what it has twice is no id, and no id has a blank."""
    return " ".join(parse_qs(parts.query, keep_blank_values=True).get(name, ()))


def _no_video(parts: SplitResult) -> Unreadable:
    is_list = parts.path.startswith(_LISTS) or "list=" in parts.query
    what = "a playlist" if is_list else "a channel or another page"
    return Unreadable(f"The link is of {what}, not of one video; {_WANTED}")
