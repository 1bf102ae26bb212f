"""What people type to find items, such as `dog -person type:video`, and back to text.

It knows no database: `store/search.py` looks for what it says.
"""

import re
from dataclasses import dataclass, field

from tigertag.errors import RequestError
from tigertag.model import Media
from tigertag.text import did_you_mean

FLAGS = ("untagged", "failed", "pending")
FILTERS = ("tag", "name", "folder", "type", "size", "library", "section")
_MOST_TERMS = 20
_TYPES = {"photo": Media.PHOTO, "video": Media.VIDEO, "group": Media.GROUP}
_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3}
_TERM = re.compile(
    r"""(?P<minus>-?)(?:(?P<key>[A-Za-z]+):)?
    (?:"(?P<double>[^"]*)(?:"|$)|'(?P<single>[^']*)(?:'|$)|(?P<plain>[^\s"]+))?
    (?P<bound>[<>]=?[^\s"]+)?""",
    re.VERBOSE,
)
_BOUND = re.compile(r"(?P<value>.*?)(?P<sign>[<>]=?)(?P<number>\d+(?:\.\d+)?)(?P<unit>%|[a-z]*)")
_PLAIN = re.compile(r"[^\s\"'<>:-][^\s\"<>:]*")


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit of a number: `sign` is <, <=, > or >=; `text`: the number as it was typed."""

    sign: str
    number: float
    text: str


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `key`: one of `FILTERS` or `FLAGS`; "": a word, of a tag or of a name."""

    key: str
    value: str = ""
    excluded: bool = False
    bound: Bound | None = None

    def __str__(self) -> str:
        minus = "-" if self.excluded else ""
        if self.key in FLAGS:
            return minus + self.key
        value = _quoted(self.value) if self.value else ""
        key = f"{self.key}:" if self.key else ""
        return f"{minus}{key}{value}" + (self.bound.sign + self.bound.text if self.bound else "")

    @property
    def media(self) -> Media:
        return _TYPES[self.value.casefold()]


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.casefold() not in FLAGS:
        return value
    mark = "'" if '"' in value else '"'
    return f"{mark}{value}{mark}"


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions that all hold; none: every item."""

    terms: tuple[Term, ...] = field(default=())

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def without(self, term: Term) -> "Query":
        return Query(tuple(other for other in self.terms if other != term))

    def with_term(self, term: Term) -> "Query":
        return Query((*self.without(term).terms, term))


def parse(text: str) -> Query:
    """Read what was typed. Raises `RequestError`, which names the part that cannot be read."""
    found = [match for match in _TERM.finditer(text) if match[0].strip("- ")]
    if len(found) > _MOST_TERMS:
        raise RequestError(f"A search has {_MOST_TERMS} parts at most, not {len(found)}.")
    terms = [_term(match) for match in found]
    return Query(tuple(dict.fromkeys(term for term in terms if term is not None)))


def _term(match: re.Match[str]) -> Term | None:
    key, excluded = (match["key"] or "").casefold(), bool(match["minus"])
    quoted = match["double"] if match["double"] is not None else match["single"]
    value = (quoted if quoted is not None else match["plain"] or "").strip()
    if not key and quoted is None and value.casefold() in FLAGS and not match["bound"]:
        return Term(value.casefold(), excluded=excluded)
    if key and key not in FILTERS:
        known = did_you_mean(key, FILTERS)
        raise RequestError(
            f'There is no filter "{key}:"{known} Put a word with a colon in quotes: "{key}:{value}"'
        )
    bound = None
    if key in ("tag", "size"):
        value, bound = _bounded(key, value, match["bound"] or "", is_quoted=quoted is not None)
    elif match["bound"]:
        value += match["bound"]
    if not value and (key != "size" or bound is None):
        return _empty(key)
    if key == "type" and value.casefold() not in _TYPES:
        raise RequestError(f'"type:{value}": it is photo, video or group.')
    return Term(key, value, excluded, bound)


def _empty(key: str) -> Term | None:
    """What is not typed to its end says nothing, unless a filter stands alone."""
    if not key:
        return None
    raise RequestError(f'"{key}:" needs a value, such as {_EXAMPLES[key]}.')


_EXAMPLES = {
    "tag": "tag:cat or tag:cat>0.9",
    "name": "name:holiday",
    "folder": "folder:2024/italy",
    "type": "type:video",
    "size": "size:>10mb",
    "library": "library:photos",
    "section": "section:Holidays",
}


def _bounded(key: str, value: str, after: str, *, is_quoted: bool) -> tuple[str, Bound | None]:
    """Split "cat>0.9" into the word and its bound; in quotes only what follows them is one."""
    rest = after if is_quoted else value + after
    if not re.search("[<>]", rest):
        if key == "size":
            raise RequestError(f'"size:{value}": write size:>10mb or size:<500kb.')
        return value, None
    match = _BOUND.fullmatch(rest.casefold())
    if match is None or (key == "size" and match["value"]):
        raise RequestError(f'"{key}:{rest}" cannot be read; write {_EXAMPLES[key]}.')
    word = value if is_quoted else rest[: match.end("value")]
    text = match["number"] + match["unit"]
    return word, Bound(match["sign"], _number(key, match), text)


def _number(key: str, match: re.Match[str]) -> float:
    number, unit = float(match["number"]), match["unit"]
    if key == "size":
        if unit not in _UNITS or number > 10**9:
            raise RequestError(f'"size:{match[0]}": a size is in b, kb, mb or gb.')
        return number * _UNITS[unit]
    share = number / 100 if unit == "%" else number
    if unit not in ("", "%") or share > 1:
        raise RequestError(f'"tag:{match[0]}": a confidence is 0 to 1, or in %.')
    return share
