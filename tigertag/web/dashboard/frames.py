"""Labels in their places: the boxes on a picture, and the frames of a video."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tigertag.core import Core
from tigertag.model import UNKNOWN_FACE, Answer, Box, Kind, Label
from tigertag.services import thumbnails
from tigertag.services.views import Answered
from tigertag.text import count

_ROOM_ABOVE = 7.0
_NEAR_THE_END = 60.0
_MOST_LABELS = 3
# Of an engine's threshold: together with other frames, such a label may still lead to a tag.
_SHOWN_FROM = 0.5


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box, in percent of the upright picture.

    `style`: known, unsure (below the engine's threshold: even a stranger's face resembles somebody)
    or unknown (a face that resembles nobody). `at_s`: the second of a video on whose frame it is
    drawn; None: it is drawn on the picture.
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
        """Where its name begins, or ends if it is `at_end`."""
        return self.x + self.width if self.at_end else self.x

    @property
    def at_end(self) -> bool:
        return self.x > _NEAR_THE_END

    @property
    def inside(self) -> bool:
        """Whether its name is written inside, because there is no room above."""
        return self.y < _ROOM_ABOVE


def boxes(core: Core, answered: Sequence[Answered]) -> tuple[DrawnBox, ...]:
    """Return the boxes of the engines' current answers, from left to right, in videos by time."""
    thresholds = _thresholds(core)
    drawn = [
        _drawn(label, label.box, answer.engine, thresholds.get(answer.engine, 0.0))
        for answer in _newest(answered)
        for label in answer.labels
        if label.box is not None
    ]
    return tuple(sorted(drawn, key=lambda box: (box.at_s or 0.0, box.x, box.y)))


def _thresholds(core: Core) -> dict[str, float]:
    """Return the minimum confidence of each engine."""
    return {entry.id: entry.thresholds.min_confidence for entry in core.engines}


def _newest(answered: Sequence[Answered]) -> Iterator[Answer]:
    """Yield the newest current answer of each engine; they come newest first."""
    seen: set[str] = set()
    for view in answered:
        if view.current and view.answer.engine not in seen:
            seen.add(view.answer.engine)
            yield view.answer


def _drawn(label: Label, box: Box, engine: str, threshold: float) -> DrawnBox:
    face = label.kind is Kind.FACE
    unknown = face and label.name == UNKNOWN_FACE
    style = "unknown" if unknown else "known" if label.confidence >= threshold else "unsure"
    return DrawnBox(
        label.name,
        label.confidence,
        style,
        face,
        engine,
        label.at_s,
        round(box.left * 100, 2),
        round(box.top * 100, 2),
        round((box.right - box.left) * 100, 2),
        round((box.bottom - box.top) * 100, 2),
    )


def summary(boxes: Sequence[DrawnBox]) -> str:
    """Count the boxes in words: "2 faces, 1 unknown"."""
    faces = [box for box in boxes if box.face]
    others = len(boxes) - len(faces)
    unknown = sum(box.style != "known" for box in faces)
    parts = [count(len(faces), "face")] if faces else []
    if unknown:
        parts.append(f"{unknown} unknown")
    if others:
        parts.append(count(others, "other mark" if faces else "mark"))
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class FrameLabel:
    """A label on a frame. `sure`: it would be a tag if the frame were a photo."""

    name: str
    confidence: float
    engine: str
    sure: bool

    @property
    def rank(self) -> tuple[bool, float]:
        return not self.sure, -self.confidence


@dataclass(frozen=True, slots=True)
class Still:
    """A frame of the strip. `at_ms` names it in addresses."""

    at_s: float
    at_ms: int
    labels: tuple[FrameLabel, ...]
    boxes: tuple[DrawnBox, ...]

    @property
    def faces(self) -> str:
        """The boxes in words; "" if the labels name all of them."""
        named = {label.name for label in self.labels if label.sure}
        return "" if {box.name for box in self.boxes} <= named else summary(self.boxes)


def stills(core: Core, answered: Sequence[Answered]) -> tuple[Still, ...]:
    """Return the frames of the engines' current answers, by time."""
    answers, thresholds = list(_newest(answered)), _thresholds(core)
    drawn = boxes(core, answered)
    times = {thumbnails.milliseconds(at_s): at_s for answer in answers for at_s in answer.frames}
    return tuple(
        Still(
            at_s,
            at_ms,
            _frame_labels(answers, at_s, thresholds),
            tuple(box for box in drawn if box.at_s == at_s),
        )
        for at_ms, at_s in sorted(times.items())
    )


def _frame_labels(
    answers: Iterable[Answer], at_s: float, thresholds: Mapping[str, float]
) -> tuple[FrameLabel, ...]:
    """Return the best labels of a frame, each name once."""
    best: dict[str, FrameLabel] = {}
    for answer in answers:
        # An engine that saw the whole video may name a time that is no frame of its own.
        if at_s not in answer.frames:
            continue
        threshold = thresholds.get(answer.engine, 0.0)
        for label in answer.labels:
            if label.at_s != at_s or label.confidence < threshold * _SHOWN_FROM:
                continue
            if label.name == UNKNOWN_FACE and label.kind is Kind.FACE:
                continue
            sure = label.confidence >= threshold
            candidate = FrameLabel(label.name, label.confidence, answer.engine, sure)
            key = label.name.casefold()
            best[key] = min(best.get(key, candidate), candidate, key=lambda shown: shown.rank)
    return tuple(sorted(best.values(), key=lambda shown: shown.rank)[:_MOST_LABELS])


@dataclass(frozen=True, slots=True)
class BestLabel:
    """The best label of a name in an answer, and the number of frames with that name."""

    label: Label
    frames: int


def best_labels(answer: Answer) -> tuple[BestLabel, ...]:
    """Return the labels of an answer, most confident first; of a video each name once."""
    ranked = sorted(answer.labels, key=lambda label: -label.confidence)
    if not answer.frames:
        return tuple(BestLabel(label, 0) for label in ranked)
    by_name: dict[tuple[Kind, str], list[Label]] = {}
    for label in ranked:
        by_name.setdefault((label.kind, label.name.casefold()), []).append(label)
    return tuple(
        BestLabel(labels[0], len({label.at_s for label in labels})) for labels in by_name.values()
    )
