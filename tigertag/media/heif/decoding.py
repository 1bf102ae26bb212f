"""A HEIC decoded in less time than libheif takes: through its thumbnail, or by FFmpeg's decoder.

What is unusual (another codec, more than 8 bits, colours at full resolution, transparency, a crop)
is left to libheif, and so is what is broken. Importing this needs PyAV.
"""

import av
from PIL import Image
from PIL.ImageFile import ImageFile

from tigertag.media.heif.colours import Size
from tigertag.media.heif.items import HeifItems, Item, UnusualFile
from tigertag.media.heif.thumbnail import thumbnail
from tigertag.media.heif.tiles import assembled, read_grid

# Properties that change no pixel, or that are understood here.
_UNDERSTOOD = {b"hvcC", b"ispe", b"pixi", b"colr", b"irot", b"imir", b"clli", b"mdcv", b"udes"}
_QUARTERS = (
    None,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
)
# As libheif has it: with 0, top and bottom change places.
_MIRRORS = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)
_ACROSS = {Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270}


def decode_heif(image: ImageFile, items: HeifItems, size: Size) -> Image.Image | None:
    """Return the picture upright, in RGB and of this `size`; None where libheif has to decode it.

    `image` is the same file as libheif has opened it.
    """
    if image.mode != "RGB" or image.info.get("bit_depth") != 8:
        return None
    try:
        return _decoded(items, image.size, size)
    except (UnusualFile, av.FFmpegError):
        return None


def _decoded(items: HeifItems, shown: Size, size: Size) -> Image.Image:
    turns = _turns(items.primary)
    grid = read_grid(items)
    is_across = sum(turn in _ACROSS for turn in turns) % 2 == 1
    if (grid.size[::-1] if is_across else grid.size) != shown:
        raise UnusualFile
    unturned = size[::-1] if is_across else size
    small = [item for item in items.thumbnails(items.primary) if _is_turned(item, turns)]
    picture = thumbnail(items, grid, small, unturned) or assembled(items, grid, unturned)
    for turn in turns:
        picture = picture.transpose(turn)
    return picture


def _turns(item: Item) -> list[Image.Transpose]:
    """Return how a picture is turned and mirrored, in order. Raises `UnusualFile`."""
    turns = []
    for kind, value in item.properties:
        if kind not in _UNDERSTOOD or (kind in (b"irot", b"imir") and not value):
            raise UnusualFile
        if kind == b"irot":
            turns.append(_QUARTERS[value[0] & 3])
        elif kind == b"imir":
            turns.append(_MIRRORS[value[0] & 1])
    return [turn for turn in turns if turn is not None]


def _is_turned(item: Item, turns: list[Image.Transpose]) -> bool:
    try:
        return _turns(item) == turns
    except UnusualFile:
        return False
