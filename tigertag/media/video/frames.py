"""A video's frames as engines see them: upright RGB of the size needed.

High dynamic range is mapped to the range that engines were trained on. Signal to light: SMPTE ST
2084 (PQ) and Recommendation ITU-R BT.2100 (HLG with its OOTF for a display of 1000 cd/m²). Light of
203 cd/m² is the white of graphics (BT.2408). Colours: BT.2020 to BT.709 (BT.2087). Then the curve
"mobius" of FFmpeg's `tonemap` filter: a line up to 0.3, above it bent so that 1000 cd/m² become
white. Good enough to recognise things, no more.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from contextvars import copy_context
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from tigertag.media.video.decoder import TimedFrame, VideoDecoder, threads_for
from tigertag.media.video.selection import ends_early
from tigertag.model import Frame

T = TypeVar("T")

_LEAST_EACH, _MOST_READERS = 2, 2

PQ, HLG = 16, 18
"""The transfer characteristics that are of high dynamic range (ITU-T H.273, table 3)."""

_WHITE_NITS, _PEAK_NITS = 203.0, 1000.0
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    dtype=np.float32,
)
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593], dtype=np.float32)
_GAMMA = 2.2

Turn = tuple[bool, bool, bool]
"""Whether rows become columns, then the left right, then the top the bottom."""

_UNSPECIFIED = 2
_LEAST_HD_PX = 720
_THUMB_PX = 144  # About the size in which PySceneDetect compares.


class FrameReader:
    """Gives a video's frames upright, in RGB and of the size needed. Not thread-safe."""

    def __init__(self, decoder: VideoDecoder, short_side_px: int) -> None:
        self.decoder = decoder
        self._full = FrameConverter(short_side_px, decoder.aspect)
        self._thumb = FrameConverter(_THUMB_PX, decoder.aspect)

    def shown_at(self, times_s: Sequence[float]) -> Iterator[Frame]:
        """Yield the frame that is shown at each of the times, which ascend; none twice."""
        return map(self.see, self.decoder.shown_at(times_s))

    def keys_near(self, times_s: Iterable[float]) -> Iterator[Frame]:
        """Yield a keyframe at about each of the times, which ascend; none twice."""
        return map(self.see, self.decoder.keys_near(times_s))

    def thumbs_near(self, times_s: Iterable[float]) -> Iterator[Frame]:
        """Yield these keyframes in the size in which contents are compared."""
        return map(self.thumb, self.decoder.keys_near(times_s))

    def see(self, shown: TimedFrame) -> Frame:
        return Frame(self._full.convert(shown[1]), _rounded_s(shown[0]))

    def thumb(self, shown: TimedFrame) -> Frame:
        return Frame(self._thumb.convert(shown[1]), _rounded_s(shown[0]))


