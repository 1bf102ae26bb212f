# ruff: noqa: RUF001 - models write with these dashes and commas
"""A model's answer read as labels: strictly where it keeps to the schema, else leniently."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Annotated, Any, Final, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from tigertag.contracts import Failed, Labelled, Outcome
from tigertag.engines.openai.faults import redacted
from tigertag.engines.openai.options import KINDS, MOST
from tigertag.engines.openai.prices import CountedUsage
from tigertag.engines.openai.spellings import (
    Confidence,
    confidence_of,
    fractions,
    is_nothing,
    json_values,
)
from tigertag.model import Kind, Label
from tigertag.text import printable, tidy

_LONGEST_TAG, _MOST_WORDS, _MOST_SHOWN = 40, 4, 80
_MOST_ENTRIES, _DEEPEST, _LONGEST_TEXT = 500, 3, 20_000
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
    r"(?P<confidence>\d+(?:[.,]\d+)?\s*(?:%|/\s*\d+)|[01][.,]\d+|(?:(?<=[:=] )|(?<=[:=]))\d+)\)?",
    re.DOTALL,
)


def _text_or_empty(value: Any) -> str:
    return value if isinstance(value, str) else ""


class _Lenient(BaseModel):
    """A part of an answer, as far as it is used; servers leave much of it out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Message(_Lenient):
    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None

    @property
    def text(self) -> str:
        """The content, also where it comes in parts."""
        thought = self.reasoning_content
        if not self.content and isinstance(thought, str) and thought:
            # vLLM may take the answer for the end of a thought.
            return f"<think>\n{thought}"
        parts = self.content if isinstance(self.content, list) else [self.content]
        texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
        return "".join(text for text in texts if isinstance(text, str))


class _Choice(_Lenient):
    message: _Message
    finish_reason: Any = None


class Completion(_Lenient):
    """One answer of the chat completions API. `usage` is None where the server does not count."""

    model: Annotated[str, BeforeValidator(_text_or_empty)] = ""
    choices: tuple[_Choice, ...]
    usage: CountedUsage = None

    @classmethod
    def parse(cls, body: Any) -> Self | None:
        """Return the answer, of bytes or of what JSON makes of them; None where it is none."""
        try:
            if isinstance(body, bytes):
                return cls.model_validate_json(body)
            return cls.model_validate(body)
        except ValidationError:
            return None


class _Candidate(NamedTuple):
    """What may be the answer; of several the greatest counts, and of equal ones the last.

    `is_usable`: it holds tags, or words for "nothing", or nothing at all. `is_meant`: it does not
    only show what an answer looks like. `is_named`: its lists or entries have names. `has_words`:
    it has a word, be it "none"; empty lists may only show what an answer looks like.
    """

    is_usable: bool
    is_meant: bool = False
    is_named: bool = False
    has_words: bool = False


def read(sample: str, completion: Completion | None, *, model: str, cost_usd: float) -> Outcome:
    """Return the outcome for a sample.

    An answer that cannot be read has cost what a good one costs, and asked again the model would
    give the same one: it fails for good.
    """
    if completion is None or not completion.choices:
        reason = "The response is not an answer of a chat model."
        return Failed(sample, reason, retryable=True)
    labels_or_reason = _labels_of(completion)
    if isinstance(labels_or_reason, str):
        return Failed(sample, labels_or_reason, retryable=False)
    return Labelled(sample, labels_or_reason, completion.model or model, cost_usd=cost_usd)


def _labels_of(completion: Completion) -> tuple[Label, ...] | str:
    """Return the labels, or why there are none."""
    choice = completion.choices[0]
    if choice.message.refusal:
        return f"The model refused to answer: {redacted(str(choice.message.refusal))}"
    if choice.finish_reason == "content_filter":
        return "The service's content filter held the answer back."
    if choice.finish_reason == "length":
        return "The answer was cut off at the most tokens it may have."
    text = choice.message.text
    best, labels = max(_answers(text), key=itemgetter(0), default=(None, ()))
    if best is None:
        return f"The model did not answer with the lists it was asked for, but {_excerpt(text)}"
    if not best.is_usable:
        return f"No word of the answer can be used as a tag: the model answered {_excerpt(text)}"
    return labels


def _excerpt(text: str) -> str:
    text = redacted(printable(text))
    if not text:
        return "with nothing."
    cut = text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
    return f"“{cut}”. It is asked again when the picture changes, or by a forced scan."


def _answers(text: str) -> Iterator[tuple[_Candidate, tuple[Label, ...]]]:
    """Yield what may be the answer, the last first; the lists that were asked for before others."""
    last_first = list(json_values(text))[::-1]
    for value, as_example in last_first:
        for lists, is_example in _asked_for(value, as_example=as_example):
            yield _answer(lists, named=True, as_example=is_example)
    for value, as_example in last_first:
        if flat := _flat(value):
            tags, named = flat
            yield _answer({_FLAT: tags}, named=named, as_example=as_example)


