"""A file of a photo or video: what it is, how it is opened, and what identifies its content.

What it is by its name; which decoder a picture needs, its first bytes tell, never its name.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from tigertag.contracts import Source, Stream
from tigertag.errors import ItemError, ItemGone, Unreadable, os_reason
from tigertag.model import Media

PART_BYTES: Final = 1 << 20
PARTS: Final = 16
_IDENTITY_PART: Final = 16 << 10
_IDENTITY_PARTS: Final = 4
_DIGEST_BYTES: Final = 20


def _extensions(names: str) -> frozenset[str]:
    return frozenset(f".{name}" for name in names.split())


EXTENSIONS = _extensions("jpg jpeg jpe jfif png webp gif tif tiff bmp heic heif hif avif")
"""How the names of the pictures end that TigerTag looks for, in lower case."""

VIDEO_EXTENSIONS = _extensions(
    "mp4 m4v mkv mov avi wmv ts m2ts mts mpg mpeg webm flv f4v 3gp 3g2 ogv ogm vob divx asf m2v mxf"
    " dv rm rmvb wtv"
)
"""How the names of the videos end that TigerTag looks for, in lower case."""

MP4_EXTENSIONS = _extensions("mp4 m4v mov 3gp 3g2 f4v")
"""How the names of those videos end that are MP4 or QuickTime: files of boxes."""

RAW_EXTENSIONS = _extensions(
    "3fr ari arw bay cap cr2 cr3 crw dcr dng eip erf fff gpr iiq k25 kdc mdc mef mos mrw nef nrw"
    " orf pef ptx r3d raf raw rw2 rwl rwz sr2 srf srw x3f"
)
"""How the names of cameras' raw pictures end, which TigerTag does not read."""

UNREAD_EXTENSIONS = _extensions(
    "psd psb xcf kra afphoto svg svgz eps ai jp2 j2k jpf jpx jxr wdp hdp tga exr hdr pcx ico dpx"
    " bpg mpo pgm ppm pbm braw mlv insv insp lrv rmx f4p swf mod tod"
)
"""How the names of other pictures and videos end that TigerTag does not look at."""


def media_of(name: str) -> Media | None:
    """Return what a file is by its name; None: neither a photo nor a video."""
    extension = os.path.splitext(name)[1].lower()
    if extension in VIDEO_EXTENSIONS:
        return Media.VIDEO
    return Media.PHOTO if extension in EXTENSIONS else None


_SIGNATURES: tuple[tuple[bytes, type[ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"GIF87a", GifImagePlugin.GifImageFile),
    (b"GIF89a", GifImagePlugin.GifImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"II+\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0+", TiffImagePlugin.TiffImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_HEAD_BYTES = 128


def decoder(stream: BinaryIO) -> type[ImageFile]:
    """Return the decoder for a picture; the stream is left at its start.

    Raises `Unreadable` where the bytes are none of a picture that TigerTag reads.
    """
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    if not head:
        raise Unreadable("The file is empty.")
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    brands = _brands(head)
    if brands & {b"avif", b"avis"}:
        return _avif()
    if brands & _HEIF_BRANDS:
        return _heif()
    raise Unreadable("This is not a picture in a format that TigerTag reads.")


def _brands(head: bytes) -> set[bytes]:
    """The brands that an ISO base media file says it obeys (ISO/IEC 14496-12, 4.3)."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}


def _avif() -> type[ImageFile]:
    from PIL import AvifImagePlugin

    return AvifImagePlugin.AvifImageFile


def _heif() -> type[ImageFile]:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as exc:
        raise Unreadable(
            "HEIC pictures need the extra `heif`; install it with: pip install 'tigertag[heif]'.",
            retryable=True,
        ) from exc
    kind: type[ImageFile] = HeifImageFile
    return kind


@contextmanager
def opened(source: Source) -> Iterator[Stream]:
    """Open what is not open, unbuffered; a stream is its library's to close.

    Raises as `opened_file` does.
    """
    if not isinstance(source, Path | bytes):
        yield source
        return
    with opened_file(source, buffering=0) as file:
        yield file


@contextmanager
def opened_file(source: Path | bytes, *, buffering: int = -1) -> Iterator[BinaryIO]:
    """Open a file or bytes.

    Raises `Unreadable`, also for a pipe or a device, which would block or never end, and
    `ItemGone`.
    """
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        if not stat.S_ISREG(source.stat().st_mode):
            raise Unreadable("This is not a regular file.")
        file = source.open("rb", buffering)
    except OSError as exc:
        raise disk_error(exc) from exc
    with file:
        yield file


def disk_error(exc: OSError) -> ItemError:
    """Return what is raised for an error of a file, or of what is beneath a stream."""
    if isinstance(exc, FileNotFoundError | NotADirectoryError):
        return ItemGone("The file is no longer there.")
    if isinstance(exc, PermissionError):
        reason = f"TigerTag is not permitted to read the file: {os_reason(exc)}."
        return Unreadable(reason, retryable=True)
    return Unreadable(f"The file could not be read: {os_reason(exc)}.", retryable=True)


def identity(source: Source) -> str:
    """Return what identifies the content of an item wherever it is moved; "" for a stream or b"".

    At most 64 KiB of a file are hashed, for this is done to every photo that an engine looks at:
    512 KiB took 3 % of a scan. A file that differs in none of those parts nor in its length is
    another one only where pictures are kept uncompressed. A stream would cost requests, and b"" is
    what a library gives for any item of which no pixels are needed. Raises as `content_hash` does.
    """
    if source == b"" or not isinstance(source, Path | bytes):
        return ""
    return _hashed(source, _IDENTITY_PART, _IDENTITY_PARTS)


def content_hash(source: Source) -> str:
    """Return hexadecimal digits that are the same for the same content, wherever it is.

    Up to 16 MiB are read as a whole; of what is longer its length and 16 parts of 1 MiB, spread
    evenly, the first and the last among them. A stream is left at its beginning. Raises
    `Unreadable`, its message one line that does not name the file, `ItemGone`, and what a stream
    raises.
    """
    return _hashed(source, PART_BYTES, PARTS)


def _hashed(source: Source, part_bytes: int, parts: int) -> str:
    with opened(source) as stream:
        try:
            size = stream.seek(0, io.SEEK_END)
            digest = blake2b(str(size).encode(), digest_size=_DIGEST_BYTES)
            for begin, length in _parts(size, part_bytes, parts):
                stream.seek(begin)
                for data in _read(stream, length):
                    digest.update(data)
            stream.seek(0)
        except OSError as exc:
            raise disk_error(exc) from exc
    return digest.hexdigest()


def _parts(size: int, part: int, number: int) -> list[tuple[int, int]]:
    if size <= part * number:
        return [(0, size)]
    last = size - part
    return [(last * nth // (number - 1), part) for nth in range(number)]


def _read(stream: Stream, length: int) -> Iterator[bytes]:
    """Yield so many bytes; a stream may give fewer at a time than it is asked for."""
    while length:
        data = stream.read(min(length, PART_BYTES))
        if not data:
            raise Unreadable("The file changed while it was read; try again.", retryable=True)
        length -= len(data)
        yield data
