"""Opening a video, wherever it is, and what is wrong with a file that cannot be read as one."""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from tigertag.contracts import Source, Stream
from tigertag.errors import ItemError, Unreadable
from tigertag.media import files
from tigertag.media.video.decoder import VideoDecoder, threads_for
from tigertag.media.video.selection import NO_FRAME
from tigertag.media.video.tracks import TimedTrack, Track, UntimedTrack

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

_UNKNOWN_CODEC = (
    "This video is protected (DRM), or stored in a way that TigerTag's decoder does not know."
)
_BROKEN = "The video is broken or cut short, and cannot be decoded."
# What an ISO base media file may begin with (ISO/IEC 14496-12, 4.2 and annex of QuickTime).
_BOXES = {b"ftyp", b"mdat", b"moov", b"wide", b"free", b"skip", b"styp"}
# Matroska, FLV, Ogg, MPEG program streams, ASF.
_VIDEOS = (b"\x1a\x45\xdf\xa3", b"FLV\x01", b"OggS", b"\0\0\x01\xba", b"\x30\x26\xb2\x75")


@contextmanager
def opened(
    video: Source, cancelled: Callable[[], bool] = lambda: False, *, threads: int | None = None
) -> Iterator[VideoDecoder]:
    """Open a video, to be decoded by so many threads, or as many as fit.

    Raises `Unreadable`, its message one line that does not name the file, and `ItemGone`; of a
    stream also what the stream raises.
    """
    with ExitStack() as stack:
        adapter = StreamAdapter(stack.enter_context(files.opened(video)))
        try:
            container = stack.enter_context(_container(adapter))
            yield _decoder(container, cancelled, threads)
        except ItemError as exc:
            if adapter.failure is None:
                raise
            raise adapter.failure from exc
        except (av.FFmpegError, MemoryError) as exc:
            raise adapter.failure or _decoder_error(exc) from exc
    if adapter.failure is not None:
        raise adapter.failure


class StreamAdapter:
    """A stream as PyAV reads it, up to its first failure; from there on it seems to end.

    PyAV reads inside of C code, where an error would be lost or printed, also that of a bug in the
    library: it is kept in `failure`.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int) -> bytes:
        if self.failure is not None:
            return b""
        try:
            return self._stream.read(size)[:size]
        except Exception as exc:
            self.failure = _failure(exc)
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self.failure is None:
            try:
                return self._stream.seek(offset, whence)
            except Exception as exc:
                self.failure = _failure(exc)
        return max(0, offset)

    def tell(self) -> int:
        return 0 if self.failure is not None else self._stream.tell()


def _failure(exc: Exception) -> Exception:
    return files.disk_error(exc) if isinstance(exc, OSError) else exc


def _container(adapter: StreamAdapter) -> InputContainer:
    head = adapter.read(_HEAD_BYTES)
    adapter.seek(0)
    try:
        return av.open(
            adapter,
            mode="r",
            container_options=_OPTIONS,
            metadata_errors="replace",
            buffer_size=_READ_BYTES,
        )
    except av.error.MemoryError:
        raise
    except av.FFmpegError as exc:
        raise _head_error(head) from exc


def _decoder(
    container: InputContainer, cancelled: Callable[[], bool], threads: int | None
) -> VideoDecoder:
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
    stream.codec_context.thread_count = threads or threads_for(pixels)
    return VideoDecoder(stream, _track(container, stream), cancelled)


def _video(container: InputContainer) -> VideoStream:
    """Return the stream that is the video, the largest of them. Raises `Unreadable`."""
    streams = [stream for stream in container.streams.video if not stream.disposition & _NOT_FILM]
    if not streams:
        raise Unreadable(
            "There is no video in this file, only sound."
            if container.streams.audio
            else "There is no video in this file."
        )
    decodable = [stream for stream in streams if stream.codec_context is not None]
    if not decodable:
        raise Unreadable(_UNKNOWN_CODEC)
    return max(
        decodable, key=lambda stream: stream.codec_context.width * stream.codec_context.height
    )


def _track(container: InputContainer, stream: VideoStream) -> Track:
    first = next((packet for packet in container.demux(stream) if packet.size), None)
    if first is None:
        raise Unreadable(NO_FRAME)
    if first.has_sidedata("encryption_info"):
        raise Unreadable("This video is protected (DRM): it cannot be decoded without its key.")
    if first.pts is None and first.dts is None:
        return UntimedTrack(container, stream)
    return TimedTrack(container, stream, first)


def _decoder_error(exc: Exception) -> ItemError:
    """Return what is raised for an error of FFmpeg.

    FFmpeg does not see the disk's errors, `StreamAdapter` does: one that it calls an error of input
    and output says only that what it read makes no sense.
    """
    if isinstance(exc, MemoryError):
        return Unreadable("There is not enough memory for it now.", retryable=True)
    return Unreadable(_BROKEN)


def _head_error(head: bytes) -> Unreadable:
    """Return why a file with this beginning could not be opened as a video."""
    if not head:
        return Unreadable("The file is empty.")
    if _is_picture(head):
        return Unreadable("This is a picture, not a video; its name has the wrong ending.")
    if head[4:8] in _BOXES:
        return Unreadable(
            "The video is cut short or was never finished: the table of its frames is missing."
        )
    return Unreadable(
        _BROKEN
        if head.startswith(_VIDEOS)
        else "This is not a video in a format that TigerTag reads."
    )


def _is_picture(head: bytes) -> bool:
    try:
        files.decoder(io.BytesIO(head))
    except Unreadable:
        return False
    return True
