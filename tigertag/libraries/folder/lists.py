"""The lists that photo programs keep keywords in: what they are called, and how each is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeywordList:
    """A property of XMP that holds words, or paths of words with a `bar` between them."""

    prefix: str
    uri: str
    local: str
    bar: str = ""
    array: str = "Bag"

    @property
    def name(self) -> str:
        """Its expanded name, as elements have it."""
        return f"{self.uri} {self.local}"

    def path(self, entry: str) -> tuple[str, ...]:
        return tuple(entry.split(self.bar)) if self.bar else (entry,)

    def entry(self, path: Sequence[str]) -> str:
        return self.bar.join(path) if self.bar else path[-1]

    def holds(self, word: str) -> bool:
        """Whether a word stays one: a bar in it would make it a path."""
        return not self.bar or self.bar not in word


_DC = "http://purl.org/dc/elements/1.1/"
_LR = "http://ns.adobe.com/lightroom/1.0/"
_MICROSOFT = "http://ns.microsoft.com/photo/1.0"

SUBJECT = KeywordList("dc", _DC, "subject")
TAGS_LIST = KeywordList("digiKam", "http://www.digikam.org/ns/1.0/", "TagsList", "/", "Seq")
HIERARCHY = KeywordList("lr", _LR, "hierarchicalSubject", "|")
LISTS = (
    SUBJECT,
    TAGS_LIST,
    # digiKam writes the namespace with a slash at its end, ExifTool without.
    KeywordList("MicrosoftPhoto", f"{_MICROSOFT}/", "LastKeywordXMP", "/"),
    KeywordList("MicrosoftPhoto", _MICROSOFT, "LastKeywordXMP", "/"),
    HIERARCHY,
    KeywordList("lr", _LR, "HierarchicalSubject", "|"),
    KeywordList("mediapro", "http://ns.iview-multimedia.com/mediapro/1.0/", "CatalogSets", "|"),
)
ACDSEE = KeywordList("acdsee", "http://ns.acdsee.com/iptc/1.0/", "categories", "/")
"""XML within XML, of one value: see `categories.py`."""

Keywords = Mapping[KeywordList, Sequence[str]]
"""The entries of each list that a source has."""
Path = tuple[str, ...]


def tags_of(sources: Iterable[Keywords]) -> tuple[str, ...]:
    """The words of all lists, each once however its case; of a path, its last word."""
    return distinct(path[-1] for path in _paths(sources) if path[-1].strip())


def paths_of(sources: Iterable[Keywords]) -> tuple[str, ...]:
    """The paths of more than one word, in one spelling: with slashes."""
    return distinct("/".join(path) for path in _paths(sources) if len(path) > 1)


def filled(wanted: KeywordList, sources: Sequence[Keywords]) -> list[str]:
    """Return the entries of a new list that hides none of what these sources hold."""
    if not wanted.bar:
        return [*tags_of(sources)]
    own = [path for one in sources for path in map(wanted.path, one.get(wanted, ()))]
    words = [{found: one[found] for found in one if not found.bar} for one in sources]
    paths = [{found: one[found] for found in one if found.bar} for one in sources]
    entries = [*own, *_new(_paths(paths), own, slice(-1, None))]
    entries += _new(_paths(words), entries, slice(None))
    return [*distinct(map(wanted.entry, entries))]


def _new(paths: Iterable[Path], known: Sequence[Path], part: slice) -> list[Path]:
    """Return what is new of these: a word alone is told where it is in this part of a path."""
    found = [path for path in paths if path[-1].strip()]
    told = folded(w for path in (*known, *found) if len(path) > 1 for w in path[part])
    return [path for path in found if len(path) > 1 or path[0].casefold() not in told]


def distinct(words: Iterable[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(word.casefold(), word)
    return tuple(first.values())


def folded(words: Iterable[str]) -> set[str]:
    return {word.casefold() for word in words}


def storable(text: str) -> bool:
    """Tell whether XML 1.0 can hold a text; its control characters are no part of a word."""
    return all(map(_storable, text))


def _storable(character: str) -> bool:
    code = ord(character)
    return (
        code >= 0x20
        and not (0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF)
        and (code & 0xFFFE != 0xFFFE)
    )


def _paths(sources: Iterable[Keywords]) -> Iterator[Path]:
    for one in sources:
        for found, entries in one.items():
            yield from map(found.path, entries)
