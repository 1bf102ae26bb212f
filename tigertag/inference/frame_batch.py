"""The samples of one call of `tag`: their frames go to a network, outcomes come back by sample."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tigertag.contracts import Embedding, Failed, Labelled, Outcome, RunContext
from tigertag.model import Label, Pixels, Sample

View = TypeVar("View")
Output = TypeVar("Output")

Labels = tuple[Label, ...]


@dataclass(slots=True)
class _Pending(Generic[Output]):
    """A sample whose frames are with the network; frames are known by their number."""

    sample: Sample
    since_s: float
    usable: int
    outputs: dict[int, Output | None] = field(default_factory=dict)


def _no_remainder(_each: Sequence[Labels]) -> float | None:
    return None


def _no_embedding(_each: Sequence[Any]) -> Embedding | None:
    return None


@dataclass(slots=True)
class FrameBatch(Generic[View, Output]):
    """What a network sees of samples, and what is made of its outputs.

    `view` gives what the network sees of a frame; it raises ValueError for pixels that it cannot
    use. `labels` reads the output for a frame at a time, `embedding` those for all frames, and
    `remainder` the labels of all frames; see `Labelled` for all but the first.
    """

    samples: Sequence[Sample]
    run: RunContext
    view: Callable[[Pixels], View]
    model: str
    labels: Callable[[Output, float | None], Labels]
    remainder: Callable[[Sequence[Labels]], float | None] = _no_remainder
    embedding: Callable[[Sequence[Output]], Embedding | None] = _no_embedding
    fingerprint: str = ""
    _sent: list[tuple[_Pending[Output], int]] = field(default_factory=list)
    _unusable: list[str] = field(default_factory=list)

    def views(self) -> Iterator[View]:
        """Yield what the network is to see, in the order that `take` counts in.

        Ends early when the run is cancelled.
        """
        for sample in self.samples:
            if self.run.cancelled():
                return
            since_s, views = time.perf_counter(), self._views(sample)
            pending: _Pending[Output] = _Pending(sample, since_s, len(views))
            if not views:
                self._unusable.append(sample.id)
            for number, view in views.items():
                self._sent.append((pending, number))
                yield view

    def take(self, sent: int, output: Output | None) -> Iterator[Outcome]:
        """Take the output for a view; yield the sample's outcome if it was its last.

        None: the network gave no numbers for it.
        """
        pending, number = self._sent[sent]
        pending.outputs[number] = output
        if len(pending.outputs) == pending.usable:
            yield self._outcome(pending)

    def unusable(self) -> Iterator[Outcome]:
        """Yield an outcome for each sample that has no frame that can be looked at."""
        for name in self._unusable:
            yield Failed(name, "There is no picture in it that can be looked at.", retryable=False)

    def _views(self, sample: Sample) -> dict[int, View]:
        views = {}
        for number, frame in enumerate(sample.frames):
            try:
                views[number] = self.view(frame.pixels)
            except ValueError:
                continue
        return views

    def _outcome(self, pending: _Pending[Output]) -> Outcome:
        sample, outputs = pending.sample, pending.outputs
        each: list[Labels] = []
        usable: list[Output] = []
        for number, output in sorted(outputs.items(), key=lambda entry: entry[0]):
            if output is None:
                return Failed(sample.id, f"{self.model} gave no numbers for it.", retryable=False)
            each.append(self.labels(output, sample.frames[number].at_s))
            usable.append(output)
        failed = (frame.at_s or 0.0 for n, frame in enumerate(sample.frames) if n not in outputs)
        times = (sample.frames[number].at_s for number in sorted(outputs))
        return Labelled(
            sample.id,
            tuple(label for labels in each for label in labels),
            self.model,
            remainder=self.remainder(each),
            took_s=time.perf_counter() - pending.since_s,
            failed_frames=tuple(failed),
            frames=tuple(at_s for at_s in times if at_s is not None),
            fingerprint=self.fingerprint,
            embedding=self.embedding(usable),
        )
