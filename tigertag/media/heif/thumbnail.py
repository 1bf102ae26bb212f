"""A picture through the thumbnail that its file has, if that shows the same.

Programs that edit a picture may leave the old thumbnail, so four tiles of the picture itself are
decoded and compared: in each quarter of it the one with most data, which has most detail. An edit
that lies between them is not noticed.
"""

from collections.abc import Iterable

import av
import numpy as np
from PIL import Image

from tigertag.media.heif.colours import Colours, Planes, Size, planes, scaled
from tigertag.media.heif.items import HeifItems, Item, UnusualFile
from tigertag.media.heif.tiles import Grid, decoded

# From this size and quality on, a classifier's answers lie as far from those after full decoding as
# DCT scaling of a JPEG makes them lie: mean variation 0.028 for 384 px at 3 bits a pixel and more,
# 0.022 for a JPEG. At 240 px, as iPhones have it, it is 0.15; at 384 px and 1.7 bits 0.07.
_LEAST_SHARE = 1.25
_LEAST_BITS = 3.0
# With fewer tiles, most of the picture would have to be decoded to check the thumbnail.
_LEAST_TILES = 9
_REDUCED_PX = 64
_COMPARED = (16, 16)
# Mean difference of the levels of a colour in a tile. Of 18 photos their own thumbnails differed by
# 2.1 at most, mirrored ones by 31 and more, those of other photos by 76 and more.
_MOST_LEVELS = 8.0


def thumbnail(
    items: HeifItems, grid: Grid, candidates: Iterable[Item], size: Size
) -> Image.Image | None:
    """Return the picture in this size; None where no thumbnail is large enough and like it."""
    if len(grid.tiles) < _LEAST_TILES:
        return None
    least_px = min(size) * _LEAST_SHARE
    for item in candidates:
        try:
            if min(item.size) >= least_px and _is_fine(item) and _has_shape(item.size, grid.size):
                return _checked(items, grid, item, size)
        except (UnusualFile, av.FFmpegError):
            continue
    return None


def _is_fine(item: Item) -> bool:
    width, height = item.size
    return item.length * 8 >= _LEAST_BITS * width * height


def _has_shape(size: Size, of: Size) -> bool:
    """Whether the shapes agree but for rounding: to two pixels of the smaller picture."""
    across, down = size[0] * of[1], size[1] * of[0]
    return max(size) < max(of) and abs(across - down) <= 2 * max(of)


def _checked(items: HeifItems, grid: Grid, item: Item, size: Size) -> Image.Image | None:
    for _number, frame in decoded(items, [item]):
        # Samsung's phones code square pictures, of which the upper part is the thumbnail.
        small = planes(frame, item.size, 1)
        colours = Colours.of(item, frame)
    if not _shows_same(items, grid, small, item.size, colours):
        return None
    return colours.rgb(scaled(small, size, (0.0, 0.0, *item.size)))


def _shows_same(items: HeifItems, grid: Grid, small: Planes, size: Size, colours: Colours) -> bool:
    numbers = _most_detailed(grid)
    factor = max(1, min(grid.tile) // _REDUCED_PX)
    share = size[0] / grid.size[0], size[1] / grid.size[1]
    for place, frame in decoded(items, [grid.tiles[number] for number in numbers]):
        left, top, right, bottom = grid.box(numbers[place])
        part = (left * share[0], top * share[1], right * share[0], bottom * share[1])
        whole = (0.0, 0.0, (right - left) / factor, (bottom - top) / factor)
        tile = planes(frame, grid.tile, factor)
        shown = colours.rgb(scaled(small, _COMPARED, part))
        due = Colours.of(items.primary, frame).rgb(scaled(tile, _COMPARED, whole))
        difference = np.abs(np.asarray(shown, np.int16) - np.asarray(due, np.int16))
        if difference.mean(axis=(0, 1)).max() > _MOST_LEVELS:
            return False
    return True


def _most_detailed(grid: Grid) -> list[int]:
    """Return, of each quarter of the picture, the tile that takes most bytes."""
    best: dict[tuple[bool, bool], int] = {}
    for number, tile in enumerate(grid.tiles):
        row, column = divmod(number, grid.columns)
        quarter = 2 * row >= grid.rows, 2 * column >= grid.columns
        if quarter not in best or tile.length > grid.tiles[best[quarter]].length:
            best[quarter] = number
    return sorted(best.values())
