"""Answers and rules → tags.

Scores of different engines are never mixed: each engine proposes tags by its own thresholds, and
proposals that mean the same are merged. What an engine said of a video frame by frame is combined
first (`frames.py`), so thresholds and rules mean the same for a video as for a photo.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tigertag import bounds
from tigertag.concepts import Concepts
from tigertag.model import UNKNOWN_FACE, Answer, Evidence, Kind, Label, Tag, Thresholds
from tigertag.policy import frames
from tigertag.policy.rules import Rules

VERSION = "1"
"""Changes when the same answers and rules may give other tags."""

_CONCEPT_KINDS = (Kind.OBJECT, Kind.SCENE)


def decide(
    answers: Iterable[Answer],
    rules: Rules,
    thresholds: Mapping[str, Thresholds],
    concepts: Concepts,
) -> tuple[Tag, ...]:
    """Return the tags that these answers (one an engine) are good enough for, surest first.

    `thresholds` holds one entry for each engine that answered.
    """
    proposals: list[Tag] = []
    for answer in answers:
        limits = thresholds[answer.engine]
        named = _merged(_proposals(answer, rules, limits, concepts))
        best = sorted(named, key=lambda tag: (-tag.confidence, tag.name))[: limits.max_tags]
        proposals += [replace(tag, name=bounds.word(limits.prefix + tag.name)) for tag in best]
    return tuple(sorted(_merged(proposals), key=lambda tag: (-tag.confidence, tag.name)))


def plain_name(tag: Tag, thresholds: Mapping[str, Thresholds]) -> str:
    """The tag's name without its engine's prefix: what rules speak of."""
    prefixes = [thresholds[one.engine].prefix for one in tag.because if one.engine in thresholds]
    longest = max((one for one in prefixes if tag.name.startswith(one)), key=len, default="")
    return tag.name.removeprefix(longest) or tag.name


def allowed(
    tags: Iterable[Tag], rules: Rules, thresholds: Mapping[str, Thresholds]
) -> tuple[Tag, ...]:
    """Those of the tags, decided earlier, that no rule blocks now."""

    def denied(tag: Tag) -> bool:
        names = _names(tag.concept, plain_name(tag, thresholds))
        engines = {one.engine for one in tag.because} or {""}
        return all(rules.denies(names, engine) for engine in engines)

    return tuple(tag for tag in tags if not denied(tag))


def _proposals(
    answer: Answer, rules: Rules, limits: Thresholds, concepts: Concepts
) -> Iterator[Tag]:
    propose = _of_scores if answer.remainder is None else _of_distribution
    for tag in propose(answer, rules, limits, concepts):
        name = rules.renamed(_names(tag.concept, tag.name), answer.engine)
        if name is None:
            yield tag
        elif not rules.denies([name], answer.engine):
            yield replace(tag, name=name, concept=concepts.find(name))


def _of_scores(
    answer: Answer, rules: Rules, limits: Thresholds, concepts: Concepts
) -> Iterator[Tag]:
    """Each label is scored on its own."""
    for concept, labels in _said(answer, rules, concepts):
        because = _because(answer, labels)
        name = _name(concept, because[0].label, concepts)
        names = [*_names(concept, name), *(label.name for label in labels)]
        enough = rules.threshold(names, answer.engine, limits.least(because[0].label.name))
        confidence = frames.confidence(labels, answer)
        if confidence >= enough:
            yield Tag(name, confidence, concept, labels[0].kind, because=because)


def _said(
    answer: Answer, rules: Rules, concepts: Concepts
) -> Collection[tuple[str | None, list[Label]]]:
    """Return the labels that no rule blocks, with their concept; those that mean the same together.

    Labels of a photo stay apart: none of them makes another surer.
    """
    found: dict[Hashable, tuple[str | None, list[Label]]] = {}
    for number, label in enumerate(frames.spoken(answer)):
        if label.kind is Kind.FACE and label.name == UNKNOWN_FACE:
            continue
        concept = label.concept
        if concept is None and label.kind in _CONCEPT_KINDS:
            concept = concepts.find(label.name)
        names = [*_names(concept, _name(concept, label, concepts)), label.name]
        if not rules.denies(names, answer.engine):
            meaning = (label.kind, concept or label.name.casefold())
            found.setdefault(meaning if answer.frames else number, (concept, []))[1].append(label)
    return found.values()


def _name(concept: str | None, label: Label, concepts: Concepts) -> str:
    return concepts.name(concept) if concept and concepts.get(concept) else label.name


def _of_distribution(
    answer: Answer, rules: Rules, limits: Thresholds, concepts: Concepts
) -> Iterator[Tag]:
    """The labels share one probability: sum it up the concept tree.

    Proposes each most specific concept that is sure enough, and its everyday ancestor.
    """
    floor = rules.lowest_threshold(answer.engine, limits.lowest)
    sure = {}
    for concept, mass in _masses(answer, concepts).items():
        if mass >= floor:
            names = _names(concept, concepts.name(concept))
            enough = rules.threshold(names, answer.engine, limits.least(concepts.name(concept)))
            if mass >= enough and not rules.denies(names, answer.engine):
                sure[concept] = min(1.0, mass)
    for concept in _with_everyday(_most_specific(sure, concepts), concepts):
        if concept in sure:
            because = _because(answer, _speaking_for(concept, answer, concepts))
            yield Tag(concepts.name(concept), sure[concept], concept, because=because)


def _masses(answer: Answer, concepts: Concepts) -> dict[str, float]:
    """Return the probability of each concept; of a video, that of its frames combined."""
    if not answer.frames:
        return _summed(answer.labels, concepts)
    each = [_summed(labels, concepts) for labels in frames.each(answer).values()]
    known = dict.fromkeys(concept for masses in each for concept in masses)
    return {
        concept: frames.power_mean([min(1.0, masses.get(concept, 0.0)) for masses in each])
        for concept in known
    }


def _summed(labels: Sequence[Label], concepts: Concepts) -> dict[str, float]:
    mass: dict[str, float] = {}
    for label in labels:
        if label.concept is not None and concepts.get(label.concept):
            for concept in (label.concept, *concepts.ancestors(label.concept)):
                mass[concept] = mass.get(concept, 0.0) + label.confidence
    return mass


def _most_specific(sure: Iterable[str], concepts: Concepts) -> list[str]:
    known = list(sure)
    general = {ancestor for concept in known for ancestor in concepts.ancestors(concept)}
    return [concept for concept in known if concept not in general]


def _with_everyday(specific: Iterable[str], concepts: Concepts) -> dict[str, None]:
    both: dict[str, None] = {}
    for concept in specific:
        both[concept] = None
        everyday = concepts.everyday_ancestor(concept)
        if everyday is not None:
            both[everyday] = None
    return both


def _speaking_for(concept: str, answer: Answer, concepts: Concepts) -> list[Label]:
    return [
        label
        for label in frames.spoken(answer)
        if label.concept is not None
        and (label.concept == concept or concept in concepts.ancestors(label.concept))
    ]


def _because(answer: Answer, labels: Iterable[Label]) -> tuple[Evidence, ...]:
    best = frames.strongest(labels)
    return tuple(Evidence(answer.engine, answer.model, label) for label in best)


def _names(concept: str | None, name: str) -> list[str]:
    return [name] if concept is None else [concept, name]


def _merged(proposals: Iterable[Tag]) -> Iterable[Tag]:
    """Merge what means the same: the same kind, and the same concept or case-folded name.

    Equal names of one kind are one tag on any server, whatever their concepts; two prefixes make
    two tags of one concept.
    """
    merged: dict[tuple[Kind, str], Tag] = {}
    for tag in proposals:
        key = (tag.kind, tag.name.casefold())
        known = merged.get(key)
        merged[key] = tag if known is None else _surer(known, tag)
    return merged.values()


def _surer(one: Tag, other: Tag) -> Tag:
    best = max(one, other, key=lambda tag: tag.confidence)
    return replace(best, because=one.because + other.because)
