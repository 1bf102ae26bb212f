# ruff: noqa: RUF001 - models write with these dashes and commas
"""What a model said, read as labels: strictly shaped where it keeps to the schema, else rescued."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tigertag.contracts import Failed, Labelled, Outcome
from tigertag.engines.openai_vision import confidences
from tigertag.engines.openai_vision.completion import Completion
from tigertag.engines.openai_vision.confidences import Said
from tigertag.engines.openai_vision.faults import redacted
from tigertag.engines.openai_vision.nothing import is_nothing
from tigertag.engines.openai_vision.prompt import KINDS, MOST
from tigertag.engines.openai_vision.tolerant import shown
from tigertag.model import Kind, Label
from tigertag.text import printable, tidy

_LONGEST_TAG, _MOST_WORDS, _MOST_SHOWN = 40, 4, 80
_MOST_ENTRIES, _DEEPEST = 500, 3
_FLAT = "subjects"
"""The list that tags belong to which come in none."""

_LISTS: Final[Mapping[str, str]] = {
    **{name: name for name in KINDS},
    **dict.fromkeys(("subject", "objects", "object"), "subjects"),
    **dict.fromkeys(("activity", "actions", "action"), "activities"),
    **dict.fromkeys(("settings", "scene", "scenes", "place", "environment"), "setting"),
    **dict.fromkeys(("styles",), "style"),
    **dict.fromkeys(("moods", "atmosphere"), "mood"),
}
_FLAT_LISTS = ("tags", "labels", "keywords", "concepts")
_TAG_NAMES = ("tag", "name", "label", "word", "keyword", "value")
_CONFIDENCE_NAMES = ("confidence", "score", "probability", "certainty", "conf", "prob")
_EXAMPLES = ("example", "examples", "format", "schema", "template")
_PLACEHOLDER = re.compile(
    r"(?:string|text|tag|word|label|keyword|subject|example)s?[ _-]?\d*|<.*>|(?:list|array) of .*",
    re.IGNORECASE,
)
"""What stands for tags where a model shows the form of an answer."""

_AROUND = " .,;:#*-\"'`()[]{}"
_BULLET = re.compile(r"^[^\S\n]*(?:[-*+–]|\d{1,2}[.)])\s+", re.MULTILINE)
_BETWEEN = re.compile(r"[、;；，،\n•·|]|(?<!\d),|,(?!\d)")
_WITH_NUMBER = re.compile(
    r"(?P<tag>.*\w.*?)\s*(?:[:=(]|\s[-–])\s*"
    r"(?P<sure>\d+(?:[.,]\d+)?\s*(?:%|/\s*\d+)|[01][.,]\d+|(?:(?<=[:=] )|(?<=[:=]))\d+)\)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A tag of one of the lists, with a confidence as it was said; None: with none."""

    listed: str
    tag: str
    said: Said | None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What may be the answer.

    `labels`: None where something was said, but neither a tag nor that there is none. `as_example`:
    it only shows what an answer looks like. `named`: its lists or entries have names. `says`: it
    has a word, be it "none"; lists that are empty may only show what an answer looks like.
    """

    labels: tuple[Label, ...] | None
    as_example: bool = False
    named: bool = False
    says: bool = False

    def weight(self) -> tuple[bool, ...]:
        """Of several answers the heaviest counts, and of those that weigh the same, the last."""
        return (self.labels is not None, not self.as_example, self.named, self.says)


def read(sample: str, completion: Completion | None, *, model: str, cost_usd: float) -> Outcome:
    """Return what came of a question.

    An answer that cannot be read has cost what a good one costs, and asked again the model would
    say the same again: it fails for good.
    """

    def failed(reason: str, *, retryable: bool = False) -> Failed:
        return Failed(sample, reason, retryable=retryable)

    if completion is None or not completion.choices:
        return failed("What came back is no answer of a chat model.", retryable=True)
    choice = completion.choices[0]
    if choice.message.refusal:
        said = redacted(str(choice.message.refusal))
        return failed(f"The model refused to answer: {said}")
    if choice.finish_reason == "content_filter":
        return failed("The service's content filter held the answer back.")
    if choice.finish_reason == "length":
        return failed("The answer was cut off at the most tokens it may have.")
    answer = max(_answers(choice.message.text), key=_Answer.weight, default=None)
    if answer is None:
        said = _shown(choice.message.text)
        return failed(f"The model did not answer with the lists it was asked for, but {said}")
    if answer.labels is None:
        said = _shown(choice.message.text)
        return failed(f"None of what the model said can be used as a tag: it answered {said}")
    return Labelled(sample, answer.labels, completion.model or model, cost_usd=cost_usd)


def _shown(text: str) -> str:
    said = redacted(printable(text))
    if not said:
        return "with nothing."
    cut = said if len(said) <= _MOST_SHOWN else f"{said[: _MOST_SHOWN - 1]}…"
    return f"“{cut}”. It is asked again when the picture changes, or by a forced scan."


def _answers(text: str) -> Iterator[_Answer]:
    """Yield what may be the answer, the last first; the lists that were asked for before others."""
    last_first = list(shown(text))[::-1]
    for one in last_first:
        for lists, as_example in _asked_for(one.value, as_example=one.as_example):
            yield _answer(lists, named=True, as_example=as_example)
    for one in last_first:
        if flat := _flat(one.value):
            tags, named = flat
            yield _answer({_FLAT: tags}, named=named, as_example=one.as_example)


def _asked_for(
    value: Any, *, as_example: bool, depth: int = 0
) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield the lists that were asked for, also from within something, the last first."""
    if isinstance(value, dict):
        lists = {_LISTS.get(_key(key), ""): one for key, one in value.items() if not _is_type(one)}
        if named := {name: one for name, one in lists.items() if name}:
            yield named, as_example
            return
        within = [(one, as_example or _key(key) in _EXAMPLES) for key, one in value.items()]
    elif isinstance(value, list):
        within = [(one, as_example) for one in value]
    else:
        return
    if depth < _DEEPEST:
        for one, shows in reversed(within[-_MOST_ENTRIES:]):
            yield from _asked_for(one, as_example=shows, depth=depth + 1)


