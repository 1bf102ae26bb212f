# ruff: noqa: RUF001 - models write with these quotes and commas
"""How models spell what they were asked for: lists as JSON or nearly so, numbers, and "nothing".

Spellings of thoughts that were seen: Qwen, GLM, Nemotron and DeepSeek (<think>, often without the
opening one, which the template has said), Magistral ([THINK]), Kimi (◁think▷), gpt-oss (channels,
with and without their tokens), Gemma (<|channel>thought … <channel|>), Seed, Command.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import yaml

_LONGEST = 50_000
_MOST_ATTEMPTS, _MOST_IN_VAIN = 2_000, 5 * _LONGEST
_DEEPEST = 12
_MOST_COMMENTS = 50

_NAMES = (
    r"(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad|draft)"
)
_OPENED = re.compile(
    rf"<{_NAMES}>|\[THINK(?:ING)?\]|◁think▷|<\|channel>\s*thought|<\|begin_of_thought\|>"
    r"|<\|START_THINKING\|>|<\|channel\|>\s*(?!final)\w+",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    rf"</{_NAMES}>|\[/THINK(?:ING)?\]|◁/think▷|<channel\|>|<\|end_of_thought\|>"
    r"|<\|END_THINKING\|>|<\|channel\|>\s*final\b(?:\s*<\|message\|>)?|\bassistantfinal(?=\W)"
    r"|<\|end\|>",
    re.IGNORECASE,
)
_FENCE_OR_LINE: Final = re.compile(r"(?:\A|\n|```\w*|<\|message\|>)[ \t]*\Z")
_TAIL = re.compile(r"[\s`]*(?:<\|\w+\|>\s*)*\Z")
_EXAMPLE = re.compile(
    r"(?:\b(?:example|for instance|beispiel|par exemple|por ejemplo|esempio)|\be\.\s?g\.|例如)"
    r"(?: (?:answer|output|response|format|json))?[\s:：,*_`]*(?:```\w*\s*)?\Z",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"""(?:["'”’]\s*:|[,\[{])\s*\Z""")

_OPENING = re.compile(r"[{\[]")
# Comments in a row are bounded, and so are escapes, lest the same are gone through again and again.
_SPACE = re.compile(r"(?:\s++|//[^\n]*|#[^\n]*|/\*.*?\*/){0,500}+", re.DOTALL)
_COMMAS = re.compile(r"(?:[\s,，;、]++|//[^\n]*|#[^\n]*|/\*.*?\*/){0,500}+", re.DOTALL)
_COLON = re.compile(r"\s*(?:[:：=]|=>)")
_QUOTED = {
    **dict.fromkeys('"', re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+){0,1000}+)"', re.DOTALL)),
    **dict.fromkeys(
        "“”„«",
        re.compile(r'[“”„«]([^“”„«»"\\]*+(?:\\.[^“”„«»"\\]*+){0,1000}+)[“”»"]', re.DOTALL),
    ),
    # An apostrophe within a word ends nothing.
    **dict.fromkeys(
        "'‘’", re.compile(r"['‘’]((?:[^\\]|\\.){0,500}?)['‘’](?=\s*(?:[,:，：;}\]]|\Z))", re.DOTALL)
    ),
}
_BARE_KEY = re.compile(r"[^\W\d][\w -]*")
_BARE = re.compile(r"[^\s,，:{}\[\]\"“”][^,，{}\[\]\"“”\n]*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\n", "b": " ", "f": " "}
_CONSTANTS = {"true": True, "false": False, "null": None, "none": None}


BARE_WORD: Final = 0.5
"""The confidence of a tag that came without one, or with one that cannot be told."""

_LONGEST_NUMBER = 100
_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:e[+-]?\d+)?)\s*(%|/\s*\d+)?", re.ASCII)
_OF = re.compile(r"\s+(?:out of|of|von|sur|de|su|van|из)\s+(?=\d+\Z)|(?:percent|prozent)\Z")
_SCALES = (1.0, 5.0, 10.0, 100.0)


