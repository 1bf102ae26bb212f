"""One picture, decoded once and no larger than it is needed.

A JPEG is scaled while it is decoded (libjpeg's DCT scaling, a half, quarter or eighth), then once
more, bicubic, to the exact size. A HEIC that is too big is decoded through the thumbnail in it.
Colour profiles are ignored: the models were not trained with any.
"""

import io
import re
import struct
import warnings
import zlib
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from tigertag.contracts import Source
from tigertag.errors import ItemError, Unreadable
from tigertag.media.files import decoder, disk_error, opened_file
from tigertag.media.heif.items import HeifItems, UnusualFile
from tigertag.model import Frame

# What Pillow and pillow-heif really raise for broken files, found by cutting and flipping bytes.
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    EOFError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_Box = tuple[float, float, float, float]

# The largest pictures that are decoded, by the size that their header tells.
MOST_HELD_PX = 120_000_000
"""Pixels that are in memory at once, at 4 bytes each (8 where there is transparency)."""
MOST_SCALED_PX = 250_000_000
"""Pixels of a JPEG that is scaled while it is decoded, which holds few of them."""

_REDUCING_GAP = 3.0
# DCT scaling is coarser than bicubic, which is to have a part of the way. With less than this left
# to it, a classifier's answers were measured to lie twice as far from those after full decoding.
_MARGIN = 1.25
# With less to gain, colours would be converted for many pixels, which is libheif's strength.
_LEAST_SCALE = 2
_PILLOW = r"PIL\."

_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
# Entropy-coded data for each restart interval. Where picture data are missing libjpeg decodes
# these; where none are, it passes over them (ITU-T T.81, B.1.1: any bytes up to the next marker).
_FILLINGS = (b"\xaa" * 64, b"\x55" * 64)
_STRIP_PX = 256

_SCALABLE = {"L", "RGB", "RGBA", "CMYK", "YCbCr"}
_WHITE_LEVELS = (1.0, 255.0, 65_535.0, 4_294_967_295.0)


def decode(source: Source, short_side_px: int) -> Frame:
    """Return the picture, or the first one of an animation, upright and in RGB.

    The pixels are uint8, shape (height, width, 3), C-contiguous and read-only. The short side is
    `short_side_px` where the picture is larger; it is never scaled up. Raises `Unreadable`, its
    message one line that does not name the file, and `ItemGone`.
    """
    if not isinstance(source, Path | bytes):
        raise Unreadable("This is a video, not a picture.")
    silence_pillow()
    with opened_file(source) as stream:
        kind = decoder(stream)
        try:
            return Frame(np.asarray(_whole(kind, stream, short_side_px)))
        except MemoryError as exc:
            raise Unreadable("There is not enough memory for it now.", retryable=True) from exc
        except BROKEN as exc:
            raise _unreadable(exc) from exc


def _whole(kind: type[ImageFile], stream: BinaryIO, short_side_px: int) -> Image.Image:
    """Decode a picture. A JPEG whose end marker alone is missing is whole."""
    image = kind(stream)
    size = image.size
    try:
        return _decoded(image, stream, short_side_px)
    except OSError as exc:
        is_short = isinstance(image, JpegImageFile) and "truncated" in str(exc)
        if not is_short or size[0] * size[1] > MOST_HELD_PX:
            raise
        stream.seek(0)
        ended = _with_end_marker(stream)
        if ended is None:
            raise
    return _decoded(kind(ended), ended, short_side_px)


def _unreadable(exc: BaseException) -> ItemError:
    if isinstance(exc, OSError) and exc.errno is not None:
        return disk_error(exc)
    if "truncated" in str(exc).lower():
        return Unreadable("The picture is cut short; the file is not complete.")
    return Unreadable("The picture is broken or cut short, and cannot be decoded.")


def silence_pillow() -> None:
    """Keep Pillow from warning of each defect of a picture: here it is read, or it is not.

    The filter is for the process: `warnings.catch_warnings` is not safe among threads.
    """
    first = warnings.filters[0][3] if warnings.filters else None
    if getattr(first, "pattern", None) != _PILLOW:
        warnings.filterwarnings("ignore", module=_PILLOW)


def _decoded(image: ImageFile, stream: BinaryIO, short_side_px: int) -> Image.Image:
    whole, box = image.size, None
    size = _size(whole, short_side_px)
    items = _heif_items(stream) if image.format == "HEIF" else None
    if isinstance(image, JpegImageFile):
        box = _draft(image, short_side_px)
    elif image.format == "HEIF" and whole[0] * whole[1] > MOST_HELD_PX:
        box = _thumbnail(image, short_side_px)
    else:
        _admit(whole, MOST_HELD_PX)
        if items is not None and (picture := _fast_heif(image, items, size)):
            return picture
    image.load()
    if box is None:
        whole = image.size
    # Colours are converted after scaling wherever that gives the same: it is less work.
    small = _scaled(_scalable(image), _size(whole, short_side_px), box)
    return _upright(_rgb(small), image)


def _fast_heif(image: ImageFile, items: HeifItems, size: tuple[int, int]) -> Image.Image | None:
    """Decode a HEIC that is to be much smaller without libheif, where that can be done."""
    if image.size[0] < _LEAST_SCALE * size[0] or image.size[1] < _LEAST_SCALE * size[1]:
        return None
    try:
        # It needs the extra `video`.
        from tigertag.media.heif.decoding import decode_heif
    except ImportError:
        return None
    return decode_heif(image, items, size)


