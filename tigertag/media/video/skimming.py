"""Shots found on keyframes, so that a film need not be decoded."""

from collections.abc import Iterator, Sequence

from tigertag.contracts import Sampling
from tigertag.media.video import runs, worth
from tigertag.media.video.content import Watch
from tigertag.media.video.crew import Crew
from tigertag.media.video.keyframes import places_s
from tigertag.media.video.lens import Lens
from tigertag.media.video.picking import picked
from tigertag.media.video.runs import Run
from tigertag.model import Frame

_LOOKS_EACH, _LOOKS_MORE = 3, 16
_AROUND = 2
_REFINED = 32
_SHARE = 1 / 3


def frames(crew: Crew, sampling: Sampling, most: int) -> list[Frame]:
    """Return one frame of each shot, of `most` of them.

    Of a long film not all keyframes are looked at, but so many that there is choice enough; then
    those around the ones that are used, unless these are more than 32.
    """
    skim = Skim(crew, sampling.scene_threshold)
    found = skim.found(_LOOKS_EACH * most + _LOOKS_MORE)
    skim.refines = min(len(found), most) <= _REFINED
    return picked(found, most, lambda chosen: crew.look(chosen, skim.frames))


class Skim:
    """Looks at the keyframes of one film."""

    def __init__(self, crew: Crew, threshold: float) -> None:
        self._crew = crew
        self._threshold = threshold
        self._places_s = places_s(crew.film)
        self._all = True
        self.refines = True

    def found(self, most: int) -> list[Run]:
        """Return the shots that are seen on so many keyframes, spread over the film."""
        chosen = worth.spread(len(self._places_s), most)
        self._all = len(chosen) == len(self._places_s)
        seen = self._crew.look([self._places_s[n] for n in chosen], Lens.thumbs_near)
        return runs.of(seen, self._threshold, self._crew.film.duration_s)

    def frames(self, lens: Lens, chosen: Sequence[Run]) -> Iterator[Frame]:
        """Yield the frame in the middle of each of these shots."""
        for run in chosen:
            whole = self._around(lens, run) if self.refines and not self._all else run
            if self.refines and len(whole.times_s) == 1:
                yield from self._beside(lens, whole)
            else:
                yield from lens.shown_at([whole.middle_s])

    def _around(self, lens: Lens, run: Run) -> Run:
        """Look at the keyframes next to the middle one of a shot, to see how far the shot goes."""
        at_s, places_s = run.middle_s, self._places_s
        place = min(range(len(places_s)), key=lambda n: abs(places_s[n] - at_s))
        end = place + _AROUND + 1
        seen = list(lens.thumbs_near(places_s[max(0, place - _AROUND) : end]))
        end_s = seen[-1].at_s if seen and end < len(places_s) else None
        found = runs.of(seen, self._threshold, end_s or lens.film.duration_s)
        return next((one for one in found if at_s in one.times_s), run)

    def _beside(self, lens: Lens, run: Run) -> Iterator[Frame]:
        """Yield a frame after the only keyframe of a shot; that one, if the other is of another."""
        key_s = run.times_s[0]
        later_s = key_s + _SHARE * (run.next_s - key_s)
        watch, best = Watch(self._threshold), None
        for one in lens.film.shown_at([key_s, later_s]):
            if not watch.sees_other(lens.thumb(one)):
                best = one
        if best is not None:
            yield lens.see(best)
