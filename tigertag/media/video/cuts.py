"""Cuts, as PySceneDetect's ContentDetector finds them, and the shots between them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray
from scenedetect import ContentDetector, FrameTimecode
from scenedetect.common import Timecode
from scenedetect.scene_manager import compute_downscale_factor

from tigertag.contracts import Source
from tigertag.media.video.decoder import TimedFrame, VideoDecoder
from tigertag.media.video.opening import opened
from tigertag.model import Frame

_ANY_RATE = 25.0
_MICROSECOND = Fraction(1, 1_000_000)


def cuts(source: Source, threshold: float) -> list[int]:
    """Return the numbers of the frames that begin a shot, counted from 0, as PySceneDetect does.

    Every frame is decoded. Raises `ItemError`, and what a stream raises.
    """
    with opened(source) as decoder:
        return [number for number, _ in exact_cuts(decoder, threshold)]


def exact_cuts(decoder: VideoDecoder, threshold: float) -> Iterator[tuple[int, float]]:
    """Yield the number and the time in seconds of each frame that begins a shot.

    Every frame is decoded, and looked at in the size in which PySceneDetect's SceneManager would
    look at it. Where frames are not evenly spaced the number is one at an even rate, as there.
    """
    detector = ContentDetector(threshold=threshold)
    begin_s = None
    for at_s, picture in _pictures(decoder.every()):
        begin_s = at_s if begin_s is None else begin_s
        passed = Timecode(pts=round((at_s - begin_s) * 1e6), time_base=_MICROSECOND)
        for cut in detector.process_frame(FrameTimecode(passed, decoder.rate), picture):
            yield cut.frame_num, cut.seconds + begin_s


class CutDetector:
    """Says of each frame whether its content is another than that of the one before it."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._detector = self._new_detector()
        self._shape: tuple[int, ...] = ()
        self._count = 0

    def is_cut(self, frame: Frame) -> bool:
        """Take in the next frame. The first is no cut, one of another size is."""
        is_resized = self._shape not in ((), frame.pixels.shape)
        if is_resized:
            self._detector = self._new_detector()
        self._shape = frame.pixels.shape
        self._count += 1
        colours = cv2.cvtColor(np.asarray(frame.pixels), cv2.COLOR_RGB2BGR)
        when = FrameTimecode(self._count, _ANY_RATE)
        return bool(self._detector.process_frame(when, colours)) or is_resized

    def _new_detector(self) -> ContentDetector:
        return ContentDetector(threshold=self._threshold, min_scene_len=0)


def _pictures(frames: Iterable[TimedFrame]) -> Iterator[tuple[float, NDArray[Any]]]:
    """Yield what SceneManager gives its detectors; it, too, leaves out frames of another size."""
    scaler, whole = VideoReformatter(), (0, 0)
    for at_s, frame in frames:
        whole = whole if any(whole) else (frame.width, frame.height)
        if (frame.width, frame.height) != whole:
            continue
        factor = compute_downscale_factor(max(whole))
        size = (max(1, round(whole[0] / factor)), max(1, round(whole[1] / factor)))
        same = scaler.reformat(frame, format="bgr24", interpolation=Interpolation.BICUBIC)
        yield at_s, cv2.resize(same.to_ndarray(), size, interpolation=cv2.INTER_LINEAR)


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames that were looked at and seem to be of one shot, and when the next shot was seen."""

    times_s: tuple[float, ...]
    next_s: float

    @property
    def middle_s(self) -> float:
        """The time looked at that is nearest to the middle of the shot."""
        middle_s = (self.times_s[0] + self.next_s) / 2
        return min(self.times_s, key=lambda at_s: abs(at_s - middle_s))


def shots_of(frames: Sequence[Frame], threshold: float, end_s: float) -> list[Shot]:
    """Cut where the content of a frame is another than that of the one before it.

    Keyframes are far apart, so that movement may count as a cut, too: then a shot is seen as more
    than one, which is harmless.
    """
    detector = CutDetector(threshold)
    begins = [n for n, frame in enumerate(frames) if detector.is_cut(frame)]
    times_s = [frame.at_s or 0.0 for frame in frames]
    bounds = [0, *begins, len(times_s)]
    return [
        Shot(tuple(times_s[begin:end]), times_s[end] if end < len(times_s) else end_s)
        for begin, end in pairwise(bounds)
        if begin < end
    ]
