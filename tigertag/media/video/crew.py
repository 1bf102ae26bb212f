"""Reading one film in several places at once."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from tigertag.contracts import Source
from tigertag.media.video.film import Film
from tigertag.media.video.footage import ends_early
from tigertag.media.video.lens import Lens
from tigertag.media.video.opening import opened, side_by_side
from tigertag.model import Frame

T = TypeVar("T")
_LEAST_EACH, _MOST_READERS = 2, 2


class Crew:
    """Opens a film as often as it helps; a stream, which has one place, only once.

    `cancelled` is asked by several threads. Raises what `opened` does.
    """

    def __init__(
        self, source: Source, short_side_px: int, cancelled: Callable[[], bool], stack: ExitStack
    ) -> None:
        self._source = source
        self._cancelled = cancelled
        self._stack = stack
        self.short_side_px = short_side_px
        self.first = Lens(stack.enter_context(opened(source, cancelled)), short_side_px)
        self._lenses = [self.first]

    @property
    def film(self) -> Film:
        return self.first.film

    def end_s(self) -> float:
        """Return where the film ends, if a late frame was asked for and was not there.

        Else, that is its duration. A little more of the file is read, nothing decoded.
        """
        films = [lens.film for lens in self._lenses]
        reached_s = max(film.reached_s for film in films)
        asked_s = max(film.asked_s for film in films)
        film = self.film
        is_odd = reached_s < asked_s or film.is_last(asked_s)
        early = ends_early(reached_s, film.duration_s)
        return film.end_after(reached_s) if is_odd and early else film.duration_s

    def look(
        self, places: Sequence[T], how: Callable[[Lens, Sequence[T]], Iterable[Frame]]
    ) -> list[Frame]:
        """Return the frames that `how` finds at the places, in order, none twice."""
        first, *others = self._enough(len(places))
        parts = _parts(places, 1 + len(others))
        with ThreadPoolExecutor(max(1, len(others))) as pool:
            beside = [
                pool.submit(
                    copy_context().run, lambda lens, part: list(how(lens, part)), lens, part
                )
                for lens, part in zip(others, parts[1:], strict=True)
            ]
            found = [*how(first, parts[0]), *(frame for one in beside for frame in one.result())]
        frames = {frame.at_s or 0.0: frame for frame in found}
        return [frames[at_s] for at_s in sorted(frames)]

    def _enough(self, places: int) -> Sequence[Lens]:
        most = 1
        if isinstance(self._source, Path | bytes):
            keys = len(self.film.keys_s()) or places
            fits = min(side_by_side(self.film.pixels), _MOST_READERS)
            most = max(1, min(fits, places // _LEAST_EACH, keys))
        while len(self._lenses) < most:
            again = opened(self._source, self._cancelled, threads=1)
            film = self._stack.enter_context(again)
            self._lenses.append(Lens(film, self.short_side_px))
        return self._lenses[:most]


def _parts(places: Sequence[T], count: int) -> list[Sequence[T]]:
    ends = [n * len(places) // count for n in range(count + 1)]
    return [places[begin:end] for begin, end in pairwise(ends)]
