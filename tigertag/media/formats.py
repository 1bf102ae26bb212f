"""Which decoder a picture needs: its first bytes tell, never its name."""

import os
from typing import BinaryIO

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from tigertag.errors import Unreadable
from tigertag.model import Media


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
