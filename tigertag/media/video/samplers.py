"""The samplers, which choose frames of a video: at even times, or among keyframes; or one frame."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from math import ceil

from tigertag.contracts import Sampling, Source
from tigertag.errors import Unreadable
from tigertag.media.video.footage import Footage
from tigertag.media.video.frames import FrameReader, ParallelReader
from tigertag.media.video.opening import NO_FRAME, opened
from tigertag.media.video.quality import good_frames, is_dull, pick
from tigertag.model import Frame

_LEAST_STEP_S = 0.001
_MOST_TIMES = 100_000
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


def _sampler(sampling: Sampling) -> Callable[[ParallelReader, Sampling, int], Footage]:
    match sampling.by:
        case "interval":
            return _interval
        case "keyframes":
            return _keyframes
        case "scenes":
            # The only one that needs OpenCV and PySceneDetect.
            from tigertag.media.video import scenes

            return scenes.footage


def _interval(reader: ParallelReader, sampling: Sampling, most: int) -> Footage:
    """Return what is shown each `interval_s` from the beginning on.

    Where that would be more than `most`, so many of them, spread evenly over the video.
    """
    duration_s = reader.decoder.duration_s
    step_s = max(sampling.interval_s, _LEAST_STEP_S, duration_s / _MOST_TIMES)
    times_s = [n * step_s for n in range(max(1, ceil(duration_s / step_s)))]
    frames = pick(times_s, most, lambda chosen: reader.read(chosen, FrameReader.shown_at))
    return Footage(tuple(frames))


def _keyframes(reader: ParallelReader, _sampling: Sampling, most: int) -> Footage:
    """Return keyframes, at most `most`, spread evenly."""
    times_s = reader.decoder.key_times_s()
    frames = pick(times_s, most, lambda chosen: reader.read(chosen, FrameReader.keys_near))
    return Footage(tuple(frames))


def _candidates(reader: FrameReader) -> Iterator[Frame]:
    """Yield keyframes up to the first one that is not dull."""
    for share in _STILL_SHARES:
        for frame in reader.keys_near([share * reader.decoder.duration_s]):
            yield frame
            if not is_dull(frame):
                return
