"""Patterns as gitignore has them (gitignore(5)), matched as Git does (its dir.c, wildmatch.c)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

_SPECIAL = "*?[\\"
_CLASSES: dict[str, Callable[[str], bool]] = {
    "alnum": str.isalnum,
    "alpha": str.isalpha,
    "blank": lambda one: one in " \t",
    "cntrl": lambda one: ord(one) < 0x20 or ord(one) == 0x7F,
    "digit": str.isdigit,
    "graph": lambda one: 0x20 < ord(one) < 0x7F,
    "lower": str.islower,
    "print": lambda one: 0x20 <= ord(one) < 0x7F,
    "punct": lambda one: 0x20 < ord(one) < 0x7F and not one.isalnum(),
    "space": str.isspace,
    "upper": str.isupper,
    "xdigit": lambda one: one in "0123456789abcdefABCDEF",
}


@dataclass(frozen=True, slots=True)
class _Pattern:
    """`anywhere`: it holds no slash and is matched with names alone, at any depth."""

    text: str
    negative: bool
    folders_only: bool
    anywhere: bool


class Ignore:
    """Tells what patterns leave out; the last one that matches decides."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._literals: dict[str, list[tuple[int, _Pattern]]] = {}
        self._others: list[tuple[int, _Pattern]] = []
        for number, pattern in enumerate(filter(None, map(_parsed, patterns))):
            if pattern.anywhere and not set(pattern.text) & set(_SPECIAL):
                self._literals.setdefault(pattern.text, []).append((number, pattern))
            else:
                self._others.append((number, pattern))
        self._others.reverse()

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether a path is left out by itself, or taken in again; None: no pattern matches.

        A folder that is left out takes all below with it.
        """
        name = path.rpartition("/")[2]
        last, out = -1, None
        for number, pattern in self._literals.get(name, ()):
            if is_folder or not pattern.folders_only:
                last, out = number, not pattern.negative
        for number, pattern in self._others:
            if number < last:
                break
            if (is_folder or not pattern.folders_only) and _matches(pattern, path, name):
                return not pattern.negative
        return out


def _parsed(line: str) -> _Pattern | None:
    text = _without_trailing_blanks(line)
    negative = text.startswith("!")
    text = text.removeprefix("!")
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    if not text:
        return None
    return _Pattern(text, negative, folders_only, anywhere="/" not in text)


def _without_trailing_blanks(line: str) -> str:
    """Drop blanks at the end, but for one after a backslash."""
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if backslashes % 2 and len(kept) < len(line) else kept


def _matches(pattern: _Pattern, path: str, name: str) -> bool:
    if pattern.anywhere:
        return _regex(pattern.text, slashes=False).fullmatch(name) is not None
    text = pattern.text.removeprefix("/")
    # Git compares what is before the first special character by itself, and `**` after it counts as
    # if it began the pattern: "a**/b" matches "ax/y/b".
    plain = re.match(r"[^*?\[\\]*", text)
    prefix = plain[0] if plain else ""
    if not path.startswith(prefix):
        return False
    return _regex(text[len(prefix) :], slashes=True).fullmatch(path[len(prefix) :]) is not None


@lru_cache(maxsize=1024)
def _regex(text: str, *, slashes: bool) -> re.Pattern[str]:
    """Translate a pattern. `slashes`: it is matched with a path, where `*` stops at a slash."""
    try:
        return re.compile("".join(_parts(text, slashes)), re.DOTALL)
    except _Never:
        return re.compile(r"(?!)")


class _Never(Exception):
    """The pattern matches nothing."""


def _parts(text: str, slashes: bool) -> list[str]:
    one, parts, at = "[^/]" if slashes else ".", [], 0
    while at < len(text):
        char = text[at]
        if char == "*":
            end = at + len(text[at:]) - len(text[at:].lstrip("*"))
            starts = at == 0 or text[at - 1] == "/"
            ends = text[end : end + 1] in ("", "/") or text[end : end + 2] == "\\/"
            if slashes and end - at > 1 and starts and ends:
                # `**/` also stands for nothing, with its slash.
                if text[end : end + 1] == "/":
                    parts.append("(?:.*/)?")
                    end += 1
                else:
                    parts.append(".*")
            else:
                parts.append(f"{one}*")
            at = end
        elif char == "?":
            parts.append(one)
            at += 1
        elif char == "[":
            part, at = _bracket(text, at + 1)
            parts.append(f"(?!/){part}" if slashes else part)
        else:
            if char == "\\":
                at += 1
            if at == len(text):
                raise _Never
            parts.append(re.escape(text[at]))
            at += 1
    return parts


def _bracket(text: str, at: int) -> tuple[str, int]:
    """Translate what is in brackets from `at` on; return it and where it ends."""
    negative = text[at : at + 1] in ("!", "^")
    at += negative
    parts: list[str] = []
    previous, first = "", True
    while first or text[at : at + 1] != "]":
        if at >= len(text):
            raise _Never
        char, first = text[at], False
        if char == "-" and previous and text[at + 1 : at + 2] not in ("", "]"):
            at += 1
            if text[at] == "\\":
                at += 1
            end = text[at : at + 1]
            if not end:
                raise _Never
            if previous <= end:
                parts.append(f"{re.escape(previous)}-{re.escape(end)}")
            previous = ""
        elif text.startswith("[:", at):
            close = text.find("]", at + 2)
            if close < 0:
                raise _Never
            if text[close - 1] == ":" and close - 1 >= at + 2:
                parts.append(_posix(text[at + 2 : close - 1]))
                at, previous = close, ""
            else:
                parts.append(re.escape("["))
                previous = "["
        else:
            if char == "\\":
                at += 1
                char = text[at : at + 1]
                if not char:
                    raise _Never
            parts.append(re.escape(char))
            previous = char
        at += 1
    inside = "".join(parts)
    if not inside:
        return ("." if negative else "(?!)"), at + 1
    return f"[{'^' if negative else ''}{inside}]", at + 1


def _posix(name: str) -> str:
    if name not in _CLASSES:
        raise _Never
    return "".join(re.escape(chr(code)) for code in range(0x80) if _CLASSES[name](chr(code)))
