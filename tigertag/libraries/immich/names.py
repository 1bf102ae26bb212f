"""Names of tags as Immich keeps them: what it stores of one has to come back as it was sent.

Immich writes the tags of an asset into a sidecar and reads them back from there. On that way HTML
entities are decoded, and a name that is a number or `null` in JSON becomes another one. The server
itself neither trims nor composes a name, and each `/` in it makes a level.
"""

import json
import re
from html import unescape
from math import isfinite
from unicodedata import normalize

from tigertag.model import fold
from tigertag.text import printable

LONGEST = 255
"""Longer names fail in the server's index at about 2700 bytes."""
_ENTITY = re.compile(r"&(#[0-9]+|#[xX][0-9a-fA-F]+|[0-9a-zA-Z]+);")
_MOST_DECODED = 5
# Marks that turn the direction of text or take no room: two names would look the same.
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_OUTSIDE = "/"


def survives(value: str) -> bool:
    """Whether a tag is the same after Immich has written it to a sidecar and read it again."""
    return _decoded(value) == value and not _is_changed_number(value)


class TagNames:
    """How words stand as tags in Immich, and tags as words.

    `parent`: the tag below which TigerTag's own are, such as "TigerTag" or "Photos/Automatic"; "":
    none. With it, a tag elsewhere shows with a slash before it, so that the owner's own `cat` never
    counts as the one that is TigerTag's.
    """

    def __init__(self, parent: str = "") -> None:
        self.parent = "/".join(filter(None, map(_cleaned, parent.split("/"))))
        self._levels = self.parent.split("/") if self.parent else []

    def is_elsewhere(self, word: str) -> bool:
        """Whether a word, as `shown` gives it, is a tag that is not below the parent."""
        return bool(self.parent) and word.startswith(_OUTSIDE)

    def shown(self, value: str) -> str:
        """Return the word as which a tag shows, given with all of its levels."""
        if not self._levels:
            return value
        levels = value.split("/")
        own = levels[: len(self._levels)]
        rest = "/".join(levels[len(self._levels) :])
        is_below = [fold(level) for level in own] == [fold(level) for level in self._levels]
        return rest if is_below and rest else _OUTSIDE + value

    def full(self, shown: str) -> str:
        """Return the tag, with all of its levels, that shows as this word."""
        if self.is_elsewhere(shown):
            return shown.removeprefix(_OUTSIDE)
        return "/".join([*self._levels, shown])

    def value(self, word: str) -> str | None:
        """Return the tag, with all of its levels, as which a word is sent; None: see `problem`."""
        return None if self.problem(word) else self._value(word)

    def problem(self, word: str) -> str:
        """Say why Immich cannot keep a word; "" where it can."""
        value = self._value(word)
        if not _as_level(word):
            return f"Immich cannot keep “{printable(word)}” as a tag: nothing of it is text."
        if len(value) > LONGEST:
            return f"“{printable(word)[:40]}…” is longer than the {LONGEST} characters of a tag."
        if _is_changed_number(value):
            return (
                f"Immich would change the tag “{value}” to another one when it stores it. Rename it"
                " by a rule, or set TAG_PARENT."
            )
        return ""

    def _value(self, word: str) -> str:
        return "/".join([*self._levels, _as_level(word)])


def _as_level(word: str) -> str:
    """A slash in a word is no level: "AC/DC" is one thing."""
    return _cleaned(_decoded(word)).strip("/ ").replace("/", "-")


def _cleaned(name: str) -> str:
    visible = _INVISIBLE.sub("", normalize("NFC", _decoded(name)))
    return normalize("NFC", printable(visible))


def _decoded(name: str) -> str:
    """Decode HTML entities as often as the sidecar would: each time that tags are written."""
    for _time in range(_MOST_DECODED):
        decoded = _ENTITY.sub(lambda entity: unescape(entity.group()), name)
        if decoded == name:
            break
        name = decoded
    return name


def _is_changed_number(value: str) -> bool:
    """Whether JSON reads it as a number that is written otherwise (`1.50`, `1e3`), or as nothing.

    A word such as `true` or `NaN`, and a number with leading zeros, come back as they are.
    """
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return False
    if isinstance(read, float):
        return isfinite(read) and (read.is_integer() or repr(read) != value)
    if isinstance(read, int) and not isinstance(read, bool):
        return str(read) != value or abs(read) >= 2**53
    return read is None
