"""What a model said, read as labels: strictly shaped where it keeps to the schema, else rescued."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tigertag.contracts import Failed, Labelled, Outcome
from tigertag.engines.openai_vision.completion import Completion
from tigertag.engines.openai_vision.faults import redacted
from tigertag.engines.openai_vision.prompt import KINDS, MOST
from tigertag.model import Kind, Label
from tigertag.wording import tidy

BARE_WORD: Final = 0.5
"""The confidence of a tag that came without one."""

_LONGEST_TAG, _MOST_WORDS = 40, 4
_LONGEST_ANSWER, _MOST_ATTEMPTS = 50_000, 50
_DECODER = json.JSONDecoder()
_TAG_NAMES = ("tag", "name", "label")
_CONFIDENCE_NAMES = ("confidence", "score")
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_AROUND = " .,;:#*-\"'`()[]{}"

Entry = tuple[str, float]


def read(sample: str, completion: Completion | None, *, model: str, cost_usd: float) -> Outcome:
    """Return what came of a question. A refusal and a cut answer cost, too; asked again, again."""

    def failed(reason: str, *, retryable: bool) -> Failed:
        return Failed(sample, reason, retryable=retryable)

    if completion is None or not completion.choices:
        return failed("What came back is no answer of a chat model.", retryable=True)
    choice = completion.choices[0]
    if choice.message.refusal:
        said = redacted(str(choice.message.refusal))
        return failed(f"The model refused to answer: {said}", retryable=False)
    if choice.finish_reason == "content_filter":
        return failed("The service's content filter held the answer back.", retryable=False)
    if choice.finish_reason == "length":
        return failed("The answer was cut off at the most tokens it may have.", retryable=False)
    found = _object(choice.message.text)
    if found is None:
        return failed("The model did not answer with the lists it was asked for.", retryable=True)
    labels = _labels(found)
    if not labels and any(found.get(name) for name in KINDS):
        return failed("None of what the model said can be used as a tag.", retryable=True)
    return Labelled(sample, labels, completion.model or model, cost_usd=cost_usd)


def _object(text: str) -> Mapping[str, Any] | None:
    """Return the first object in a text that has one of the lists, whatever stands around it."""
    text = _THOUGHT.sub("", text[:_LONGEST_ANSWER])
    end = 0
    for _attempt in range(_MOST_ATTEMPTS):
        start = text.find("{", end)
        if start < 0:
            break
        try:
            found, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            found, end = None, start + 1
        if isinstance(found, dict) and found.keys() & KINDS.keys():
            return found
    return None


def _labels(found: Mapping[str, Any]) -> tuple[Label, ...]:
    """Return each tag once a kind, with the confidence it is surest of."""
    best: dict[tuple[Kind, str], Label] = {}
    for name, kind in KINDS.items():
        entries = sorted(_entries(found.get(name)), key=lambda one: -one[1])
        for tag, confidence in entries[: MOST[name]]:
            key = (kind, tag.casefold())
            if key not in best or confidence > best[key].confidence:
                best[key] = Label(tag, confidence, kind=kind)
    return tuple(best.values())


def _entries(said: Any) -> Iterator[Entry]:
    """Yield the tags of one list that can be used."""
    for tag, confidence in _pairs(said):
        word, sure = _word(tag), _fraction(confidence)
        if word and sure is not None:
            yield word, sure


def _pairs(said: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what stands for tag and confidence: objects, bare words, or words with a number."""
    match said:
        case str():
            yield from ((one, BARE_WORD) for one in said.split(","))
        case list():
            for one in said:
                yield _pair(one) if isinstance(one, dict) else (one, BARE_WORD)
        case dict() if not said.keys().isdisjoint(_TAG_NAMES):
            yield _pair(said)
        case dict():
            yield from said.items()


def _pair(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    tag = next((entry[name] for name in _TAG_NAMES if name in entry), None)
    return tag, next((entry[name] for name in _CONFIDENCE_NAMES if name in entry), BARE_WORD)


def _word(said: Any) -> str:
    """Return a tag, or "" for what is none: no text, or more than a few words."""
    if not isinstance(said, str) or len(said) > 2 * _LONGEST_TAG:
        return ""
    word = tidy(said).strip(_AROUND)
    fits = len(word) <= _LONGEST_TAG and len(word.split()) <= _MOST_WORDS
    return word if fits and any(one.isalnum() for one in word) else ""


def _fraction(said: Any) -> float | None:
    """Return a confidence in [0, 1]; above 1 it is a percentage, beyond 100 and below 0 nothing."""
    if isinstance(said, bool):
        return None
    try:
        value = float(str(said).strip().removesuffix("%"))
    except ValueError:
        return None
    if not math.isfinite(value) or not 0 <= value <= 100:
        return None
    return value / 100 if value > 1 or str(said).strip().endswith("%") else value
