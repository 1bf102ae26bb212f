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
from tigertag.engines.openai_vision.tolerant import values
from tigertag.model import Kind, Label
from tigertag.wording import printable, tidy

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
_AROUND = " .,;:#*-\"'`()[]{}"
_BULLET = re.compile(r"(?:\A|\n)\s*(?:[-*+–]|\d{1,2}[.)])\s+")
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
    lists = _lists(choice.message.text)
    if lists is None:
        said = _shown(choice.message.text)
        return failed(f"The model did not answer with the lists it was asked for, but {said}")
    labels = _labels(lists)
    if labels is None:
        said = _shown(choice.message.text)
        return failed(f"None of what the model said can be used as a tag: it answered {said}")
    return Labelled(sample, labels, completion.model or model, cost_usd=cost_usd)


def _shown(text: str) -> str:
    said = redacted(printable(text))
    if not said:
        return "with nothing."
    cut = said if len(said) <= _MOST_SHOWN else f"{said[: _MOST_SHOWN - 1]}…"
    return f"“{cut}”. It is asked again when the engine's settings change, or by a forced scan."


def _lists(text: str) -> Mapping[str, Any] | None:
    """Return the last answer in a text, as lists; those asked for go before a flat one."""
    found = list(values(text))
    for lists in (_asked_for, _flat):
        for value in reversed(found):
            if (answer := lists(value)) is not None:
                return answer
    return None


def _asked_for(value: Any, depth: int = 0) -> Mapping[str, Any] | None:
    """Return the lists that were asked for, also from within something."""
    if isinstance(value, dict):
        if named := {list_: one for key, one in value.items() if (list_ := _LISTS.get(_key(key)))}:
            return named
        value = list(value.values())
    if not isinstance(value, list) or depth >= _DEEPEST:
        return None
    within = (_asked_for(one, depth + 1) for one in reversed(value[-_MOST_ENTRIES:]))
    return next((one for one in within if one is not None), None)


def _flat(value: Any) -> Mapping[str, Any] | None:
    """Return tags that are in no list of those that were asked for."""
    if isinstance(value, list):
        fits = all(isinstance(one, str) or _is_entry(one) for one in value)
        return {_FLAT: value} if fits else None
    for key, one in value.items():
        if _key(key) in _FLAT_LISTS and isinstance(one, str | list | dict):
            return {_FLAT: one}
    return {_FLAT: value} if value and all(map(_is_confidence, value.values())) else None


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and any(_key(key) in _TAG_NAMES for key in value)


def _is_confidence(value: Any) -> bool:
    try:
        return confidences.said(value) is not None
    except ValueError:
        return False


def _key(key: str) -> str:
    return key.strip(_AROUND).casefold()


def _labels(lists: Mapping[str, Any]) -> tuple[Label, ...] | None:
    """Return each tag once a kind, with the confidence it is surest of.

    None where something was said, but neither a tag nor that there is none.
    """
    pairs = [(name, *pair) for name in KINDS for pair in _pairs(lists.get(name))]
    entries = list(_entries(pairs))
    found = [one for one in entries if not is_nothing(one.tag)]
    if not entries and any(lists.values()):
        return None
    sure = confidences.fractions([one.said for one in found])
    ranked = sorted(zip(found, sure, strict=True), key=lambda one: -one[1])
    best: dict[tuple[Kind, str], Label] = {}
    for name, kind in KINDS.items():
        mine = [(one.tag, value) for one, value in ranked if one.listed == name]
        for tag, confidence in mine[: MOST[name]]:
            key = (kind, tag.casefold())
            if key not in best or confidence > best[key].confidence:
                best[key] = Label(tag, confidence, kind=kind)
    return tuple(best.values())


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
            yield from map(_parted, _BETWEEN.split(_BULLET.sub("\n", listed)[:20_000]))
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
