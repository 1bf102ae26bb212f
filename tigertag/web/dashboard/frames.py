"""Labels in their places: the boxes on a picture, and the frames of a video."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tigertag.core import Core
from tigertag.model import UNKNOWN_FACE, Answer, Box, Kind, Label, Thresholds
from tigertag.services import thumbnails
from tigertag.services.views import Answered
from tigertag.text import count

_ROOM_ABOVE = 7.0
_NEAR_THE_END = 60.0
_MOST_LABELS = 3
_MOST_BOXES = 40
_USUALLY_SURE = 0.5
"""Of an engine that is not configured any more."""
# In percent of a picture of usual size, the name followed by its confidence.
_LETTER_WIDTH = 1.7
_NAME_HEIGHT = 4.5
_MOST_NAMES = 4
# Of an engine's threshold: together with other frames, such a label may still lead to a tag.
_SHOWN_FROM = 0.5


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box, in percent of the upright picture.

    `style`: known, unsure (below the engine's threshold: even a stranger's face resembles somebody)
    or unknown (a face that resembles nobody). `at_s`: the second of a video on whose frame it is
    drawn; None: it is drawn on the picture. `has_room`: its name can be written without covering
    that of a surer one.
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
    has_room: bool = True

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

    def name_covers(self, other: "DrawnBox") -> bool:
        """Whether the two names would lie on each other."""
        (left, top), (others_left, others_top) = self._name_corner, other._name_corner
        apart = left + self._name_width < others_left or others_left + other._name_width < left
        return not apart and abs(top - others_top) < _NAME_HEIGHT

    @property
    def _name_width(self) -> float:
        return (len(self.name) + 5) * _LETTER_WIDTH

    @property
    def _name_corner(self) -> tuple[float, float]:
        left = self.name_x - self._name_width if self.at_end else self.name_x
        return left, self.y if self.inside else self.y - _NAME_HEIGHT


def boxes(core: Core, answered: Sequence[Answered]) -> tuple[DrawnBox, ...]:
    """Return the boxes of the engines' current answers, from left to right, in videos by time.

    Of things only those that are sure are drawn, and at most 40 a picture: a detector says more
    than anybody could tell apart.
    """
    thresholds = _thresholds(core)
    by_time: dict[float, list[DrawnBox]] = {}
    for answer in _newest(answered):
        for label in answer.labels:
            if label.box is not None:
                least = _least(thresholds, answer, label)
                box = _drawn(label, label.box, answer.engine, least)
                if box.face or box.style == "known":
                    by_time.setdefault(label.at_s or 0.0, []).append(box)
    drawn = [box for each in by_time.values() for box in _legible(each)]
    return tuple(sorted(drawn, key=lambda box: (box.at_s or 0.0, box.x, box.y)))


def _legible(boxes: Iterable[DrawnBox]) -> Sequence[DrawnBox]:
    """Return the surest boxes of a picture; names that would cover a surer one's have no room."""
    surest = sorted(boxes, key=lambda box: (not box.face, -box.confidence))[:_MOST_BOXES]
    named: list[DrawnBox] = []
    for box in surest:
        if box.face or not any(map(box.name_covers, named)):
            named.append(box)
    return [box if box in named else replace(box, has_room=False) for box in surest]


def _thresholds(core: Core) -> dict[str, Thresholds]:
    return {entry.id: entry.thresholds for entry in core.engines}


def _least(thresholds: Mapping[str, Thresholds], answer: Answer, label: Label) -> float:
    """Return how sure a label must be to be shown as sure.

    That is so of what is no tag, too, such as a face that only speaks for a person.
    """
    if answer.engine not in thresholds:
        return _USUALLY_SURE
    return thresholds[answer.engine].of_model(answer.model).least_evidence(label.name)


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
    """Count the boxes in words: "2 faces, 1 unknown", "person (3), dog"."""
    faces = [box for box in boxes if box.face]
    things = Counter(box.name for box in boxes if not box.face).most_common()
    unknown = sum(box.style != "known" for box in faces)
    parts = [count(len(faces), "face")] if faces else []
    if unknown:
        parts.append(f"{unknown} unknown")
    parts += [name if number == 1 else f"{name} ({number})" for name, number in things]
    if len(things) > _MOST_NAMES:
        more = len(things) - _MOST_NAMES
        parts[-more:] = [f"{more} more"]
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
    answers: Iterable[Answer], at_s: float, thresholds: Mapping[str, Thresholds]
) -> tuple[FrameLabel, ...]:
    """Return the best labels of a frame, each name once."""
    best: dict[str, FrameLabel] = {}
    for answer in answers:
        # An engine that saw the whole video may name a time that is no frame of its own.
        if at_s not in answer.frames:
            continue
        for label in answer.labels:
            threshold = _least(thresholds, answer, label)
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
    """The best label of a name in an answer, and in how many frames it is.

    `boxes`: in how many places of a photo, where the engine says so.
    """

    label: Label
    frames: int
    boxes: int = 0


def best_labels(answer: Answer) -> tuple[BestLabel, ...]:
    """Return the labels of an answer, most confident first; of a video each name once.

    Of a photo, too, things with boxes are shown once by name: thirty persons are one line.
    """
    ranked = sorted(answer.labels, key=lambda label: -label.confidence)
    if not answer.frames:
        places = Counter(label.name for label in ranked if _is_thing(label))
        first = {label.name: label for label in reversed(ranked) if _is_thing(label)}
        shown = (label for label in ranked if first.get(label.name, label) is label)
        return tuple(BestLabel(label, 0, places.get(label.name, 0)) for label in shown)
    by_name: dict[tuple[Kind, str], list[Label]] = {}
    for label in ranked:
        by_name.setdefault((label.kind, label.name.casefold()), []).append(label)
    return tuple(
        BestLabel(labels[0], len({label.at_s for label in labels})) for labels in by_name.values()
    )


def _is_thing(label: Label) -> bool:
    return label.box is not None and label.kind is not Kind.FACE
