"""One batch on its way through a network: which outputs are whose, and what they say."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.contracts import Failed, Labelled, Outcome, RunContext
from tigertag.inference.labels import Classes
from tigertag.model import Label, Pixels, Sample

LEAST_PROBABILITY: Final = 1e-3
_SUM_TOLERANCE: Final = 1e-3

Square = NDArray[np.uint8]
View = Callable[[Pixels], Square]
Probabilities = NDArray[np.float64]


@dataclass(slots=True)
class _Waiting:
    """A sample whose frames are with the network; frames are known by their number."""

    sample: Sample
    since_s: float
    usable: int
    said: dict[int, Probabilities] = field(default_factory=dict)


class Asking:
    """The samples of one call of `tag`."""

    def __init__(
        self,
        batch: Sequence[Sample],
        run: RunContext,
        view: View,
        model: str,
        classes: Classes,
    ) -> None:
        """`view` raises ValueError for pixels that it cannot use."""
        self._batch = batch
        self._run = run
        self._view = view
        self._model = model
        self._classes = classes
        self._sent: list[tuple[_Waiting, int]] = []
        self._unusable: list[str] = []

    def squares(self) -> Iterator[Square]:
        """Yield what the network is to see, in the order that `take` counts in.

        Ends early when the run is cancelled.
        """
        for sample in self._batch:
            if self._run.cancelled():
                return
            since_s, squares = time.perf_counter(), self._seen(sample)
            waiting = _Waiting(sample, since_s, len(squares))
            if not squares:
                self._unusable.append(sample.id)
            for number, square in squares.items():
                self._sent.append((waiting, number))
                yield square

    def take(self, sent: int, outputs: NDArray[np.float32]) -> Iterator[Outcome]:
        """Take the outputs for a square; yield the sample's outcome if they were its last."""
        waiting, number = self._sent[sent]
        waiting.said[number] = probabilities(outputs)
        if len(waiting.said) == waiting.usable:
            yield self._outcome(waiting)

    def unusable(self) -> Iterator[Outcome]:
        """Yield an outcome for each sample that has no frame that can be looked at."""
        for name in self._unusable:
            yield Failed(name, "There is no picture in it that can be looked at.", retryable=False)

    def _seen(self, sample: Sample) -> dict[int, Square]:
        squares = {}
        for number, frame in enumerate(sample.frames):
            try:
                squares[number] = self._view(frame.pixels)
            except ValueError:
                continue
        return squares

    def _outcome(self, waiting: _Waiting) -> Outcome:
        sample, said = waiting.sample, waiting.said
        if not all(np.isfinite(one).all() for one in said.values()):
            return Failed(sample.id, f"{self._model} gave no numbers for it.", retryable=False)
        each = [self._labels(said[n], sample.frames[n].at_s) for n in sorted(said)]
        left_out = [max(0.0, 1.0 - sum(one.confidence for one in labels)) for labels in each]
        failed = (frame.at_s or 0.0 for n, frame in enumerate(sample.frames) if n not in said)
        times = (sample.frames[number].at_s for number in sorted(said))
        return Labelled(
            sample.id,
            tuple(label for labels in each for label in labels),
            self._model,
            remainder=fmean(left_out) if self._classes.all_concepts else None,
            took_s=time.perf_counter() - waiting.since_s,
            failed_frames=tuple(failed),
            frames=tuple(at_s for at_s in times if at_s is not None),
        )

    def _labels(self, said: Probabilities, at_s: float | None) -> tuple[Label, ...]:
        """Return what is said of one frame, surest first."""
        names, concepts = self._classes.names, self._classes.concepts
        ranked = np.argsort(-said, kind="stable")
        return tuple(
            Label(names[n], float(said[n]), concepts[n], at_s=at_s)
            for n in ranked[: int((said >= LEAST_PROBABILITY).sum())].tolist()
        )


def probabilities(outputs: NDArray[Any]) -> Probabilities:
    """Return the softmax of the outputs, or themselves if they are a distribution already."""
    values: Probabilities = outputs.astype(np.float64)
    if np.min(values) >= 0 and abs(values.sum() - 1) <= _SUM_TOLERANCE:
        return values
    powers: Probabilities = np.exp(values - np.max(values))
    powers /= powers.sum()
    return powers