class _Broken(ValueError):
    """It is not even nearly JSON, from there on."""

    def __init__(self, at: int) -> None:
        self.at = at


class JsonValue(NamedTuple):
    """An object or a list in a text; `as_example`: the words before it call it an example."""

    value: Any
    as_example: bool = False


def json_values(text: str) -> Iterator[JsonValue]:
    """Yield each whole object and list that a text has outside of thoughts, in their order.

    A thought that never ends may be followed by the answer all the same: an object that begins a
    line and ends the text counts.
    """
    with suppress(ValueError, RecursionError):
        # Words in it may look like the marks of a thought; the answer is whole all the same.
        whole = json.loads(text[: _LONGEST + 1])
        if isinstance(whole, dict | list):
            yield JsonValue(whole)
            return
    if text.count("/*") > _MOST_COMMENTS:
        # No answer has so many: each one that never ends would be looked for to the end.
        text = text.replace("/*", "")
    answer, thought = _split_thoughts(text[-_LONGEST:])
    for value, start, _end in _whole(answer):
        yield JsonValue(value, _EXAMPLE.search(answer[max(0, start - 60) : start]) is not None)
    for value, start, end in list(_whole(thought))[-1:]:
        if _FENCE_OR_LINE.search(thought[:start]) and _TAIL.match(thought, end):
            yield JsonValue(value)


def _split_thoughts(text: str) -> tuple[str, str]:
    """Return the answer without thoughts, and the thought that never ended, if there is one."""
    answer, at = "", 0
    opened = _OPENED.search(text)
    while opened:
        closed = _CLOSED.search(text, at)
        if closed is not None and closed.start() < opened.start():
            # It ended without having begun: all before it was thought.
            answer, at = "", closed.end()
            continue
        answer += text[at : opened.start()]
        closed = _CLOSED.search(text, opened.end())
        if closed is None:
            return answer, text[opened.end() :]
        at = closed.end()
        opened = _OPENED.search(text, at)
    *thoughts, rest = _CLOSED.split(text[at:])
    return (rest if thoughts else answer + rest), ""


def _whole(text: str) -> Iterator[tuple[Any, int, int]]:
    """Yield objects, and lists that are in no object, with where they begin and end.

    What cannot be read is gone through a few times at most, whatever it is of.
    """
    at = in_vain = 0
    for _attempt in range(_MOST_ATTEMPTS):
        opening = _OPENING.search(text, at)
        if opening is None or in_vain > _MOST_IN_VAIN:
            return
        start = opening.start()
        try:
            value, at = _value(text, start, 0)
        except _Broken as broken:
            in_vain += broken.at - start
            at = start + 1
            continue
        if isinstance(value, dict) or not _WITHIN.search(text[max(0, start - 20) : start]):
            yield value, start, at


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    first = text[at : at + 1]
    if depth > _DEEPEST or not first:
        raise _Broken(at)
    if first == "{":
        return _object(text, at + 1, depth)
    if first == "[":
        return _list(text, at + 1, depth)
    if first in _QUOTED:
        return _string(text, at)
    bare = _matched(_BARE, text, at)
    word = bare[0].strip()
    try:
        return float(word), bare.end()
    except ValueError:
        return _CONSTANTS.get(word.casefold(), word), bare.end()


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while text[at := _after(_COMMAS, text, at)] != "}":
        if text[at] in _QUOTED:
            key, at = _string(text, at)
        else:
            bare = _matched(_BARE_KEY, text, at)
            key, at = bare[0].strip(), bare.end()
        at = _after(_SPACE, text, _matched(_COLON, text, at).end())
        members[key], at = _value(text, at, depth + 1)
    return members, at + 1


