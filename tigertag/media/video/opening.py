"""Opening a video, wherever it is."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from tigertag.contracts import Source
from tigertag.errors import ItemError, Unreadable
from tigertag.media.source import opened as opened_source
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
_OPTIONS = {"format_whitelist": ",".join(_CONTAINERS), "protocol_whitelist": "none"}
_HEAD_BYTES = 128
_READ_BYTES = 64 * 1024
_NOT_FILM = Disposition.attached_pic | Disposition.timed_thumbnails
_MOST_PX = 68_000_000
_MOST_THREADS = 4
_LARGE_PX, _HUGE_PX = 2_500_000, 10_000_000


@contextmanager
def opened(
    source: Source, cancelled: Callable[[], bool] = lambda: False, *, threads: int | None = None
) -> Iterator[Film]:
    """Open a video, to be decoded by so many threads, or as many as fit.

    Raises `Unreadable`, its message one line that does not name the file, and `ItemGone`; of a
    stream also what the stream raises.
    """
    with ExitStack() as stack:
        try:
            tap = Tap(stack.enter_context(opened_source(source)))
        except OSError as exc:
            raise faults.from_disk(exc) from exc
        try:
            yield _film(stack.enter_context(_container(tap)), cancelled, threads)
        except (av.FFmpegError, ItemError, MemoryError) as exc:
            error = tap.failure or (exc if isinstance(exc, ItemError) else faults.from_decoder(exc))
            if error is exc:
                raise
            raise error from exc
    if tap.failure is not None:
        raise tap.failure


def _container(tap: Tap) -> InputContainer:
    head = tap.read(_HEAD_BYTES)
    tap.seek(0)
    try:
        return av.open(
            tap,
            mode="r",
            container_options=_OPTIONS,
            metadata_errors="replace",
            buffer_size=_READ_BYTES,
        )
    except av.error.MemoryError:
        raise
    except av.FFmpegError as exc:
        raise faults.from_head(head) from exc


def _film(container: InputContainer, cancelled: Callable[[], bool], threads: int | None) -> Film:
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
    stream.codec_context.thread_count = threads or side_by_side(pixels)
    return Film(stream, _track(container, stream), cancelled)


def side_by_side(pixels: int) -> int:
    """How many frames of that size are decoded at once: each takes memory."""
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
