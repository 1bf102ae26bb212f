"""The frames of a video: at even times, among keyframes or of each shot; or one that stands for it.

No more is decoded than they need. PyAV and OpenCV are imported when a video is opened: a TigerTag
without them reads photos.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from tigertag.contracts import Sampling, Source
from tigertag.errors import Unreadable
from tigertag.media.video.selection import NO_FRAME, Footage, good_frames, is_dull, pick
from tigertag.model import Frame

if TYPE_CHECKING:
    from tigertag.media.video.frames import FrameReader, ParallelReader

__all__ = ["Footage", "footage", "is_dull", "still"]

_LEAST_STEP_S = 0.001
_MOST_TIMES = 100_000
# Past the beginning, which is black or a logo, and before what would be told too early.
_STILL_SHARES = (0.12, 0.18, 0.25, 0.35, 0.5, 0.75)


def footage(
    source: Source,
    sampling: Sampling,
    *,
    short_side_px: int,
    most: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> Footage:
    """Return the frames of a video that `sampling` asks for, at most `most`.

    The pixels are upright RGB, uint8, shape (height, width, 3), C-contiguous and read-only; the
    short side is `short_side_px` where the video is larger. Frames that are black, white, plain or
    nearly the same as the one before them are left out, but for one. The lengths of the shots are
    told where every frame is looked at (`Sampling.exact`). Raises `Unreadable`, its message one
    line that does not name the file, `ItemGone`, and what a stream raises.
    """
    with _needs_extra(), ExitStack() as stack:
        from tigertag.media.video.frames import ParallelReader
        from tigertag.media.video.opening import opened

        sample = _sampler(sampling)
        is_reopened = isinstance(source, Path | bytes)
        open_again = partial(opened, source, cancelled)
        reader = ParallelReader(open_again, short_side_px, stack, is_reopened=is_reopened)
        seen = sample(reader, sampling, max(1, min(sampling.max_frames, most)))
        if not seen.frames:
            raise Unreadable(NO_FRAME)
        return replace(seen, duration_s=reader.decoder.duration_s, end_s=reader.end_s())


def still(source: Source, *, short_side_px: int, at_s: float | None = None) -> Frame:
    """Return the frame that is shown at this time; without one, a keyframe that is not dull.

    Its pixels, and what is raised, are as with `footage`.
    """
    with _needs_extra():
        from tigertag.media.video.frames import FrameReader
        from tigertag.media.video.opening import opened

        with opened(source) as decoder:
            reader = FrameReader(decoder, short_side_px)
            shown = _candidates(reader) if at_s is None else reader.shown_at([max(0.0, at_s)])
            frames = list(shown)
    if not frames:
        raise Unreadable(NO_FRAME)
    return good_frames(frames)[0]


@contextmanager
def _needs_extra() -> Iterator[None]:
    try:
        yield
    except ImportError as exc:
        raise Unreadable(
            "Videos need the extra `video`; install it with: pip install 'tigertag[video]'.",
            retryable=True,
        ) from exc


def _sampler(sampling: Sampling) -> "Callable[[ParallelReader, Sampling, int], Footage]":
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
    return Footage(tuple(pick(times_s, most, reader.shown_at)))


def _keyframes(reader: "ParallelReader", _sampling: Sampling, most: int) -> Footage:
    """Return keyframes, at most `most`, spread evenly."""
    return Footage(tuple(pick(reader.decoder.key_times_s(), most, reader.keys_near)))


def _candidates(reader: "FrameReader") -> Iterator[Frame]:
    """Yield keyframes up to the first one that is not dull."""
    for share in _STILL_SHARES:
        for frame in reader.keys_near([share * reader.decoder.duration_s]):
            yield frame
            if not is_dull(frame):
                return
