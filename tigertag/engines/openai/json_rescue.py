# ruff: noqa: RUF001 - models write with these quotes and commas
"""Objects and lists in a model's text: outside of its thoughts, as JSON or nearly so.

Spellings of thoughts that were seen: Qwen, GLM, Nemotron and DeepSeek (<think>, often without the
opening one, which the template has said), Magistral ([THINK]), Kimi (◁think▷), gpt-oss (channels,
with and without their tokens), Gemma (<|channel>thought … <channel|>), Seed, Command.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

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
_KEY = re.compile(r"[^\W\d][\w -]*")
_BARE = re.compile(r"[^\s,，:{}\[\]\"“”][^,，{}\[\]\"“”\n]*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\n", "b": " ", "f": " "}
_CONSTANTS = {"true": True, "false": False, "null": None, "none": None}


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
    bare = _BARE.match(text, at)
    if bare is None:
        raise _Broken(at)
    return _constant(bare[0].strip()), bare.end()


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while text[at := _after(_COMMAS, text, at)] != "}":
        key, at = _string(text, at) if text[at] in _QUOTED else _key(text, at)
        colon = _COLON.match(text, at)
        if colon is None:
            raise _Broken(at)
        members[key], at = _value(text, _after(_SPACE, text, colon.end()), depth + 1)
    return members, at + 1


def _list(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while text[at := _after(_COMMAS, text, at)] != "]":
        value, at = _value(text, at, depth + 1)
        items.append(value)
    return items, at + 1


def _after(space: re.Pattern[str], text: str, at: int) -> int:
    match = space.match(text, at)
    end = match.end() if match else at
    if end >= len(text):
        raise _Broken(end)
    return end


def _string(text: str, at: int) -> tuple[str, int]:
    match = _QUOTED[text[at]].match(text, at)
    if match is None:
        raise _Broken(at)
    string = _ESCAPE.sub(_unescaped, match[1])
    return string.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), match.end()


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1]
    return chr(int(code[1:], 16)) if len(code) == 5 else _CONTROL.get(code, code)


def _key(text: str, at: int) -> tuple[str, int]:
    match = _KEY.match(text, at)
    if match is None:
        raise _Broken(at)
    return match[0].strip(), match.end()


def _constant(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return _CONSTANTS.get(text.casefold(), text)
