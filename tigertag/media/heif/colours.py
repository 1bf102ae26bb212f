"""Y'CbCr with chroma at half the resolution of luma, and what it is in R'G'B'."""

from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from PIL import Image

from tigertag.media.heif.items import Item, UnusualFile

Size = tuple[int, int]
"""Width and height."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

Planes = tuple[Image.Image, Image.Image, Image.Image]
"""Y', Cb and Cr; the latter two have half the width and height, rounded up."""

_SUBSAMPLED = {"yuv420p", "yuvj420p"}
_FULL_RANGE = 2
# The parts of red and blue in luma (ITU-T H.273, table 4). 2 is unspecified, which libheif takes
# for BT.601.
_LUMA = {
    1: (0.2126, 0.0722),
    2: (0.299, 0.114),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    9: (0.2627, 0.0593),
}


def planes(frame: VideoFrame, size: Size, factor: int) -> Planes:
    """Return a frame of this size, each side reduced by an integer.

    Raises `UnusualFile` where a frame has another size or is of another kind.
    """
    if frame.format.name not in _SUBSAMPLED or (frame.width, frame.height) != size:
        raise UnusualFile
    luma, cb, cr = (_image(plane).reduce(factor) for plane in frame.planes)
    return luma, cb, cr


def _image(plane: VideoPlane) -> Image.Image:
    size = plane.width, plane.height
    return Image.frombuffer("L", size, bytes(plane), "raw", "L", plane.line_size, 1)


def scaled(of: Planes, size: Size, box: Box) -> Planes:
    """Scale a part of the planes, in units of luma, bicubic; chroma comes to the same size."""
    half = (box[0] / 2, box[1] / 2, box[2] / 2, box[3] / 2)
    luma, cb, cr = (
        plane.resize(size, Image.Resampling.BICUBIC, part)
        for plane, part in zip(of, (box, half, half), strict=True)
    )
    return luma, cb, cr


@dataclass(frozen=True, slots=True)
class Colours:
    """How a picture's Y'CbCr becomes R'G'B': the number of its matrix in H.273, and its range."""

    matrix: int
    is_full: bool

    @classmethod
    def of(cls, item: Item, frame: VideoFrame) -> "Colours":
        """Read them; what the item says goes before what the coded picture says."""
        for kind, value in item.properties:
            if kind == b"colr" and value[:4] == b"nclx" and len(value) == 11:
                return cls(int.from_bytes(value[8:10], "big"), value[10] > 127)
        return cls(frame.colorspace, frame.color_range == _FULL_RANGE)

    def rgb(self, of: Planes) -> Image.Image:
        """Convert planes of one size. Raises `UnusualFile`: the matrix is not known."""
        if self.matrix not in _LUMA:
            raise UnusualFile
        red, blue = _LUMA[self.matrix]
        green = 1.0 - red - blue
        y, cb, cr = (np.asarray(plane, dtype=np.float32) for plane in of)
        if not self.is_full:
            y = (y - 16.0) * (255.0 / 219.0)
        scale = 2.0 if self.is_full else 2.0 * 255.0 / 224.0
        cb, cr = (cb - 128.0) * scale, (cr - 128.0) * scale
        shown = (
            y + cr * (1.0 - red),
            y - (cb * (blue * (1.0 - blue)) + cr * (red * (1.0 - red))) / green,
            y + cb * (1.0 - blue),
        )
        return Image.fromarray(np.rint(np.stack(shown, -1)).clip(0.0, 255.0).astype(np.uint8))
