"""Reading one video in several places at once."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from tigertag.contracts import Source
from tigertag.media.video import ends_early
from tigertag.media.video.decoder import VideoDecoder
from tigertag.media.video.frames import FrameReader
from tigertag.media.video.opening import opened, side_by_side
from tigertag.model import Frame

T = TypeVar("T")
_LEAST_EACH, _MOST_READERS = 2, 2


class ParallelReader:
    """Opens a video as often as it helps; a stream, which has one place, only once.

    `cancelled` is asked by several threads. Raises what `opened` does.
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
