"""From a decoded frame to upright RGB of the size needed."""

import struct
from fractions import Fraction
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from tigertag.media.video import tone

Turn = tuple[bool, bool, bool]
"""Whether rows become columns, then the left right, then the top the bottom."""

_UNSPECIFIED, _RGB = 2, 0
_LEAST_HD_PX = 720


class View:
    """Scales frames of one video as they come. Not thread-safe.

    What it gives is uint8 RGB, shape (height, width, 3), C-contiguous and read-only, upright, with
    square pixels; its short side is `short_side_px` where the video is larger.
    """

    def __init__(self, short_side_px: int, aspect: Fraction) -> None:
        self._short_side_px = short_side_px
        self._aspect = aspect
        self._scaler = VideoReformatter()
        self._turns: dict[int, Turn] = {}

    def of(self, frame: VideoFrame) -> NDArray[np.uint8]:
        if frame.color_trc in (tone.PQ, tone.HLG):
            shown = tone.mapped(self._scaled(frame, "rgb48le"), frame.color_trc)
        else:
            shown = self._scaled(frame, "rgb24")
        upright = np.ascontiguousarray(_turned(shown, self._turn(frame)))
        upright.flags.writeable = False
        return upright

    def _turn(self, frame: VideoFrame) -> Turn:
        # A frame whose side data were touched is part of a cycle, so that its megabytes stay until
        # Python's collector comes by: that is done to one frame only.
        angle = frame.rotation
        if angle not in self._turns:
            self._turns[angle] = _turn(frame)
        return self._turns[angle]

    def _scaled(self, frame: VideoFrame, form: str) -> NDArray[Any]:
        width, height = self._size(frame)
        scaled = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format=form,
            src_colorspace=_colours(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.BICUBIC,
            threads=1,
        )
        return scaled.to_ndarray()

    def _size(self, frame: VideoFrame) -> tuple[int, int]:
        width, height = max(1, round(frame.width * self._aspect)), frame.height
        short = min(width, height)
        if short <= self._short_side_px:
            return width, height
        scale = self._short_side_px / short
        return max(1, round(width * scale)), max(1, round(height * scale))


def _colours(frame: VideoFrame) -> int:
    """The matrix of its colours: what is not said is BT.709 from 720 lines on, BT.601 below."""
    if frame.colorspace != _UNSPECIFIED:
        return frame.colorspace
    if frame.color_trc in (tone.PQ, tone.HLG):
        return Colorspace.BT2020
    hd = min(frame.width, frame.height) >= _LEAST_HD_PX
    return Colorspace.ITU709 if hd else Colorspace.ITU601


def _turn(frame: VideoFrame) -> Turn:
    """Read the display matrix (ISO/IEC 14496-12, 8.3.2): x' = ax + cy, y' = bx + dy."""
    told: Any = frame.side_data
    if "DISPLAYMATRIX" not in told:
        return False, False, False
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(told["DISPLAYMATRIX"]))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def _turned(pixels: NDArray[Any], turn: Turn) -> NDArray[Any]:
    across, left, top = turn
    pixels = pixels.transpose(1, 0, 2) if across else pixels
    pixels = pixels[:, ::-1] if left else pixels
    return pixels[::-1] if top else pixels
