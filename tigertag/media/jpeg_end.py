"""A JPEG that lacks its last marker (EOI), and nothing else, is whole."""

import io
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO

from PIL.JpegImagePlugin import JpegImageFile

_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
# Entropy-coded data for each restart interval. Where picture data are missing libjpeg decodes
# these; where none are, it passes over them (ITU-T T.81, B.1.1: any bytes up to the next marker).
_FILLINGS = (b"\xaa" * 64, b"\x55" * 64)
_STRIP_PX = 256


def completed(stream: BinaryIO) -> BinaryIO | None:
    """Return the file with its last marker; None where more than that is missing.

    What follows the data changes no pixel of a picture whose data are all there. A progressive file
    that ends exactly between two of its scans cannot be told from one that is whole.
    """
    stream.seek(0)
    data = stream.read().rstrip(b"\xff")
    shown = _pixels(data + _END)
    due = _restart_due(data)
    if any(_pixels(data + _more(filling, due) + _END) != shown for filling in _FILLINGS):
        return None
    return io.BytesIO(data + _END)


def _restart_due(data: bytes) -> int:
    """The number of the restart marker that comes next. libjpeg passes over one before its turn."""
    seen = _RESTART.findall(data, data.rfind(_SCAN))
    return (seen[-1][1] + 1) % 8 if seen else 0


def _more(filling: bytes, due: int) -> bytes:
    markers = (b"\xff%c" % (0xD0 + (due + n) % 8) for n in range(8))
    return filling + b"".join(marker + filling for marker in markers)


def _pixels(data: bytes) -> bytes:
    found = sha256()
    with JpegImageFile(io.BytesIO(data)) as image:
        image.load()
        for strip in _strips(image):
            found.update(strip)
    return found.digest()


def _strips(image: JpegImageFile) -> Iterator[bytes]:
    width, height = image.size
    for top in range(0, height, _STRIP_PX):
        yield image.crop((0, top, width, min(top + _STRIP_PX, height))).tobytes()
