"""Detection: networks that say what is where, over whole batches of samples, and their labels."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import numpy as np

from tigertag.contracts import Failed, Labelled, Outcome, RunContext
from tigertag.inference.box_networks import BoxNetwork, detect
from tigertag.inference.boxes import Detections, Picture
from tigertag.inference.coco import CocoClass
from tigertag.inference.preprocessing import checked_pixels
from tigertag.model import Box, Label, Sample
from tigertag.sequences import batched

DETECTION_VERSION: Final = 1
"""Changes when the same picture may get other boxes."""
MOST_LABELS: Final = 100
_GROUP: Final = 16
_DIGITS: Final = 5
"""Of a box's edges: a pixel of the largest picture. More would only fill the database."""


class Detector:
    """One or more networks that look at the same pictures. Thread-safe."""

    def __init__(self, networks: Sequence[BoxNetwork], classes: Sequence[CocoClass]) -> None:
        """`classes`: what the numbers of the networks' classes mean."""
        self._networks = tuple(networks)
        self._classes = tuple(classes)

    def detect(self, pictures: Iterable[Picture]) -> Iterator[tuple[int, Detections | None]]:
        """See `detect`. What the networks say of a picture comes together."""
        if len(self._networks) == 1:
            yield from detect(self._networks[0], pictures)
            return
        # One network after the other: threads that hold requests of one while they wait for those
        # of another could wait for each other.
        numbers = count()
        for group in batched(pictures, _GROUP):
            found: list[list[Detections | None]] = [[] for _ in group]
            for network in self._networks:
                for nth, each in detect(network, group):
                    found[nth].append(each)
            for each_network in found:
                yield next(numbers), _together(each_network)

    def labels(self, found: Detections, at_s: float | None) -> tuple[Label, ...]:
        """Return the labels of one picture, surest first, at most `MOST_LABELS`."""
        ranked = np.argsort(-found.scores, kind="stable")[:MOST_LABELS]
        labels = []
        for nth in ranked.tolist():
            known = self._classes[int(found.classes[nth])]
            box = Box(*(round(edge, _DIGITS) for edge in found.boxes[nth].tolist()))
            confidence = float(found.scores[nth])
            labels.append(Label(known.name, confidence, known.concept, box=box, at_s=at_s))
        return tuple(labels)


def _together(found: Sequence[Detections | None]) -> Detections | None:
    known = [each for each in found if each is not None]
    return Detections.joined(known) if len(known) == len(found) else None


@dataclass(slots=True)
class _Looked:
    """A sample whose frames are with the detector; frames are known by their number."""

    sample: Sample
    since_s: float
    usable: int
    found: dict[int, Detections | None] = field(default_factory=dict)


class DetectionBatch:
    """The samples of one call of `tag`."""

    def __init__(
        self, samples: Sequence[Sample], run: RunContext, detector: Detector, model: str
    ) -> None:
        self._samples = samples
        self._run = run
        self._detector = detector
        self._model = model
        self._sent: list[tuple[_Looked, int]] = []
        self._unusable: list[str] = []

    def outcomes(self, fingerprint: str) -> Iterator[Outcome]:
        """Yield one outcome a sample, early; fewer when the run is cancelled."""
        for sent, found in self._detector.detect(self._pictures()):
            looked, number = self._sent[sent]
            looked.found[number] = found
            if len(looked.found) == looked.usable:
                yield self._outcome(looked, fingerprint)
        for name in self._unusable:
            yield Failed(name, "There is no picture in it that can be looked at.", retryable=False)

    def _pictures(self) -> Iterator[Picture]:
        for sample in self._samples:
            if self._run.cancelled():
                return
            since_s, pictures = time.perf_counter(), _usable(sample)
            looked = _Looked(sample, since_s, len(pictures))
            if not pictures:
                self._unusable.append(sample.id)
            for number, picture in pictures.items():
                self._sent.append((looked, number))
                yield picture

    def _outcome(self, looked: _Looked, fingerprint: str) -> Outcome:
        sample, found = looked.sample, looked.found
        labels: list[Label] = []
        for number in sorted(found):
            each = found[number]
            if each is None:
                return Failed(sample.id, f"{self._model} gave no numbers for it.", retryable=False)
            labels += self._detector.labels(each, sample.frames[number].at_s)
        failed = (frame.at_s or 0.0 for n, frame in enumerate(sample.frames) if n not in found)
        times = (sample.frames[number].at_s for number in sorted(found))
        return Labelled(
            sample.id,
            tuple(labels),
            self._model,
            took_s=time.perf_counter() - looked.since_s,
            failed_frames=tuple(failed),
            frames=tuple(at_s for at_s in times if at_s is not None),
            fingerprint=fingerprint,
        )


def _usable(sample: Sample) -> dict[int, Picture]:
    pictures = {}
    for number, frame in enumerate(sample.frames):
        try:
            pictures[number] = checked_pixels(frame.pixels)
        except ValueError:
            continue
    return pictures
