"""A picture of tiles, each of which is reduced as soon as it is decoded.

A camera's HEIC is a grid of small pictures, so the whole is never in memory. On one core, FFmpeg's
decoder of HEVC takes a third to two thirds of the time of libheif's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from PIL import Image

from tigertag.media.heif.colours import Box, Colours, Planes, Size, planes, scaled
from tigertag.media.heif.items import HeifItems, Item, UnusualFile

# So much is left to bicubic scaling after whole pixels were averaged, which is coarser.
_LEFT = 2
_BLOCK_PX = 64
"""A picture is coded as whole blocks, so it may be larger than it is shown."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A picture of tiles of one size, in rows; one tile alone may be the whole picture."""

    size: Size
    columns: int
    rows: int
    tile: Size
    tiles: Sequence[Item]

    def box(self, number: int) -> Box:
        """Return the part of the picture that a tile shows."""
        row, column = divmod(number, self.columns)
        left, top = column * self.tile[0], row * self.tile[1]
        right, bottom = left + self.tile[0], top + self.tile[1]
        return left, top, min(right, self.size[0]), min(bottom, self.size[1])

    def is_covered(self) -> bool:
        """Whether each tile is needed, and none is missing."""
        width, height = self.size
        across, down = self.tile
        is_wide = across * (self.columns - 1) < width <= across * self.columns
        is_high = down * (self.rows - 1) < height <= down * self.rows
        return is_wide and is_high and len(self.tiles) == self.columns * self.rows


def read_grid(items: HeifItems) -> Grid:
    """Return how the primary picture is made. Raises `UnusualFile`."""
    primary = items.primary
    grid = Grid(primary.size, 1, 1, primary.size, (primary,))
    if primary.kind == b"grid":
        # ISO/IEC 23008-12, 6.6.2.3.2: version, flags, rows and columns less one, width, height.
        data, tiles = items.data(primary), items.inputs(primary)
        length = 4 if data[1:2] == b"\1" else 2
        if not tiles or len(data) != 4 + 2 * length or data[0]:
            raise UnusualFile
        size = int.from_bytes(data[4:-length], "big"), int.from_bytes(data[-length:], "big")
        grid = Grid(size, data[3] + 1, data[2] + 1, tiles[0].size, tiles)
    if not grid.is_covered():
        raise UnusualFile
    return grid


def assembled(items: HeifItems, grid: Grid, size: Size) -> Image.Image:
    """Decode the whole picture, as large as this. Raises `UnusualFile` and FFmpeg's errors."""
    factor = reducible(grid, size)
    canvas: Planes | None = None
    for number, frame in decoded(items, grid.tiles):
        tile = planes(frame, grid.tile, factor)
        if canvas is None:
            colours = Colours.of(items.primary, frame)
            canvas = tile if len(grid.tiles) == 1 else _empty(grid, factor)
        if len(grid.tiles) > 1:
            row, column = divmod(number, grid.columns)
            for whole, part in zip(canvas, tile, strict=True):
                whole.paste(part, (column * part.width, row * part.height))
    if canvas is None:
        raise UnusualFile
    box = (0.0, 0.0, grid.size[0] / factor, grid.size[1] / factor)
    return colours.rgb(scaled(canvas, size, box))


def decoded(items: HeifItems, pictures: Sequence[Item]) -> Iterator[tuple[int, VideoFrame]]:
    """Decode pictures that were coded alike; yield each with its number.

    Raises `UnusualFile` where one is missing, and FFmpeg's errors.
    """
    config, size = pictures[0].only(b"hvcC"), pictures[0].size
    is_same = all(
        picture.kind == b"hvc1" and picture.only(b"hvcC") == config and picture.size == size
        for picture in pictures
    )
    # A short file that names one part of it again and again would take long.
    if not is_same or sum(picture.length for picture in pictures) > items.file_bytes:
        raise UnusualFile
    codec = VideoCodecContext.create("hevc", "r")
    codec.extradata = config
    codec.thread_count = 1
    codec.options = {"max_pixels": str((size[0] + _BLOCK_PX) * (size[1] + _BLOCK_PX))}
    missing = set(range(len(pictures)))
    for frame in _frames(codec, map(items.data, pictures)):
        if frame.pts not in missing or frame.is_corrupt:
            raise UnusualFile
        missing.remove(frame.pts)
        yield frame.pts, frame
    if missing:
        raise UnusualFile


def _frames(codec: VideoCodecContext, data: Iterable[bytes]) -> Iterator[VideoFrame]:
    for number, coded in enumerate(data):
        packet = av.Packet(coded)
        packet.pts = number
        yield from codec.decode(packet)
    yield from codec.decode(None)


def reducible(grid: Grid, size: Size) -> int:
    """Return by how much tiles can be reduced, chroma too, so that they still join."""
    factor = 1
    while min(grid.size) >= 2 * factor * _LEFT * min(size):
        factor *= 2
    while len(grid.tiles) > 1 and any(side % (2 * factor) for side in grid.tile):
        if factor == 1:
            raise UnusualFile
        factor //= 2
    return factor


def _empty(grid: Grid, factor: int) -> Planes:
    width = grid.columns * grid.tile[0] // factor
    height = grid.rows * grid.tile[1] // factor
    half = width // 2, height // 2
    return Image.new("L", (width, height)), Image.new("L", half), Image.new("L", half)
