"""Answers and rules → tags of an item; tags of what is in a group → tags of the group.

Scores of different engines are never mixed: each engine proposes tags by its own thresholds, and
proposals that mean the same are merged. What an engine said of a video frame by frame is combined
first, so thresholds and rules mean the same for a video as for a photo.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, takewhile
from math import fsum

from tigertag import bounds
from tigertag.concepts import Concepts
from tigertag.model import UNKNOWN_FACE, Answer, Evidence, Kind, Label, Tag, Thresholds
from tigertag.policy import boxes
from tigertag.policy.boxes import Thing
from tigertag.policy.rules import Rules
from tigertag.policy.verdicts import is_users

VERSION = "2"
"""Changes when the same answers and rules may give other tags."""

_EXPONENT = 4
"""Of the mean over frames: the higher, the less it matters in how many of them something shows."""
_MOST_EVIDENCE = 5
_LEAST_SHARE = 0.5
"""A word goes up to a group when at least this share of what is in it bears it."""
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
        limits = thresholds[answer.engine].of_model(answer.model)
        named = _merged(_proposals(answer, rules, limits, concepts))
        best = sorted(named, key=lambda tag: (-tag.confidence, tag.name))[: limits.max_tags]
        proposals += [replace(tag, name=bounds.word(limits.prefix + tag.name)) for tag in best]
    return tuple(sorted(_merged(proposals), key=lambda tag: (-tag.confidence, tag.name)))


def plain_name(tag: Tag, thresholds: Mapping[str, Thresholds]) -> str:
    """The tag's name without its engine's prefix: what rules speak of."""
    engines = [evidence.engine for evidence in tag.because if evidence.engine in thresholds]
    prefixes = [thresholds[engine].prefix for engine in engines]
    longest = max((text for text in prefixes if tag.name.startswith(text)), key=len, default="")
    return tag.name.removeprefix(longest) or tag.name


def allowed(
    tags: Iterable[Tag], rules: Rules, thresholds: Mapping[str, Thresholds]
) -> tuple[Tag, ...]:
    """Those of the tags, decided earlier, that no rule blocks now; no rule blocks the user's."""

    def denied(tag: Tag) -> bool:
        names = _names(tag.concept, plain_name(tag, thresholds))
        engines = {evidence.engine for evidence in tag.because} or {""}
        return all(rules.denies(names, engine) for engine in engines)

    return tuple(tag for tag in tags if is_users(tag) or not denied(tag))


def still_placed(tags: Iterable[Tag], answers: Iterable[Answer]) -> tuple[Tag, ...]:
    """Those of the tags, decided earlier, that name no place, or one that an answer names now."""
    named = {(answer.engine, label.name) for answer in answers for label in answer.labels
             if label.kind is Kind.PLACE}  # fmt: skip
    return tuple(
        tag
        for tag in tags
        if tag.kind is not Kind.PLACE
        or any((why.engine, why.label.name) in named for why in tag.because)
    )


def _proposals(
    answer: Answer, rules: Rules, limits: Thresholds, concepts: Concepts
) -> Iterator[Tag]:
    for tag in proposed(answer, rules, limits, concepts):
        name = rules.renamed(_names(tag.concept, tag.name), answer.engine)
        if name is None:
            yield tag
        elif not rules.denies([name], answer.engine):
            yield replace(tag, name=name, concept=concepts.find(name))


def proposed(answer: Answer, rules: Rules, limits: Thresholds, concepts: Concepts) -> Iterator[Tag]:
    """Yield the tags for which one answer is good enough, under the names that rules speak of."""
    propose = _of_scores if answer.remainder is None else _of_distribution
    return propose(answer, rules, limits, concepts)


def _of_scores(
    answer: Answer, rules: Rules, limits: Thresholds, concepts: Concepts
) -> Iterator[Tag]:
    """Each label is scored on its own; further words follow from those that have a box."""
    things: list[Thing] = []
    for concept, labels in _said(answer, rules, concepts):
        because = _because(answer, labels)
        strongest_name = because[0].label.name
        name = _name(concept, because[0].label, concepts)
        names = [*_names(concept, name), *(label.name for label in labels)]
        confidence = _confidence(labels, answer)
        if confidence >= rules.threshold(names, answer.engine, limits.least(strongest_name)):
            yield Tag(name, confidence, concept, labels[0].kind, because=because)
        enough = rules.threshold(names, answer.engine, limits.least_evidence(strongest_name))
        if confidence >= enough and labels[0].box and labels[0].kind is Kind.OBJECT:
            counts = _counts(labels, answer, enough)
            things.append(Thing(strongest_name, concept, tuple(labels), counts))
    for word in boxes.words(things, concepts):
        names = _names(word.concept, word.name)
        enough = rules.threshold(names, answer.engine, 0.0)
        if word.confidence >= enough and not rules.denies(names, answer.engine):
            because = _because(answer, word.labels)
            yield Tag(word.name, word.confidence, word.concept, because=because)


