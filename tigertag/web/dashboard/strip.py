"""The frames of a video that engines looked at, and what they said of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tigertag.core import Core
from tigertag.model import UNKNOWN_FACE, Answer, Kind, Label
from tigertag.services import thumbnails
from tigertag.services.views import Answered
from tigertag.web.dashboard import boxes
from tigertag.web.dashboard.boxes import Drawn

_MOST_LABELS = 3
_WORTH_SHOWING = 0.5
"""Of an engine's threshold: what is surer may speak for a tag together with other frames."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A label as a frame shows it. `sure`: it would be a tag if the frame were a photo."""

    name: str
    confidence: float
    engine: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Still:
    """A frame: its name in addresses, the labels that speak at that time, the boxes on it."""

    at_s: float
    at_ms: int
    labels: tuple[Spoken, ...]
    boxes: tuple[Drawn, ...]

    @property
    def faces(self) -> str:
        """What the labels do not tell of the boxes, in words; "" where they tell all."""
        named = {label.name for label in self.labels if label.sure}
        return "" if {one.name for one in self.boxes} <= named else boxes.summary(self.boxes)


@dataclass(frozen=True, slots=True)
class Said:
    """A name that an answer says, its best label, and how many frames say it."""

    label: Label
    frames: int


def of_answers(core: Core, answered: Sequence[Answered]) -> tuple[Still, ...]:
    """Return the frames that the newest answers about the video as it is now name, by time."""
    answers, least = list(boxes.newest(answered)), boxes.least(core)
    drawn = boxes.of_answers(core, answered)
    times = {thumbnails.milliseconds(at_s): at_s for one in answers for at_s in one.frames}
    return tuple(
        Still(
            at_s,
            at_ms,
            _spoken(answers, at_s, least),
            tuple(one for one in drawn if one.at_s == at_s),
        )
        for at_ms, at_s in sorted(times.items())
    )


def _spoken(
    answers: Iterable[Answer], at_s: float, least: Mapping[str, float]
) -> tuple[Spoken, ...]:
    """Return the best labels of a frame, each name once."""
    best: dict[str, Spoken] = {}
    for answer in answers:
        if at_s not in answer.frames:
            continue
        enough = least.get(answer.engine, 0.0)
        for label in answer.labels:
            if label.at_s != at_s or label.confidence < enough * _WORTH_SHOWING:
                continue
            if label.name == UNKNOWN_FACE and label.kind is Kind.FACE:
                continue
            sure = label.confidence >= enough
            found = Spoken(label.name, label.confidence, answer.engine, sure)
            known = best.setdefault(label.name.casefold(), found)
            if _rank(found) < _rank(known):
                best[label.name.casefold()] = found
    return tuple(sorted(best.values(), key=_rank)[:_MOST_LABELS])


def _rank(spoken: Spoken) -> tuple[bool, float]:
    return not spoken.sure, -spoken.confidence


def said(answer: Answer) -> tuple[Said, ...]:
    """Return what an answer says, surest first; of a video each name once."""
    ranked = sorted(answer.labels, key=lambda label: -label.confidence)
    if not answer.frames:
        return tuple(Said(label, 0) for label in ranked)
    alike: dict[tuple[Kind, str], list[Label]] = {}
    for label in ranked:
        alike.setdefault((label.kind, label.name.casefold()), []).append(label)
    return tuple(Said(some[0], len({one.at_s for one in some})) for some in alike.values())
