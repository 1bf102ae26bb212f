"""One video, downloaded by yt-dlp with all its doors shut. Only the child process imports this."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import DownloadCancelled, YoutubeDLError

from tigertag.errors import Unreadable
from tigertag.genres.trailers import faults
from tigertag.genres.trailers.limits import Limits

_UNFINISHED = {".part", ".ytdl", ".temp"}
_LIVE = {"is_live", "is_upcoming", "post_live"}
_TOO_LARGE = "larger than max-filesize"


def download(
    link: str, folder: Path, limits: Limits, extractors: Iterable[InfoExtractor] = ()
) -> str:
    """Download the video of a `canonical` link into the folder; return its file's name.

    `extractors` stand in place of yt-dlp's own of the same name. Raises `Unreadable`.
    """
    guard = _Guard(limits)
    try:
        with YoutubeDL(_options(folder, limits, guard)) as loader:
            for one in extractors:
                loader.add_info_extractor(one)
            loader.extract_info(link)
    except YoutubeDLError as exc:
        raise (guard.refusal or faults.from_yt_dlp(exc)) from exc
    except OSError as exc:
        raise faults.from_disk(exc) from exc
    if guard.refusal:
        raise guard.refusal
    return _downloaded(folder)


def _options(folder: Path, limits: Limits, guard: "_Guard") -> dict[str, Any]:
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
    """Refuses a video by what is said of it, and while it comes; hears what yt-dlp says."""

    def __init__(self, limits: Limits) -> None:
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

    def debug(self, said: str) -> None:
        if _TOO_LARGE in said:
            self.refusal = self._limits.too_large()

    def info(self, said: str) -> None: ...

    def warning(self, said: str) -> None: ...

    def error(self, said: str) -> None: ...


def _downloaded(folder: Path) -> str:
    names = [
        one.name for one in folder.iterdir() if one.is_file() and one.suffix not in _UNFINISHED
    ]
    if len(names) != 1:
        raise Unreadable("yt-dlp brought no video.")
    return names[0]
