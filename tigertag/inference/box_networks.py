"""Networks that give boxes, run over pictures: a whole picture, or parts of a long one, each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tigertag.inference.boxes import Detections, Part, Picture, clipped, parts, suppressed
from tigertag.inference.preprocessing import Arrays
from tigertag.inference.runtime import NetworkSession


class BoxNetwork(Protocol):
    """A network, open, and how a part of a picture goes in and its outputs come out."""

    @property
    def session(self) -> NetworkSession: ...

    def prepared(self, part: Picture) -> NDArray[Any]:
        """Return what the network takes."""
        ...

    def found(self, outputs: Arrays, width: int, height: int) -> Detections:
        """Return the boxes in fractions of the part, which is so large.

        Raises ValueError: the outputs are not those of such a network.
        """
        ...


@dataclass(slots=True)
class _Pending:
    """A picture whose parts are with the network."""

    width: int
    height: int
    parts: tuple[Part, ...]
    found: dict[int, Detections | None] = field(default_factory=dict)


def detect(
    network: BoxNetwork, pictures: Iterable[Picture]
) -> Iterator[tuple[int, Detections | None]]:
    """Yield each picture's number and what is in it, in fractions of it, early, in any order.

    None: the network gave no numbers for it. Raises `ModelError`.
    """
    sent: dict[int, tuple[int, _Pending, int]] = {}
    images_sent = count()

    def images() -> Iterator[NDArray[Any]]:
        for number, picture in enumerate(pictures):
            height, width, _ = picture.shape
            pending = _Pending(width, height, parts(width, height))
            for nth, part in enumerate(pending.parts):
                sent[next(images_sent)] = (number, pending, nth)
                yield network.prepared(part.of(picture))

    for image, outputs in network.session.run_all(images()):
        number, pending, nth = sent.pop(image)
        part = pending.parts[nth]
        try:
            pending.found[nth] = network.found(outputs, part.width, part.height)
        except ValueError:
            pending.found[nth] = None
        if len(pending.found) == len(pending.parts):
            yield number, _whole(pending)


def _whole(pending: _Pending) -> Detections | None:
    """Join what was found in the parts of a picture."""
    each: list[Detections] = []
    for nth, part in enumerate(pending.parts):
        found = pending.found[nth]
        if found is None:
            return None
        origin = np.array([part.left, part.top] * 2)
        boxes = found.boxes * ([part.width, part.height] * 2) + origin
        boxes /= [pending.width, pending.height] * 2
        each.append(Detections(boxes, found.scores, found.classes))
    if len(each) == 1:
        return clipped(each[0])
    part_of = np.repeat(np.arange(len(each)), [len(found) for found in each])
    return clipped(suppressed(Detections.joined(each), part_of=part_of))
