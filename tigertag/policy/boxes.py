"""From boxes to words that people search by: what contains the things, how many there are, where.

What stands above a thing in the concept tree (animal, fruit, kitchen) is a word of its own. What
follows from a number of boxes, or from things beside each other, is in `data/boxes.json`: rules
that held on photographs of homes, see docs/concepts.md. Each word stands on the boxes behind it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tigertag.concepts import Concepts
from tigertag.model import Label


@dataclass(frozen=True, slots=True)
class Thing:
    """What an answer's boxes show for sure: one class, its boxes, and the answer's confidence.

    `counts`: the confidence that there are at least so many, for one, two, … boxes.
    """

    name: str
    concept: str | None
    labels: tuple[Label, ...]
    counts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word that follows from boxes, and those boxes."""

    name: str
    concept: str | None
    confidence: float
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """`word` follows from `kinds` of the classes `of`, one of which has so many `boxes`."""

    word: str
    of: frozenset[str]
    boxes: int = 1
    kinds: int = 1

    def applied(self, things: Mapping[str, Thing], concepts: Concepts) -> Word | None:
        enough = [
            thing
            for name, thing in things.items()
            if name in self.of and len(thing.counts) >= self.boxes
        ]
        if len(enough) < self.kinds:
            return None
        enough.sort(key=lambda thing: -thing.counts[self.boxes - 1])
        labels = tuple(label for thing in enough for label in thing.labels)
        confidence = enough[self.kinds - 1].counts[self.boxes - 1]
        return Word(self.word, concepts.find(self.word), confidence, labels)


def words(things: Sequence[Thing], concepts: Concepts) -> Iterator[Word]:
    """Yield what follows from things, the same word as often as it follows from another one."""
    for thing in things:
        if thing.concept is not None and concepts.get(thing.concept):
            for above in concepts.general_ancestors(thing.concept):
                yield Word(concepts.name(above), above, thing.counts[0], thing.labels)
    by_name = {thing.name: thing for thing in things}
    for rule in _rules():
        word = rule.applied(by_name, concepts)
        if word is not None:
            yield word


@cache
def _rules() -> tuple[_Rule, ...]:
    # Imported here because they take longer than the rest of this module.
    import json
    from importlib.resources import files

    text = files("tigertag").joinpath("data", "boxes.json").read_text(encoding="utf-8")
    return tuple(_Rule(**{**rule, "of": frozenset(rule["of"])}) for rule in json.loads(text))