def _flat(value: Any) -> tuple[Any, bool] | None:
    """Return tags that are in no list of those that were asked for, and whether they are named so.

    What is not may be anything else, such as a word in brackets.
    """
    if isinstance(value, list):
        fits = all(isinstance(one, str) or _is_entry(one) for one in value)
        return (value, bool(value) and all(map(_is_entry, value))) if fits else None
    for key, one in value.items():
        if _key(key) in _FLAT_LISTS and isinstance(one, str | list | dict) and not _is_type(one):
            return one, True
    return (value, False) if value and all(map(_is_confidence, value.values())) else None


def _is_type(value: Any) -> bool:
    """Whether it only tells, as a JSON schema, what a list looks like."""
    return isinstance(value, dict) and value.get("type") in ("array", "object", "string")


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and any(_key(key) in _TAG_NAMES for key in value)


def _is_confidence(value: Any) -> bool:
    try:
        return confidences.said(value) is not None
    except ValueError:
        return False


def _key(key: str) -> str:
    return key.strip(_AROUND).casefold()


def _answer(lists: Mapping[str, Any], *, named: bool, as_example: bool) -> _Answer:
    """Return each tag once a kind, with the confidence it is surest of."""
    pairs = [(name, *pair) for name in KINDS for pair in _pairs(lists.get(name))]
    entries = list(_entries(pairs))
    if not entries and any(lists.values()):
        return _Answer(None)
    found = [one for one in entries if not is_nothing(one.tag)]
    sure = confidences.fractions([one.said for one in found])
    ranked = sorted(zip(found, sure, strict=True), key=lambda one: -one[1])
    best: dict[tuple[Kind, str], Label] = {}
    for name, kind in KINDS.items():
        mine = [(one.tag, value) for one, value in ranked if one.listed == name]
        for tag, confidence in mine[: MOST[name]]:
            key = (kind, tag.casefold())
            if key not in best or confidence > best[key].confidence:
                best[key] = Label(tag, confidence, kind=kind)
    labels = tuple(best.values())
    stands_in = any(labels) and all(
        one.confidence == 0 or _PLACEHOLDER.fullmatch(one.name) for one in labels
    )
    return _Answer(labels, as_example or stands_in, named, says=bool(entries))


def _entries(pairs: Sequence[tuple[str, Any, Any]]) -> Iterator[_Entry]:
    """Yield the tags that can be used; a confidence that means nothing takes its tag with it."""
    for name, tag, confidence in pairs:
        word = _word(tag)
        try:
            said = confidences.said(confidence)
        except ValueError:
            continue
        if word:
            yield _Entry(name, word, said)


def _pairs(listed: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what stands for tag and confidence: objects, bare words, or words with a number."""
    match listed:
        case str():
            yield from map(_parted, _BETWEEN.split(_BULLET.sub("\n", listed[:20_000])))
        case list():
            for one in listed[:_MOST_ENTRIES]:
                yield from _of_list(one)
        case dict() if _is_entry(listed):
            yield _pair(listed)
        case dict():
            yield from listed.items()


def _of_list(one: Any) -> Iterator[tuple[Any, Any]]:
    match one:
        case str() | dict():
            yield from _pairs(one)
        case [str() as tag, int() | float() as confidence]:
            yield tag, confidence
        case _:
            yield one, None


def _pair(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    named = {_key(key): value for key, value in entry.items()}
    tag = next((named[name] for name in _TAG_NAMES if name in named), None)
    return tag, next((named[name] for name in _CONFIDENCE_NAMES if name in named), None)


def _parted(said: str) -> tuple[str, str | None]:
    """Part a word from the confidence behind it, as in "dog (95%)"."""
    found = _WITH_NUMBER.fullmatch(said.strip()) if len(said) < _LONGEST_TAG * 2 else None
    return (found["tag"], found["sure"]) if found else (said, None)


def _word(said: Any) -> str:
    """Return a tag, or "" for what is none: no text, or more than a few words."""
    if not isinstance(said, str) or len(said) > 2 * _LONGEST_TAG:
        return ""
    word = tidy(said).strip(_AROUND)
    fits = len(word) <= _LONGEST_TAG and len(word.split()) <= _MOST_WORDS
    return word if fits and any(one.isalnum() for one in word) else ""
