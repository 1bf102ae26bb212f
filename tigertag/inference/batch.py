"""One batch on its way through a network: which outputs belong to which sample, and its labels."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.contracts import Failed, Labelled, Outcome, RunContext
from tigertag.inference.network import Classes
from tigertag.model import Label, Pixels, Sample

LEAST_PROBABILITY: Final = 1e-3
_SUM_TOLERANCE: Final = 1e-3

Square = NDArray[np.uint8]
Probabilities = NDArray[np.float64]


@dataclass(slots=True)
class _Pending:
    """A sample whose frames are with the network; frames are known by their number."""

    sample: Sample
    since_s: float
    usable: int
    outputs: dict[int, Probabilities] = field(default_factory=dict)


class InferenceBatch:
    """The samples of one call of `tag`."""

    def __init__(
        self,
        samples: Sequence[Sample],
        run: RunContext,
        view: Callable[[Pixels], Square],
        model: str,
        classes: Classes,
    ) -> None:
        """`view` raises ValueError for pixels that it cannot use."""
        self._samples = samples
        self._run = run
        self._view = view
        self._model = model
        self._classes = classes
        self._sent: list[tuple[_Pending, int]] = []
        self._unusable: list[str] = []

    def squares(self) -> Iterator[Square]:
        """Yield what the network is to see, in the order that `take` counts in.

        Ends early when the run is cancelled.
        """
        for sample in self._samples:
            if self._run.cancelled():
                return
            since_s, squares = time.perf_counter(), self._views(sample)
            pending = _Pending(sample, since_s, len(squares))
            if not squares:
                self._unusable.append(sample.id)
            for number, square in squares.items():
                self._sent.append((pending, number))
                yield square

    def take(self, sent: int, outputs: NDArray[np.float32]) -> Iterator[Outcome]:
        """Take the outputs for a square; yield the sample's outcome if they were its last."""
        pending, number = self._sent[sent]
        pending.outputs[number] = probabilities(outputs)
        if len(pending.outputs) == pending.usable:
            yield self._outcome(pending)

    def unusable(self) -> Iterator[Outcome]:
        """Yield an outcome for each sample that has no frame that can be looked at."""
        for name in self._unusable:
            yield Failed(name, "There is no picture in it that can be looked at.", retryable=False)

    def _views(self, sample: Sample) -> dict[int, Square]:
        squares = {}
        for number, frame in enumerate(sample.frames):
            try:
                squares[number] = self._view(frame.pixels)
            except ValueError:
                continue
        return squares

    def _outcome(self, pending: _Pending) -> Outcome:
        sample, outputs = pending.sample, pending.outputs
        if not all(np.isfinite(values).all() for values in outputs.values()):
            return Failed(sample.id, f"{self._model} gave no numbers for it.", retryable=False)
        each = [self._labels(outputs[n], sample.frames[n].at_s) for n in sorted(outputs)]
        left_out = [max(0.0, 1.0 - sum(label.confidence for label in labels)) for labels in each]
        failed = (frame.at_s or 0.0 for n, frame in enumerate(sample.frames) if n not in outputs)
        times = (sample.frames[number].at_s for number in sorted(outputs))
        return Labelled(
            sample.id,
            tuple(label for labels in each for label in labels),
            self._model,
            remainder=fmean(left_out) if self._classes.all_concepts else None,
            took_s=time.perf_counter() - pending.since_s,
            failed_frames=tuple(failed),
            frames=tuple(at_s for at_s in times if at_s is not None),
        )

    def _labels(self, outputs: Probabilities, at_s: float | None) -> tuple[Label, ...]:
        """Return the labels of one frame, surest first."""
        names, concepts = self._classes.names, self._classes.concepts
        ranked = np.argsort(-outputs, kind="stable")
        return tuple(
            Label(names[n], float(outputs[n]), concepts[n], at_s=at_s)
            for n in ranked[: int((outputs >= LEAST_PROBABILITY).sum())].tolist()
        )


def probabilities(outputs: NDArray[Any]) -> Probabilities:
    """Return the softmax of the outputs, or themselves if they are a distribution already."""
    values: Probabilities = outputs.astype(np.float64)
    if np.min(values) >= 0 and abs(values.sum() - 1) <= _SUM_TOLERANCE:
        return values
    powers: Probabilities = np.exp(values - np.max(values))
    powers /= powers.sum()
    return powers