def _counts(labels: Sequence[Label], answer: Answer, enough: float) -> tuple[float, ...]:
    """Return how sure it is that there is one such box in a frame, that there are two, and on."""
    by_frame: dict[float | None, list[float]] = {at_s: [] for at_s in answer.frames or (None,)}
    for label in labels:
        by_frame.setdefault(label.at_s, []).append(label.confidence)
    ranked = [sorted(scores, reverse=True) for scores in by_frame.values()]
    nth = (
        power_mean([scores[n] if n < len(scores) else 0.0 for scores in ranked])
        for n in range(max(map(len, ranked)))
    )
    return tuple(takewhile(lambda confidence: confidence >= enough, nth))


def _said(
    answer: Answer, rules: Rules, concepts: Concepts
) -> Collection[tuple[str | None, list[Label]]]:
    """Return the labels that no rule blocks, with their concept; those that mean the same together.

    Labels of a photo stay apart, but for boxes: none of them makes another surer.
    """
    by_meaning: dict[Hashable, tuple[str | None, list[Label]]] = {}
    for number, label in enumerate(_spoken(answer)):
        if label.kind is Kind.FACE and label.name == UNKNOWN_FACE:
            continue
        concept = label.concept
        if concept is None and label.kind in _CONCEPT_KINDS:
            concept = concepts.find(label.name)
        names = [*_names(concept, _name(concept, label, concepts)), label.name]
        if not rules.denies(names, answer.engine):
            meaning = (label.kind, concept or label.name.casefold())
            key = meaning if answer.frames or label.box else number
            by_meaning.setdefault(key, (concept, []))[1].append(label)
    return by_meaning.values()


def _name(concept: str | None, label: Label, concepts: Concepts) -> str:
    return concepts.name(concept) if concept and concepts.get(concept) else label.name


def _of_distribution(
    answer: Answer, rules: Rules, limits: Thresholds, concepts: Concepts
) -> Iterator[Tag]:
    """The labels share one probability: sum it up the concept tree.

    Proposes each most specific concept that is sure enough, its everyday ancestor, and those above
    it by which people search all the same.
    """
    floor = rules.lowest_threshold(answer.engine, limits.lowest)
    sure: dict[str, float] = {}
    for id, mass in _masses(answer, concepts).items():
        if mass >= floor:
            names = _names(id, concepts.name(id))
            enough = rules.threshold(names, answer.engine, limits.least(concepts.name(id)))
            if mass >= enough and not rules.denies(names, answer.engine):
                sure[id] = min(1.0, mass)
    general = {ancestor for concept in sure for ancestor in concepts.ancestors(concept)}
    specific = [concept for concept in sure if concept not in general]
    proposed = (
        (concept, concepts.everyday_ancestor(concept), *concepts.general_ancestors(concept))
        for concept in specific
    )
    for concept in dict.fromkeys(chain.from_iterable(proposed)):
        if concept is not None and concept in sure:
            because = _because(answer, _speaking_for(concept, answer, concepts))
            yield Tag(concepts.name(concept), sure[concept], concept, because=because)


def _masses(answer: Answer, concepts: Concepts) -> dict[str, float]:
    """Return the probability of each concept; of a video, that of its frames combined."""
    if not answer.frames:
        return _summed(answer.labels, concepts)
    each = [_summed(labels, concepts) for labels in _by_frame(answer).values()]
    known = dict.fromkeys(concept for masses in each for concept in masses)
    return {
        concept: power_mean([min(1.0, masses.get(concept, 0.0)) for masses in each])
        for concept in known
    }


def _summed(labels: Sequence[Label], concepts: Concepts) -> dict[str, float]:
    mass: dict[str, float] = {}
    for label in labels:
        if label.concept is not None and concepts.get(label.concept):
            for concept in (label.concept, *concepts.ancestors(label.concept)):
                mass[concept] = mass.get(concept, 0.0) + label.confidence
    return mass