class ParallelReader:
    """Reads one video in several places at once, in threads.

    `open_again` opens it, to be decoded by so many `threads`; where it `is_reopened`, as often as
    that helps. A stream, which has one place, is opened once. Raises what `open_again` does.
    """

    def __init__(
        self,
        open_again: Callable[..., AbstractContextManager[VideoDecoder]],
        short_side_px: int,
        stack: ExitStack,
        *,
        is_reopened: bool,
    ) -> None:
        self._open_again = open_again
        self._is_reopened = is_reopened
        self._stack = stack
        self.short_side_px = short_side_px
        self.first = FrameReader(stack.enter_context(open_again()), short_side_px)
        self._readers = [self.first]

    @property
    def decoder(self) -> VideoDecoder:
        return self.first.decoder

    def end_s(self) -> float:
        """Return where the video ends, if a late frame was asked for and was not there.

        Else, that is its duration. A little more of the file is read, nothing decoded.
        """
        decoders = [reader.decoder for reader in self._readers]
        reached_s = max(decoder.reached_s for decoder in decoders)
        asked_s = max(decoder.asked_s for decoder in decoders)
        first = self.decoder
        is_odd = reached_s < asked_s or first.is_last(asked_s)
        early = ends_early(reached_s, first.duration_s)
        return first.end_after(reached_s) if is_odd and early else first.duration_s

    def shown_at(self, times_s: Sequence[float]) -> list[Frame]:
        """Return the frames that are shown at these times."""
        return self.read(times_s, FrameReader.shown_at)

    def keys_near(self, times_s: Sequence[float]) -> list[Frame]:
        """Return keyframes at about these times."""
        return self.read(times_s, FrameReader.keys_near)

    def read(
        self, places: Sequence[T], frames_at: Callable[[FrameReader, Sequence[T]], Iterable[Frame]]
    ) -> list[Frame]:
        """Return the frames that `frames_at` yields for the places, in order, none twice."""

        def read_all(reader: FrameReader, part: Sequence[T]) -> list[Frame]:
            return list(frames_at(reader, part))

        readers = self._enough(len(places))
        ends = [n * len(places) // len(readers) for n in range(len(readers) + 1)]
        parts = [places[begin:end] for begin, end in pairwise(ends)]
        with ThreadPoolExecutor(max(1, len(readers) - 1)) as pool:
            others = [
                pool.submit(copy_context().run, read_all, reader, part)
                for reader, part in zip(readers[1:], parts[1:], strict=True)
            ]
            frames = read_all(readers[0], parts[0])
            frames += [frame for other in others for frame in other.result()]
        by_time = {frame.at_s or 0.0: frame for frame in frames}
        return [by_time[at_s] for at_s in sorted(by_time)]

    def _enough(self, places: int) -> Sequence[FrameReader]:
        most = 1
        if self._is_reopened:
            keys = len(self.decoder.keys_s()) or places
            fits = min(threads_for(self.decoder.pixels), _MOST_READERS)
            most = max(1, min(fits, places // _LEAST_EACH, keys))
        while len(self._readers) < most:
            decoder = self._stack.enter_context(self._open_again(threads=1))
            self._readers.append(FrameReader(decoder, self.short_side_px))
        return self._readers[:most]


def thumbnail(frame: Frame) -> Frame:
    """Return a frame in the size in which contents are compared."""
    height, width, _ = frame.pixels.shape
    scale = min(1.0, _THUMB_PX / min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = Image.fromarray(np.asarray(frame.pixels)).resize(size, Image.Resampling.BOX)
    return Frame(np.asarray(small), frame.at_s)


def _rounded_s(at_s: float) -> float:
    return round(max(0.0, at_s), 3)


class FrameConverter:
    """Scales frames of one video as they come. Not thread-safe.

    What it gives is uint8 RGB, shape (height, width, 3), C-contiguous and read-only, upright, with
    square pixels; its short side is `short_side_px` where the video is larger.
    """

    def __init__(self, short_side_px: int, aspect: Fraction) -> None:
        self._short_side_px = short_side_px
        self._aspect = aspect
        self._scaler = VideoReformatter()
        self._turns: dict[int, Turn] = {}

    def convert(self, frame: VideoFrame) -> NDArray[np.uint8]:
        if frame.color_trc in (PQ, HLG):
            shown = tone_mapped(self._scaled(frame, "rgb48le"), frame.color_trc)
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
            src_colorspace=_colour_matrix(frame),
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


def _colour_matrix(frame: VideoFrame) -> int:
    """The matrix of its colours: what is not said is BT.709 from 720 lines on, BT.601 below."""
    if frame.colorspace != _UNSPECIFIED:
        return frame.colorspace
    if frame.color_trc in (PQ, HLG):
        return Colorspace.BT2020
    hd = min(frame.width, frame.height) >= _LEAST_HD_PX
    return Colorspace.ITU709 if hd else Colorspace.ITU601


def _turn(frame: VideoFrame) -> Turn:
    """Read the display matrix (ISO/IEC 14496-12, 8.3.2): x' = ax + cy, y' = bx + dy."""
    side_data: Any = frame.side_data
    if "DISPLAYMATRIX" not in side_data:
        return False, False, False
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(side_data["DISPLAYMATRIX"]))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def _turned(pixels: NDArray[Any], turn: Turn) -> NDArray[Any]:
    across, left, top = turn
    pixels = pixels.transpose(1, 0, 2) if across else pixels
    pixels = pixels[:, ::-1] if left else pixels
    return pixels[::-1] if top else pixels


def tone_mapped(signal: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    """Return R'G'B' of BT.2020 with this transfer, shape (h, w, 3), as 8-bit R'G'B' of BT.709."""
    light = _light(transfer)[signal]
    if transfer == HLG:
        luminance = light @ _LUMA_2020
        light *= (luminance**0.2 * (_PEAK_NITS / _WHITE_NITS))[..., None]
    light = np.maximum(light @ _TO_709.T, 0.0)
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    shown = (light * (_mobius(brightest) / brightest)).clip(0.0, 1.0)
    return np.asarray(np.rint(255.0 * shown ** (1.0 / _GAMMA)).astype(np.uint8))


@cache
def _light(transfer: int) -> NDArray[np.float32]:
    """Linear light of each 16-bit signal: 1.0 is 203 cd/m² (PQ), the brightest scene (HLG)."""
    signal = np.linspace(0.0, 1.0, 65_536)
    light = _hlg(signal) if transfer == HLG else _pq(signal) * (10_000.0 / _WHITE_NITS)
    return light.astype(np.float32)


def _pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The EOTF of ST 2084, equation 4.1, in parts of 10 000 cd/m²."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = signal ** (1.0 / m2)
    return np.asarray((np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (1.0 / m1))


def _hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse OETF of BT.2100, table 5, in parts of the brightest scene light."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3.0, (np.exp((signal - c) / a) + b) / 12.0)


def _mobius(light: NDArray[np.float32]) -> NDArray[np.float32]:
    knee, peak = 0.3, _PEAK_NITS / _WHITE_NITS
    a = -(knee**2) * (peak - 1.0) / (knee**2 - 2.0 * knee + peak)
    b = (knee**2 - 2.0 * knee * peak + peak) / (peak - 1.0)
    bent = (b**2 + 2.0 * b * knee + knee**2) / (b - a) * (light + a) / (light + b)
    return np.where(light <= knee, light, bent).astype(np.float32)