def _asked_for(
    value: Any, *, as_example: bool, depth: int = 0
) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield the lists that were asked for, also from within something, the last first."""
    if isinstance(value, dict):
        items = value.items()
        lists = {_LISTS.get(_key(key), ""): part for key, part in items if not _is_type(part)}
        if named := {name: part for name, part in lists.items() if name}:
            yield named, as_example
            return
        within = [(part, as_example or _key(key) in _EXAMPLES) for key, part in items]
    elif isinstance(value, list):
        within = [(part, as_example) for part in value]
    else:
        return
    if depth < _DEEPEST:
        for part, is_example in reversed(within[-_MOST_ENTRIES:]):
            yield from _asked_for(part, as_example=is_example, depth=depth + 1)


def _flat(value: Any) -> tuple[Any, bool] | None:
    """Return tags that are in no list of those that were asked for, and whether they are named so.

    What is not may be anything else, such as a word in brackets.
    """
    if isinstance(value, list):
        fits = all(isinstance(entry, str) or _is_entry(entry) for entry in value)
        return (value, bool(value) and all(map(_is_entry, value))) if fits else None
    for key, part in value.items():
        is_list = isinstance(part, str | list | dict) and not _is_type(part)
        if is_list and _key(key) in _FLAT_LISTS:
            return part, True
    return (value, False) if value and all(map(_is_confidence, value.values())) else None


def _is_type(value: Any) -> bool:
    """Whether it only tells, as a JSON schema, what a list looks like."""
    return isinstance(value, dict) and value.get("type") in ("array", "object", "string")


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and any(_key(key) in _TAG_NAMES for key in value)


def _is_confidence(value: Any) -> bool:
    try:
        return confidence_of(value) is not None
    except ValueError:
        return False


def _key(key: str) -> str:
    return key.strip(_AROUND).casefold()


def _answer(
    lists: Mapping[str, Any], *, named: bool, as_example: bool
) -> tuple[_Candidate, tuple[Label, ...]]:
    """Return each tag once a kind, with the confidence it is surest of."""
    entries = [(name, *entry) for name in KINDS for entry in _entries(lists.get(name))]
    if not entries and any(lists.values()):
        return _Candidate(is_usable=False), ()
    usable = [entry for entry in entries if not is_nothing(entry[1])]
    scaled = fractions([confidence for _name, _tag, confidence in usable])
    ranked = sorted(zip(usable, scaled, strict=True), key=lambda pair: -pair[1])
    best: dict[tuple[Kind, str], Label] = {}
    for name, kind in KINDS.items():
        in_list = [(tag, fraction) for (listed, tag, _), fraction in ranked if listed == name]
        for tag, fraction in in_list[: MOST[name]]:
            key = (kind, tag.casefold())
            if key not in best or fraction > best[key].confidence:
                best[key] = Label(tag, fraction, kind=kind)
    labels = tuple(best.values())
    are_placeholders = any(labels) and all(
        label.confidence == 0 or _PLACEHOLDER.fullmatch(label.name) for label in labels
    )
    is_meant = not (as_example or are_placeholders)
    return _Candidate(True, is_meant, named, bool(entries)), labels


def _entries(listed: Any) -> Iterator[tuple[str, Confidence | None]]:
    """Yield the tags that can be used; a confidence that means nothing takes its tag with it."""
    for tag, raw in _pairs(listed):
        with suppress(ValueError):
            confidence = confidence_of(raw)
            if word := _word(tag):
                yield word, confidence


def _pairs(listed: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what stands for tag and confidence: objects, bare words, or words with a number."""
    match listed:
        case str():
            words = _BETWEEN.split(_BULLET.sub("\n", listed[:_LONGEST_TEXT]))
            yield from map(_split_confidence, words)
        case list():
            for entry in listed[:_MOST_ENTRIES]:
                match entry:
                    case str() | dict():
                        yield from _pairs(entry)
                    case [str() as tag, int() | float() as confidence]:
                        yield tag, confidence
        case dict() if _is_entry(listed):
            named = {_key(key): value for key, value in listed.items()}
            yield _first(named, _TAG_NAMES), _first(named, _CONFIDENCE_NAMES)
        case dict():
            yield from listed.items()


def _first(named: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((named[name] for name in names if name in named), None)


def _split_confidence(text: str) -> tuple[str, str | None]:
    """Split a word from the confidence behind it, as in "dog (95%)"."""
    match = _WITH_NUMBER.fullmatch(text.strip()) if len(text) < _LONGEST_TAG * 2 else None
    return (match["tag"], match["confidence"]) if match else (text, None)


def _word(text: Any) -> str:
    """Return a tag, or "" for what is none: no text, or more than a few words."""
    if not isinstance(text, str) or len(text) > 2 * _LONGEST_TAG:
        return ""
    word = tidy(text).strip(_AROUND)
    fits = len(word) <= _LONGEST_TAG and len(word.split()) <= _MOST_WORDS
    return word if fits and any(letter.isalnum() for letter in word) else ""
