"""Opening a video, wherever it is."""

import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from tigertag.contracts import Source
from tigertag.errors import ItemError, TigerTagError, Unreadable
from tigertag.media.video import faults
from tigertag.media.video.film import Film
from tigertag.media.video.tap import Tap
from tigertag.media.video.timed import Timed
from tigertag.media.video.track import Track
from tigertag.media.video.untimed import Untimed

# Containers of videos. Others are not tried: FFmpeg also reads play lists, which would make it
# open other files and addresses, and it makes videos of pictures and text.
_CONTAINERS = (
    *("mov", "matroska", "mpegts", "mpeg", "avi", "asf", "flv", "live_flv", "ogg", "gif", "mxf"),
    *("h264", "hevc", "obu", "ivf", "m4v", "mpegvideo", "vc1", "rm", "nut", "dv", "wtv"),
)
_OPTIONS = {"format_whitelist": ",".join(_CONTAINERS), "protocol_whitelist": "file"}
_HEAD_BYTES = 128
_READ_BYTES = 64 * 1024
_NOT_FILM = Disposition.attached_pic | Disposition.timed_thumbnails
_MOST_PX = 68_000_000
_MOST_THREADS = 4
_LARGE_PX, _HUGE_PX = 2_500_000, 10_000_000


@contextmanager
def opened(source: Source, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Film]:
    """Open a video.

    Raises `Unreadable`, its message one line that does not name the file, and `ItemGone`; of a
    stream also what the stream raises.
    """
    input_ = source if isinstance(source, Path | bytes) else Tap(source)
    tap = input_ if isinstance(input_, Tap) else None
    try:
        with ExitStack() as stack:
            yield _film(_container(input_, stack), cancelled)
    except (av.FFmpegError, ItemError, OSError, MemoryError) as exc:
        raise (_failure(tap) or _mapped(exc)) from exc
    if failure := _failure(tap):
        raise failure


def _failure(tap: Tap | None) -> TigerTagError | None:
    return None if tap is None or tap.failure is None else faults.from_error(tap.failure)


def _mapped(exc: Exception) -> TigerTagError:
    return faults.from_decoder(exc) if isinstance(exc, av.FFmpegError) else faults.from_error(exc)


def _container(source: Path | bytes | Tap, stack: ExitStack) -> InputContainer:
    file: BinaryIO | Tap = source if isinstance(source, Tap) else stack.enter_context(_file(source))
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    target = _address(source) if isinstance(source, Path) else None
    try:
        opened = av.open(
            target or file,
            mode="r",
            container_options=_OPTIONS,
            metadata_errors="replace",
            buffer_size=_READ_BYTES,
        )
    except (av.error.InvalidDataError, av.error.ArgumentError, av.error.EOFError) as exc:
        raise faults.from_head(head) from exc
    return stack.enter_context(opened)


def _file(source: Path | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    # A pipe or a device would block or never end.
    if not stat.S_ISREG(os.stat(source).st_mode):
        raise Unreadable("This is not a regular file.")
    return source.open("rb")


def _address(path: Path) -> str | None:
    """Return the name that FFmpeg opens without Python; None where it cannot be given one."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return None
    return f"file:{path}"


def _film(container: InputContainer, cancelled: Callable[[], bool]) -> Film:
    stream = _video(container)
    pixels = stream.codec_context.width * stream.codec_context.height
    if pixels > _MOST_PX:
        raise Unreadable(
            f"The video is too large to be decoded safely: {stream.codec_context.width} x "
            f"{stream.codec_context.height} pixels."
        )
    for other in container.streams:
        other.discard = Discard.default if other is stream else Discard.all
    stream.codec_context.thread_type = "AUTO"
    stream.codec_context.thread_count = _threads(pixels)
    return Film(stream, _track(container, stream), cancelled)


def _threads(pixels: int) -> int:
    """How many frames are decoded side by side: each takes memory."""
    most = 1 if pixels > _HUGE_PX else 2 if pixels > _LARGE_PX else _MOST_THREADS
    return min(most, len(os.sched_getaffinity(0)))


def _video(container: InputContainer) -> VideoStream:
    """Return the stream that is the video, the largest of them. Raises `Unreadable`."""
    streams = [one for one in container.streams.video if not one.disposition & _NOT_FILM]
    if not streams:
        raise Unreadable(faults.ONLY_SOUND if container.streams.audio else faults.NO_VIDEO)
    known = [one for one in streams if one.codec_context is not None]
    if not known:
        raise Unreadable(faults.UNKNOWN_CODEC)
    return max(known, key=lambda one: one.codec_context.width * one.codec_context.height)


def _track(container: InputContainer, stream: VideoStream) -> Track:
    first = next((one for one in container.demux(stream) if one.size), None)
    if first is None:
        raise Unreadable(faults.NO_FRAME)
    if first.has_sidedata("encryption_info"):
        raise Unreadable(faults.PROTECTED)
    if first.pts is None and first.dts is None:
        return Untimed(container, stream)
    return Timed(container, stream, first)
