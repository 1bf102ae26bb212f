"""Detection: networks that say what is where, over whole batches of samples, and their labels."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Final

import numpy as np

from tigertag.inference.box_networks import BoxNetwork, detect
from tigertag.inference.boxes import Detections, Picture
from tigertag.inference.coco import CocoClass
from tigertag.model import Box, Label
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
