"""The header of an MP4 or QuickTime file that stands at its end (ISO/IEC 14496-12).

Cameras and phones write the pictures as they come and the header, `moov`, last: what such a file
says of itself is in its last kilobytes, and a program that edits for streaming puts it first.
"""

_TYPE = b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "
_BOX_BYTES = 8
# The first box in a `moov` is the `mvhd`, so that these letters in a picture are no header.
_FIRST_CHILD = slice(12, 16)


def last_header(tail: bytes) -> bytes:
    """Return the header in the last bytes of a file, as a file of its own; b"" if it is not there.

    It is there where the boxes from it on reach exactly to the end of the file.
    """
    found = tail.rfind(b"moov")
    while found >= 0:
        start = found - 4
        if start >= 0 and tail[start:][_FIRST_CHILD] == b"mvhd" and _reaches_end(tail, start):
            return _TYPE + tail[start : start + _box_bytes(tail, start)]
        found = tail.rfind(b"moov", 0, found)
    return b""


def _reaches_end(tail: bytes, start: int) -> bool:
    while start < len(tail):
        size_bytes = _box_bytes(tail, start)
        if size_bytes < _BOX_BYTES:
            return False
        start += size_bytes
    return start == len(tail)


def _box_bytes(tail: bytes, start: int) -> int:
    return int.from_bytes(tail[start : start + 4], "big")
