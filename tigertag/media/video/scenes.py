"""One frame from the middle of each shot. Cuts are those of PySceneDetect's ContentDetector."""

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

from tigertag.contracts import Sampling
from tigertag.media.video.decoder import TimedFrame, VideoDecoder
from tigertag.media.video.frames import FrameReader, ParallelReader, thumbnail
from tigertag.media.video.selection import Footage, lengths_s, pick
from tigertag.model import Frame
from tigertag.sequences import evenly

# So many keyframes are looked at for each frame that is wanted, and so many more.
_LOOKS_EACH, _LOOKS_MORE = 3, 16
# Of those on either side of one that is used; above so many frames that would take too long.
_AROUND, _REFINED = 2, 32
# So much of a shot that has only one keyframe is decoded, to see more of it than its beginning.
_SHARE = 1 / 3

_CLIP_S = 180.0
_SPARSE_S = 2.5
_DENSE_S = 0.5
_FEW_KEYS = 4
_HELD_BYTES = 64_000_000
_MOST_OF_A_SHOT = 16
_ANY_RATE = 25.0
_MICROSECOND = Fraction(1, 1_000_000)


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


def footage(reader: ParallelReader, sampling: Sampling, most: int) -> Footage:
    """Return one frame of each shot; where there are more than `most` shots, of so many of them.

    `exact`: every frame is decoded to find the shots. Else they are found among keyframes, and
    the frames around those that are used are looked at: how long such shots are is up to the
    encoder, and not told. Raises `ImportError`.
    """
    if sampling.exact:
        return _exact(reader, sampling, most)
    frames = _of_clip(reader, sampling, most) or _skimmed(reader, sampling, most)
    return Footage(tuple(frames))


def _exact(reader: ParallelReader, sampling: Sampling, most: int) -> Footage:
    end_s = reader.decoder.duration_s
    begins_s = [at_s for _, at_s in exact_cuts(reader.decoder, sampling.scene_threshold)]
    middles_s = [(begin_s + end_s) / 2 for begin_s, end_s in pairwise((0.0, *begins_s, end_s))]
    frames = pick(middles_s, most, reader.shown_at)
    return Footage(tuple(frames), lengths_s(begins_s, end_s))


def _of_clip(reader: ParallelReader, sampling: Sampling, most: int) -> list[Frame]:
    """Return one frame of each shot of a short video that has few keyframes: it is decoded, once.

    Nothing for a video that has keyframes enough.
    """
    seen = reader.first.shown_at(_clip_times_s(reader.decoder, most, reader.short_side_px))
    middles = list(_middles(seen, sampling.scene_threshold))
    return pick(middles, most, lambda chosen: chosen)


def _clip_times_s(decoder: VideoDecoder, most: int, short_side_px: int) -> list[float]:
    duration_s = decoder.duration_s
    keys = len(decoder.keys_s()) or _FEW_KEYS
    count = 2 * most if keys < _FEW_KEYS else 0
    if duration_s <= _CLIP_S and keys * _SPARSE_S < duration_s:
        # Were each of them a shot, this is what would be held.
        fits = _HELD_BYTES // (6 * short_side_px**2)
        count = max(1, min(fits, int(duration_s / _DENSE_S)))
    return [(n + 0.5) * duration_s / count for n in range(count)]


def _middles(frames: Iterable[Frame], threshold: float) -> Iterator[Frame]:
    """Yield the middle one of frames that follow each other and have the same content."""
    detector = CutDetector(threshold)
    held: list[Frame] = []
    each, count = 1, 0
    for frame in frames:
        if detector.is_cut(thumbnail(frame)):
            yield held[len(held) // 2]
            held, each, count = [], 1, 0
        if count % each == 0:
            held.append(frame)
        if len(held) > _MOST_OF_A_SHOT:
            held, each = held[::2], 2 * each
        count += 1
    if held:
        yield held[len(held) // 2]


def _skimmed(reader: ParallelReader, sampling: Sampling, most: int) -> list[Frame]:
    """Return one frame of each shot, of `most` of them, found on keyframes: a film is not decoded.

    Of a long film not all keyframes are looked at, but so many that there is choice enough; then
    those around the ones that are used, unless these are more than 32.
    """
    skimmer = _Skimmer(reader, sampling.scene_threshold, most)
    return pick(skimmer.shots, most, lambda chosen: reader.read(chosen, skimmer.frames))


class _Skimmer:
    """The shots that are seen on keyframes, spread over one video."""

    def __init__(self, reader: ParallelReader, threshold: float, most: int) -> None:
        self._threshold = threshold
        self._keys_s = reader.decoder.key_times_s()
        chosen = evenly(self._keys_s, _LOOKS_EACH * most + _LOOKS_MORE)
        self._sees_all = len(chosen) == len(self._keys_s)
        thumbs = reader.read(chosen, FrameReader.thumbs_near)
        self.shots = shots_of(thumbs, threshold, reader.decoder.duration_s)
        self._refines = min(len(self.shots), most) <= _REFINED

    def frames(self, reader: FrameReader, chosen: Sequence[Shot]) -> Iterator[Frame]:
        """Yield the frame in the middle of each of these shots."""
        for shot in chosen:
            if self._refines and not self._sees_all:
                shot = self._around(reader, shot)
            if self._refines and len(shot.times_s) == 1:
                yield from self._beside(reader, shot)
            else:
                yield from reader.shown_at([shot.middle_s])

    def _around(self, reader: FrameReader, shot: Shot) -> Shot:
        """Look at the keyframes next to the middle one of a shot, to see how far the shot goes."""
        at_s, keys_s = shot.middle_s, self._keys_s
        nearest = min(range(len(keys_s)), key=lambda n: abs(keys_s[n] - at_s))
        end = nearest + _AROUND + 1
        seen = list(reader.thumbs_near(keys_s[max(0, nearest - _AROUND) : end]))
        end_s = seen[-1].at_s if seen and end < len(keys_s) else None
        shots = shots_of(seen, self._threshold, end_s or reader.decoder.duration_s)
        return next((each for each in shots if at_s in each.times_s), shot)

    def _beside(self, reader: FrameReader, shot: Shot) -> Iterator[Frame]:
        """Yield a frame after the only keyframe of a shot; that one, if the other is of another."""
        key_s = shot.times_s[0]
        later_s = key_s + _SHARE * (shot.next_s - key_s)
        detector, best = CutDetector(self._threshold), None
        for shown in reader.decoder.shown_at([key_s, later_s]):
            if not detector.is_cut(reader.thumb(shown)):
                best = shown
        if best is not None:
            yield reader.see(best)


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
