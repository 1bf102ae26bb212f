"""What is wrong with a file that is not read as a video, in one line."""

import io

from tigertag.errors import ItemError, ItemGone, Unreadable, os_reason
from tigertag.media import formats

NO_EXTRA = "Videos need the extra `video`; install it with: pip install 'tigertag[video]'."
NO_FRAME = "There is not one frame in this video that can be decoded."
NO_VIDEO = "There is no video in this file."
ONLY_SOUND = "There is no video in this file, only sound."
PROTECTED = "This video is protected (DRM): it cannot be decoded without its key."
UNKNOWN_CODEC = (
    "This video is protected (DRM), or stored in a way that TigerTag's decoder does not know."
)
STOPPED = "The work was stopped while it was read; scan again."

_BROKEN = "The video is broken or cut short, and cannot be decoded."
_UNKNOWN = "This is not a video in a format that TigerTag reads."
_PICTURE = "This is a picture, not a video; its name has the wrong ending."
_UNFINISHED = "The video is cut short or was never finished: the table of its frames is missing."
# What an ISO base media file may begin with (ISO/IEC 14496-12, 4.2 and annex of QuickTime).
_BOXES = {b"ftyp", b"mdat", b"moov", b"wide", b"free", b"skip", b"styp"}
# Matroska, FLV, Ogg, MPEG program streams, ASF.
_VIDEOS = (b"\x1a\x45\xdf\xa3", b"FLV\x01", b"OggS", b"\0\0\x01\xba", b"\x30\x26\xb2\x75")


def from_disk(exc: OSError) -> ItemError:
    """Return what is raised for an error of a file or of what is beneath a stream."""
    if isinstance(exc, FileNotFoundError | NotADirectoryError):
        return ItemGone("The file is no longer there.")
    if isinstance(exc, PermissionError):
        reason = f"TigerTag is not permitted to read the file: {os_reason(exc)}."
        return Unreadable(reason, retryable=True)
    return Unreadable(f"The file could not be read: {os_reason(exc)}.", retryable=True)


def from_decoder(exc: Exception) -> ItemError:
    """Return what is raised for an error of FFmpeg. The disk's errors it does not see: `Tap` does.

    That it calls an error one of input and output, says only that what it read makes no sense.
    """
    if isinstance(exc, MemoryError):
        return Unreadable("There is not enough memory for it now.", retryable=True)
    return Unreadable(_BROKEN)


def from_head(head: bytes) -> Unreadable:
    """Return why a file with this beginning could not be opened as a video."""
    if not head:
        return Unreadable("The file is empty.")
    if _is_picture(head):
        return Unreadable(_PICTURE)
    if head[4:8] in _BOXES:
        return Unreadable(_UNFINISHED)
    return Unreadable(_BROKEN if head.startswith(_VIDEOS) else _UNKNOWN)


def _is_picture(head: bytes) -> bool:
    try:
        formats.decoder(io.BytesIO(head))
    except Unreadable:
        return False
    return True