def _list(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while text[at := _after(_COMMAS, text, at)] != "]":
        value, at = _value(text, at, depth + 1)
        items.append(value)
    return items, at + 1


def _string(text: str, at: int) -> tuple[str, int]:
    match = _matched(_QUOTED[text[at]], text, at)
    string = _ESCAPE.sub(_unescaped, match[1])
    return string.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), match.end()


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1]
    return chr(int(code[1:], 16)) if len(code) == 5 else _CONTROL.get(code, code)


def _after(space: re.Pattern[str], text: str, at: int) -> int:
    match = space.match(text, at)
    end = match.end() if match else at
    if end >= len(text):
        raise _Broken(end)
    return end


def _matched(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    match = pattern.match(text, at)
    if match is None:
        raise _Broken(at)
    return match


@dataclass(frozen=True, slots=True)
class Confidence:
    """A number of this scale; without one the whole answer tells the scale."""

    value: float
    scale: float | None = None


def confidence_of(raw: Any) -> Confidence | None:
    """Return a confidence as it stands; None where it cannot be told. Raises `ValueError`.

    What is a number, but none that says how sure one is, is an error.
    """
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _bounded(raw, None)
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise ValueError
    text = unicodedata.normalize("NFKC", raw[:_LONGEST_NUMBER]).casefold().strip(" .()[]\"'~≈")
    if (fraction := _words()[0].get(text)) is not None:
        return Confidence(fraction, 1.0)
    text = _OF.sub(lambda match: "/" if match[0].endswith(" ") else "%", text)
    match = _NUMBER.fullmatch(text)
    if match is None:
        if _is_number(text):  # Such as "nan".
            raise ValueError(text)
        return None
    number, scale = float(match[1].replace(",", ".")), match[2]
    if not scale:
        return _bounded(number, None)
    return _bounded(number, 100.0 if scale == "%" else float(scale.lstrip("/ ")))


def fractions(confidences: Sequence[Confidence | None]) -> list[float]:
    """Return them as fractions, numbers without a scale by the one that the answer keeps to."""
    common = _common_scale([given for given in confidences if given is not None])

    def fraction(given: Confidence | None) -> float:
        scale = given.scale or common if given else None
        return BARE_WORD if given is None or scale is None else given.value / scale

    return [fraction(given) for given in confidences]


def _common_scale(answer: Sequence[Confidence]) -> float | None:
    """Return the one scale of an answer; None where its numbers are not of one.

    The least scale that they all fit; above 1 a fraction such as 0.9 contradicts it. A confidence
    with a scale decides for the others, too: "95%" and 1 are percentages.
    """
    plain = [given.value for given in answer if given.scale is None]
    given_scales = {given.scale for given in answer if given.scale is not None and given.scale > 1}
    least = next(scale for scale in _SCALES if max(plain, default=0.0) <= scale)
    scale = max([least, *given_scales])
    contradicts = scale > 1 and any(0 < value < 1 for value in plain)
    return None if contradicts or len(given_scales) > 1 else scale


def _bounded(value: float, scale: float | None) -> Confidence:
    # Compared before it is made a float, which an int of 400 digits cannot be.
    if not 0 <= value <= (scale or 100.0) or scale == 0:
        raise ValueError
    return Confidence(float(value), scale)


def is_nothing(word: str) -> bool:
    """Whether a tag only says that there is none."""
    return unicodedata.normalize("NFKC", word).casefold().strip(" .") in _words()[1]


@cache
def _words() -> tuple[Mapping[str, float], frozenset[str]]:
    """Return the fractions that words stand for, and the words for "nothing"."""
    table = yaml.safe_load(files(__package__).joinpath("words.yaml").read_text("utf-8"))
    fractions = {
        word.strip(): value
        for value, words in table["confidence"].items()
        for word in words.split("|")
    }
    nothing = unicodedata.normalize("NFKC", table["nothing"]).casefold().split("|")
    return fractions, frozenset(map(str.strip, nothing))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
