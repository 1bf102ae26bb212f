"""The samplers, which choose frames of a video: at even times, or among keyframes; or one frame."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import replace
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import TypeVar

from tigertag.contracts import Sampling, Source
from tigertag.errors import Unreadable
from tigertag.media.video import Footage, ends_early
from tigertag.media.video.decoder import VideoDecoder
from tigertag.media.video.frames import FrameReader
from tigertag.media.video.opening import NO_FRAME, opened, side_by_side
from tigertag.media.video.quality import good_frames, is_dull, pick
from tigertag.model import Frame

T = TypeVar("T")

_LEAST_EACH, _MOST_READERS = 2, 2
_LEAST_STEP_S = 0.001
_MOST_TIMES = 100_000
_ASSUMED_KEYFRAMES_S, _MOST_ASSUMED = 2.0, 10_000
# Past the beginning, which is black or a logo, and before what would be told too early.
_STILL_SHARES = (0.12, 0.18, 0.25, 0.35, 0.5, 0.75)


def footage(
    source: Source, sampling: Sampling, short_side_px: int, most: int, cancelled: Callable[[], bool]
) -> Footage:
    """See `video.footage`. Raises `ImportError` where a package is missing."""
    sample = _sampler(sampling)
    with ExitStack() as stack:
        reader = ParallelReader(source, short_side_px, cancelled, stack)
        seen = sample(reader, sampling, max(1, min(sampling.max_frames, most)))
        if not seen.frames:
            raise Unreadable(NO_FRAME)
        return replace(seen, duration_s=reader.decoder.duration_s, end_s=reader.end_s())


def still(source: Source, short_side_px: int, at_s: float | None) -> Frame:
    """Return the frame that is shown at this time, or a keyframe that is not dull."""
    with opened(source) as decoder:
        reader = FrameReader(decoder, short_side_px)
        frames = list(_candidates(reader) if at_s is None else reader.shown_at([max(0.0, at_s)]))
    if not frames:
        raise Unreadable(NO_FRAME)
    return good_frames(frames)[0]


def keyframe_times_s(decoder: VideoDecoder) -> list[float]:
    """Return about when keyframes are shown: as the file tells, else at even times."""
    stated = decoder.keys_s()
    if stated:
        return stated
    count = min(_MOST_ASSUMED, int(decoder.duration_s / _ASSUMED_KEYFRAMES_S) + 1)
    return [n * decoder.duration_s / count for n in range(count)]


def _sampler(sampling: Sampling) -> Callable[["ParallelReader", Sampling, int], Footage]:
    match sampling.by:
        case "interval":
            return _interval
        case "keyframes":
            return _keyframes
        case "scenes":
            # The only one that needs OpenCV and PySceneDetect.
            from tigertag.media.video import scenes

            return scenes.footage


def _interval(reader: "ParallelReader", sampling: Sampling, most: int) -> Footage:
    """Return what is shown each `interval_s` from the beginning on.

    Where that would be more than `most`, so many of them, spread evenly over the video.
    """
    duration_s = reader.decoder.duration_s
    step_s = max(sampling.interval_s, _LEAST_STEP_S, duration_s / _MOST_TIMES)
    times_s = [n * step_s for n in range(max(1, ceil(duration_s / step_s)))]
    frames = pick(times_s, most, lambda chosen: reader.read(chosen, FrameReader.shown_at))
    return Footage(tuple(frames))


def _keyframes(reader: "ParallelReader", _sampling: Sampling, most: int) -> Footage:
    """Return keyframes, at most `most`, spread evenly."""
    times_s = keyframe_times_s(reader.decoder)
    frames = pick(times_s, most, lambda chosen: reader.read(chosen, FrameReader.keys_near))
    return Footage(tuple(frames))


def _candidates(reader: FrameReader) -> Iterator[Frame]:
    """Yield keyframes up to the first one that is not dull."""
    for share in _STILL_SHARES:
        for frame in reader.keys_near([share * reader.decoder.duration_s]):
            yield frame
            if not is_dull(frame):
                return


class ParallelReader:
    """Reads one video in several places at once.

    Opens it as often as it helps; a stream, which has one place, only once. `cancelled` is asked by
    several threads. Raises what `opened` does.
    """

    def __init__(
        self, source: Source, short_side_px: int, cancelled: Callable[[], bool], stack: ExitStack
    ) -> None:
        self._source = source
        self._cancelled = cancelled
        self._stack = stack
        self.short_side_px = short_side_px
        self.first = FrameReader(stack.enter_context(opened(source, cancelled)), short_side_px)
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

    def read(
        self, places: Sequence[T], frames_at: Callable[[FrameReader, Sequence[T]], Iterable[Frame]]
    ) -> list[Frame]:
        """Return the frames that `frames_at` yields for the places, in order, none twice."""

        def read_all(reader: FrameReader, part: Sequence[T]) -> list[Frame]:
            return list(frames_at(reader, part))

        readers = self._enough(len(places))
        parts = _parts(places, len(readers))
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
        if isinstance(self._source, Path | bytes):
            keys = len(self.decoder.keys_s()) or places
            fits = min(side_by_side(self.decoder.pixels), _MOST_READERS)
            most = max(1, min(fits, places // _LEAST_EACH, keys))
        while len(self._readers) < most:
            again = opened(self._source, self._cancelled, threads=1)
            decoder = self._stack.enter_context(again)
            self._readers.append(FrameReader(decoder, self.short_side_px))
        return self._readers[:most]


def _parts(places: Sequence[T], count: int) -> list[Sequence[T]]:
    ends = [n * len(places) // count for n in range(count + 1)]
    return [places[begin:end] for begin, end in pairwise(ends)]