def _speaking_for(concept: str, answer: Answer, concepts: Concepts) -> list[Label]:
    return [
        label
        for label in _spoken(answer)
        if label.concept is not None
        and (label.concept == concept or concept in concepts.ancestors(label.concept))
    ]


def _because(answer: Answer, labels: Iterable[Label]) -> tuple[Evidence, ...]:
    return tuple(Evidence(answer.engine, answer.model, label) for label in strongest(labels))


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
        before = merged.setdefault(key, tag)
        if before is not tag:
            surer = max(before, tag, key=lambda tag: tag.confidence)
            merged[key] = replace(surer, because=before.because + tag.because)
    return merged.values()


def power_mean(strengths: Sequence[float]) -> float:
    """Return (1/n · Σ pᵢ⁴)^¼, one strength for each of the n frames that were looked at.

    What shows with strength s in k of n frames gets s · (k/n)^¼: all of s where it shows
    throughout, 0.84 · s in half of the frames, 0.56 · s in one of ten. It is never above the
    strongest frame, and of one frame it is that frame. Source: the generalized mean (Hardy,
    Littlewood, Pólya, Inequalities, 2.2), its exponent between those of the mean and the maximum.
    """
    best = max(strengths, default=0.0)
    if best <= 0.0:
        return 0.0
    powers = fsum((strength / best) ** _EXPONENT for strength in strengths)
    return float(best * (powers / len(strengths)) ** (1 / _EXPONENT))


def _spoken(answer: Answer) -> Iterator[Label]:
    """Yield the labels: all of an item's; of a video's those of the frames that were looked at."""
    looked_at = set(answer.frames)
    return (label for label in answer.labels if not looked_at or label.at_s in looked_at)


def _by_frame(answer: Answer) -> Mapping[float, Sequence[Label]]:
    """Return the labels of each frame that was looked at."""
    by_frame: dict[float, list[Label]] = {at_s: [] for at_s in answer.frames}
    for label in _spoken(answer):
        if label.at_s is not None:
            by_frame[label.at_s].append(label)
    return by_frame


def _confidence(labels: Sequence[Label], answer: Answer) -> float:
    """Return how sure the answer is of a word that it says by these labels of one kind.

    Of a frame its best label counts. A face counts by its strongest frame alone: who appears once
    is in the video.
    """
    best: dict[float | None, float] = {}
    for label in labels:
        best[label.at_s] = max(label.confidence, best.get(label.at_s, 0.0))
    if not answer.frames or labels[0].kind is Kind.FACE:
        return max(best.values())
    return power_mean([best.get(at_s, 0.0) for at_s in dict.fromkeys(answer.frames)])


def strongest(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Return the labels that speak loudest, at most five, of as many different times as may be."""
    ranked = sorted(labels, key=lambda label: (-label.confidence, label.at_s or 0.0))
    first: dict[float | None, Label] = {}
    more = [label for label in ranked if first.setdefault(label.at_s, label) is not label]
    chosen = [*first.values(), *more][:_MOST_EVIDENCE]
    return tuple(sorted(chosen, key=lambda label: -label.confidence))


def rolled_up(parts: Sequence[Sequence[Tag]]) -> tuple[Tag, ...]:
    """Return the tags of a group, the most common first; `parts` are the tags of each item.

    Tags are counted by kind and word: a genre goes elsewhere than what is seen. A tag's confidence
    is the mean of those of the items that have it; its engines are theirs.
    """
    tagged: dict[tuple[Kind, str], list[Tag]] = {}
    for tags in parts:
        for meaning, tag in {(tag.kind, tag.name.casefold()): tag for tag in tags}.items():
            tagged.setdefault(meaning, []).append(tag)
    common = [tags for tags in tagged.values() if len(tags) >= _LEAST_SHARE * len(parts)]
    common.sort(key=lambda tags: (-len(tags), tags[0].name))
    return tuple(_tag(tags, len(parts)) for tags in common)


def _tag(tagged: Sequence[Tag], of: int) -> Tag:
    name, mean = tagged[0].name, fsum(tag.confidence for tag in tagged) / len(tagged)
    engines = dict.fromkeys(why.engine for tag in tagged for why in tag.because if why.engine)
    share = f"on {len(tagged)} of {of} in it"
    label = Label(name, mean, kind=tagged[0].kind)
    return Tag(
        name,
        mean,
        tagged[0].concept,
        tagged[0].kind,
        because=tuple(Evidence(engine, share, label) for engine in engines),
    )
