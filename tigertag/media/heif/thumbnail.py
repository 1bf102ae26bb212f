"""A picture through the thumbnail that its file has, if that shows the same and shows it well.

Four tiles of the picture itself are decoded and compared, at the size that is needed: of each
quarter of the picture the tile with most data, which has most detail. That finds the thumbnail of
another picture, which programs leave behind that edit a photo, and one that lost its detail, as
those of most cameras have. An edit that lies between the four tiles is not found.
"""

from collections.abc import Iterable

import av
import numpy as np
from PIL import Image

from tigertag.media.heif.colours import Box, Colours, Planes, Size, planes, scaled
from tigertag.media.heif.items import HeifItems, Item, UnusualFile
from tigertag.media.heif.tiles import Grid, decoded, reducible

# Thumbnails of 39 photos, made in 27 ways, were judged by how far they move a classifier's answers
# from those after full decoding (total variation: mean, 95th percentile, most). DCT scaling of a
# JPEG: 0.034, 0.081, 0.15. Thumbnails within these three bounds: 0.034, 0.080, 0.12; without the
# last bound 0.046, 0.11, 0.22. Thumbnails of phones (240 px; or 384 px with 1 bit a pixel): 0.09
# to 0.32.
_LEAST_SHARE = 1.25
_LEAST_BITS = 3.0
_MOST_LEVELS = 2.0
"""The mean difference of levels in the tiles. Thumbnails of other photos differ by 29 or more."""

# With fewer tiles, checking a thumbnail would take about as long as decoding the picture.
_LEAST_TILES = 9


def thumbnail(
    items: HeifItems, grid: Grid, candidates: Iterable[Item], size: Size
) -> Image.Image | None:
    """Return the picture in this size; None where no thumbnail is large, good and like it."""
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
    """Whether the shapes agree but for rounding, to two pixels of the thumbnail."""
    across, down = size[0] * of[1], size[1] * of[0]
    return max(size) < max(of) and abs(across - down) <= 2 * max(of)


def _checked(items: HeifItems, grid: Grid, item: Item, size: Size) -> Image.Image | None:
    ((_number, frame),) = decoded(items, [item])
    small = planes(frame, item.size, 1)
    colours = Colours.of(item, frame)
    if not _is_alike(items, grid, (small, item.size, colours), size):
        return None
    return colours.rgb(scaled(small, size, (0.0, 0.0, *item.size)))


def _is_alike(
    items: HeifItems, grid: Grid, thumb: tuple[Planes, Size, Colours], size: Size
) -> bool:
    small, small_size, colours = thumb
    numbers = _most_detailed(grid)
    factor = reducible(grid, size)
    left_levels = _MOST_LEVELS * len(numbers)
    for place, frame in decoded(items, [grid.tiles[number] for number in numbers]):
        box = grid.box(numbers[place])
        compared = _share(box, grid.size, size)
        width, height = (max(1, round(compared[n + 2] - compared[n])) for n in (0, 1))
        part = _share(box, grid.size, small_size)
        whole = (0.0, 0.0, (box[2] - box[0]) / factor, (box[3] - box[1]) / factor)
        shown = colours.rgb(scaled(small, (width, height), part))
        tile = scaled(planes(frame, grid.tile, factor), (width, height), whole)
        due = Colours.of(items.primary, frame).rgb(tile)
        left_levels -= _difference(shown, due)
        if left_levels < 0.0:
            return False
    return True


def _difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean())


def _share(box: Box, of: Size, size: Size) -> Box:
    """Return where a part of a picture is when the picture has another size."""
    # In this order, so that the last pixel is not beyond the edge by a rounding error.
    left, right = (edge * size[0] / of[0] for edge in (box[0], box[2]))
    top, bottom = (edge * size[1] / of[1] for edge in (box[1], box[3]))
    return left, top, right, bottom


def _most_detailed(grid: Grid) -> list[int]:
    """Return, of each quarter of the picture, the tile that takes most bytes."""
    best: dict[tuple[bool, bool], int] = {}
    for number, tile in enumerate(grid.tiles):
        row, column = divmod(number, grid.columns)
        quarter = 2 * row >= grid.rows, 2 * column >= grid.columns
        if quarter not in best or tile.length > grid.tiles[best[quarter]].length:
            best[quarter] = number
    return sorted(best.values())
