"""The boxes of what engines saw, as they are drawn on the picture and listed beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tigertag.core import Core
from tigertag.model import UNKNOWN_FACE, Answer, Box, Kind, Label
from tigertag.services.views import Answered
from tigertag.text import count

_ROOM_ABOVE = 7.0
_NEAR_THE_END = 60.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A box, in percent of the upright picture.

    `style`: known, unsure (below the engine's threshold: a stranger's face is like somebody's, too)
    or unknown (a face like nobody's).
    `at_s`: the second of a video on whose frame it is drawn; None: it is drawn on the picture.
    """

    name: str
    confidence: float
    style: str
    face: bool
    engine: str
    at_s: float | None
    x: float
    y: float
    width: float
    height: float

    @property
    def name_x(self) -> float:
        """Where its name begins, or ends where it is `at_end`."""
        return self.x + self.width if self.at_end else self.x

    @property
    def at_end(self) -> bool:
        return self.x > _NEAR_THE_END

    @property
    def inside(self) -> bool:
        """Whether its name is written in it, since there is no room above."""
        return self.y < _ROOM_ABOVE


def of_answers(core: Core, answered: Sequence[Answered]) -> tuple[Drawn, ...]:
    """Return the boxes of each engine's newest answer about the picture as it is now.

    They come from left to right, those of a video by time.
    """
    enough = least(core)
    found = [
        _drawn(label, label.box, answer.engine, enough.get(answer.engine, 0.0))
        for answer in newest(answered)
        for label in answer.labels
        if label.box is not None
    ]
    return tuple(sorted(found, key=lambda one: (one.at_s or 0.0, one.x, one.y)))


def least(core: Core) -> dict[str, float]:
    """Return, by engine, from what confidence on it is believed."""
    return {entry.id: entry.thresholds.min_confidence for entry in core.engines}


def newest(answered: Sequence[Answered]) -> Iterator[Answer]:
    """Yield the newest current answer of each engine; they come with the newest first."""
    seen: set[str] = set()
    for one in answered:
        if one.current and one.answer.engine not in seen:
            seen.add(one.answer.engine)
            yield one.answer


def _drawn(label: Label, box: Box, engine: str, least: float) -> Drawn:
    face = label.kind is Kind.FACE
    unknown = face and label.name == UNKNOWN_FACE
    style = "unknown" if unknown else "known" if label.confidence >= least else "unsure"
    return Drawn(
        label.name,
        label.confidence,
        style,
        face,
        engine,
        label.at_s,
        _percent(box.left),
        _percent(box.top),
        _percent(box.right - box.left),
        _percent(box.bottom - box.top),
    )


def _percent(fraction: float) -> float:
    return round(fraction * 100, 2)


def summary(boxes: Sequence[Drawn]) -> str:
    """Say how many there are: "2 faces, 1 of nobody known"."""
    faces = [one for one in boxes if one.face]
    others = len(boxes) - len(faces)
    unknown = sum(one.style != "known" for one in faces)
    parts = [count(len(faces), "face")] if faces else []
    if unknown:
        parts.append(f"{unknown} of nobody known")
    if others:
        parts.append(count(others, "other mark" if faces else "mark"))
    return ", ".join(parts)
