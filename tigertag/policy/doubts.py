"""Which decisions are doubtful: words just above or below the confidence from which they are tags.

Of those, a look at one teaches most where engines contradict each other, and where the confidence
is closest to the threshold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tigertag.concepts import Concepts
from tigertag.model import Answer, Kind, Tag, Thresholds, fold
from tigertag.policy.decide import proposed
from tigertag.policy.rules import Rules

MARGIN = 0.15
"""What is further from its threshold is not doubtful."""


@dataclass(frozen=True)
class _Lowered(Rules):
    """The same rules, but what narrowly misses its threshold passes."""

    def threshold(self, names: Iterable[str], engine: str, default: float) -> float:
        return Rules.threshold(self, names, engine, default) - MARGIN

    def lowest_threshold(self, engine: str, default: float) -> float:
        return Rules.lowest_threshold(self, engine, default) - MARGIN


@dataclass(frozen=True, slots=True)
class Doubt:
    """A word that an engine is nearly, or only just, sure enough of.

    `name`: as it would be tagged. `word`: what rules call it. `threshold`: the confidence from
    which on it is a tag. `contradicted`: another engine is on the other side of its threshold.
    """

    name: str
    word: str
    engine: str
    confidence: float
    threshold: float
    contradicted: bool = False

    @property
    def is_tagged(self) -> bool:
        return self.confidence >= self.threshold

    @property
    def use(self) -> float:
        """How much its answer would teach, from 0 to 2."""
        return 1.0 - abs(self.confidence - self.threshold) / MARGIN + self.contradicted


def doubts(
    answers: Iterable[Answer],
    rules: Rules,
    thresholds: Mapping[str, Thresholds],
    concepts: Concepts,
) -> tuple[Doubt, ...]:
    """Return the doubtful words of one item, the most useful first, each word once."""
    every = [
        doubt
        for answer in answers
        for doubt in _considered(
            answer, rules, thresholds[answer.engine].of_model(answer.model), concepts
        )
    ]
    sides: dict[str, set[bool]] = {}
    for doubt in every:
        sides.setdefault(fold(doubt.name), set()).add(doubt.is_tagged)
    near = [
        replace(doubt, contradicted=len(sides[fold(doubt.name)]) == 2)
        for doubt in every
        if abs(doubt.confidence - doubt.threshold) <= MARGIN
    ]
    first: dict[str, Doubt] = {}
    for doubt in sorted(near, key=_by_use):
        first.setdefault(fold(doubt.name), doubt)
    return tuple(first.values())


def _considered(
    answer: Answer, rules: Rules, limits: Thresholds, concepts: Concepts
) -> Iterator[Doubt]:
    """Yield the words that pass their threshold, or narrowly miss it."""
    for tag in proposed(answer, _Lowered(rules.rules), limits, concepts):
        label = tag.because[0].label
        if tag.kind is Kind.FACE or not _is_said(tag, answer, concepts):
            continue
        names = [tag.name] if tag.concept is None else [tag.concept, tag.name]
        said = tag.name if answer.remainder is not None else label.name
        also = [] if answer.remainder is not None else [why.label.name for why in tag.because]
        least = rules.threshold([*names, *also], answer.engine, limits.least(said))
        name = rules.renamed(names, answer.engine) or tag.name
        if least <= 1.0 and not rules.denies([name], answer.engine):
            yield Doubt(limits.prefix + name, tag.name, answer.engine, tag.confidence, least)


def _is_said(tag: Tag, answer: Answer, concepts: Concepts) -> bool:
    """Whether the engine's scores speak of the word itself; it may only follow from boxes."""
    if answer.remainder is not None:
        return True
    label = tag.because[0].label
    if tag.concept is None or concepts.get(tag.concept) is None:
        return tag.name == label.name
    return tag.concept in (label.concept, concepts.find(label.name))


def most_useful(found: Sequence[tuple[int, Doubt]], *, limit: int) -> list[tuple[int, Doubt]]:
    """Choose from (item, doubt) those to ask first: no item twice, no word again before others."""
    asked: dict[tuple[str, str], int] = {}
    items: set[int] = set()
    ranked: list[tuple[int, int, tuple[int, Doubt]]] = []
    for item_id, doubt in sorted(found, key=lambda pair: (_by_use(pair[1]), pair[0])):
        if item_id not in items:
            items.add(item_id)
            key = (doubt.engine, fold(doubt.word))
            turn = asked[key] = asked.get(key, 0) + 1
            ranked.append((turn, len(ranked), (item_id, doubt)))
    return [pair for _turn, _rank, pair in sorted(ranked, key=lambda one: one[:2])][:limit]


def _by_use(doubt: Doubt) -> tuple[float, str, str]:
    return -doubt.use, doubt.name, doubt.engine