def _heif_items(stream: BinaryIO) -> HeifItems | None:
    """Read what parts a HEIC has; None where only libheif understands it.

    Raises OSError for one that is cut short: libheif would leave the missing tiles black.
    """
    try:
        items = HeifItems(stream)
        is_cut_short = items.is_cut_short()
    except UnusualFile:
        return None
    if is_cut_short:
        raise OSError("truncated")
    return items


def _draft(image: JpegImageFile, short_side_px: int) -> _Box | None:
    """Have a JPEG scaled while it is decoded; return the part of the result that is picture."""
    whole = image.size
    _admit(whole, MOST_SCALED_PX)
    drafted = image.draft(None, _size(whole, round(short_side_px * _MARGIN)))
    # libjpeg keeps all the coefficients of a progressive file, whatever the scale.
    _admit(whole if image.info.get("progressive") else image.size, MOST_HELD_PX)
    return drafted[1] if drafted else None


# What cameras put into a HEIC is 512 x 384 at the most: better looked at so than not at all.
_LEAST_THUMBNAIL_PX = 224


def _thumbnail(image: ImageFile, short_side_px: int) -> _Box | None:
    """Have a HEIC that is too big decoded through its thumbnail; return the part that is picture.

    pillow-heif takes only a thumbnail of the same shape (to two pixels), turn and crop. It decodes
    it at once, so the thumbnails' long sides are checked first.
    """
    sides = image.info.get("thumbnails", ())
    is_safe = all(side**2 <= MOST_HELD_PX for side in sides)
    least_px = min(short_side_px, _LEAST_THUMBNAIL_PX)
    drafted = image.draft(None, (least_px, least_px)) if is_safe else None
    _admit(image.size, MOST_HELD_PX)
    return drafted[1] if drafted else None


def _admit(size: tuple[int, int], limit_px: int) -> None:
    width, height = size
    if width * height > limit_px:
        raise Unreadable(
            f"The picture is too big to be decoded safely: {width} x {height} pixels, "
            f"the limit is {limit_px // 1_000_000} megapixels. "
            "Save it smaller to have it tagged."
        )


def _size(size: tuple[int, int], short_side_px: int) -> tuple[int, int]:
    short, long = sorted(size)
    if short <= short_side_px:
        return size
    scaled = max(short_side_px, round(long * short_side_px / short))
    return (short_side_px, scaled) if size[0] == short else (scaled, short_side_px)


def _scaled(image: Image.Image, size: tuple[int, int], box: _Box | None) -> Image.Image:
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=_REDUCING_GAP)


def _upright(image: Image.Image, decoded: ImageFile) -> Image.Image:
    """Turn the picture as its EXIF data say; data that cannot be read say nothing."""
    try:
        turn = _TURNS.get(decoded.getexif().get(ExifTags.Base.Orientation, 1))
    except BROKEN:
        return image
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    """Return the picture in RGB, transparent parts on white."""
    if image.mode != "RGBA":
        return image if image.mode == "RGB" else image.convert("RGB")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _scalable(image: Image.Image) -> Image.Image:
    """Return the picture in a mode in which it can be scaled."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_deep(np.asarray(image)))
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in _SCALABLE else image.convert("RGB")


def _deep(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale 32-bit integers or floats: white is the least usual white that none is above."""
    levels = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0).clip(min=0.0)
    top = float(levels.max(initial=0.0))
    whites = _WHITE_LEVELS if values.dtype.kind == "f" else _WHITE_LEVELS[1:]
    white = next((white for white in whites if top <= white), top)
    return (levels * np.float32(255.0 / white)).astype(np.uint8)


def _with_end_marker(stream: BinaryIO) -> BinaryIO | None:
    """Return a JPEG with its last marker (EOI); None where it lacks more than that.

    What follows the data changes no pixel of a picture whose data are all there. A progressive file
    that ends exactly between two of its scans cannot be told from one that is whole.
    """
    stream.seek(0)
    data = stream.read().rstrip(b"\xff")
    shown = _pixels(data + _END)
    # libjpeg passes over a restart marker that comes before its turn.
    markers = _RESTART.findall(data, data.rfind(_SCAN))
    due = (markers[-1][1] + 1) % 8 if markers else 0
    if any(_pixels(data + _more(filling, due) + _END) != shown for filling in _FILLINGS):
        return None
    return io.BytesIO(data + _END)


def _more(filling: bytes, due: int) -> bytes:
    markers = (b"\xff%c" % (0xD0 + (due + n) % 8) for n in range(8))
    return filling + b"".join(marker + filling for marker in markers)


def _pixels(data: bytes) -> bytes:
    """Return the hash of all pixels; they are looked at in strips, which take little memory."""
    digest = sha256()
    with JpegImageFile(io.BytesIO(data)) as image:
        image.load()
        width, height = image.size
        for top in range(0, height, _STRIP_PX):
            bottom = min(top + _STRIP_PX, height)
            digest.update(image.crop((0, top, width, bottom)).tobytes())
    return digest.digest()
