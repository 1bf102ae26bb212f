"""The tags of a photo in XMP: the lists that photo programs keep keywords in.

All that is not in these lists is the rest, and is never changed. A list that TigerTag makes beside
others holds what they do, so that it hides nothing. It stands in a description of its own, which
lists the user's words in `tigertag:copied`, and goes when nothing else is left in it.

In a sidecar that photos may share (`photo.xmp`), `tigertag:added` names the words that TigerTag
put there and the file that each is for, as "photo.jpg/word".
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tigertag.libraries.folder.xml import Element, Remark, XmlError, parse


@dataclass(frozen=True, slots=True)
class KeywordList:
    """A property of XMP that holds words, or paths of words with a `separator` between them."""

    prefix: str
    uri: str
    local: str
    separator: str = ""
    array: str = "Bag"

    @property
    def name(self) -> str:
        """Its expanded name, as elements have it."""
        return f"{self.uri} {self.local}"

    def path_of(self, entry: str) -> tuple[str, ...]:
        return tuple(entry.split(self.separator)) if self.separator else (entry,)

    def entry_of(self, path: Sequence[str]) -> str:
        return self.separator.join(path) if self.separator else path[-1]

    def can_hold(self, word: str) -> bool:
        """Whether a word stays one: a separator in it would make it a path."""
        return not self.separator or self.separator not in word


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
"""XML within XML, of one value: see `categories_in`."""

Keywords = Mapping[KeywordList, Sequence[str]]
"""The entries of each list that a source has."""
Path = tuple[str, ...]

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_X = "adobe:ns:meta/"
_RDF_RDF, _DESCRIPTION, ABOUT = f"{RDF} RDF", f"{RDF} Description", f"{RDF} about"
ITEM, _TOOLKIT = f"{RDF} li", f"{_X} xmptk"
_FRAMES = {f"{_X} xmpmeta", f"{_X} xapmeta", _RDF_RDF, _DESCRIPTION}
_ARRAYS = {f"{RDF} Bag", f"{RDF} Seq", f"{RDF} Alt"}
_OURS = "TigerTag"
NS = "urn:tigertag:1.0/"
COPIED, ADDED = KeywordList("tigertag", NS, "copied"), KeywordList("tigertag", NS, "added")
COPY_OF = f"{NS} copyOf"
NAMES = {keyword_list.name for keyword_list in LISTS}
CATEGORIES = {ACDSEE.name, f"{ACDSEE.uri} Categories"}
"""The names of ACDSee's list, as digiKam and as ExifTool spell it: an attribute or an element."""
_OUTSIDE_REST = {*NAMES, *CATEGORIES, COPIED.name, COPY_OF, ADDED.name}

EMPTY = f"""<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="{_X}" x:xmptk="{_OURS}">
 <rdf:RDF xmlns:rdf="{RDF}">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/">
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
""".encode()


class Xmp:
    """The XMP of one photo, read in full. Raises `XmlError` where it is not XMP."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.document = parse(source)
        self.rdf = _rdf(self.document.root)
        self.descriptions = self.rdf.named(_DESCRIPTION)
        for description in self.descriptions:
            _check(description)

    def elements(self, *names: str) -> list[Element]:
        """Return the properties of these names in all descriptions."""
        return [each for description in self.descriptions for each in description.named(*names)]

    @cached_property
    def keywords(self) -> Keywords:
        """The entries of each list that is there, as they stand."""
        keywords: dict[KeywordList, list[str]] = {}
        for keyword_list in LISTS:
            if elements := self.elements(keyword_list.name):
                keywords[keyword_list] = entries_in(elements)
        values = [
            description.attributes[name]
            for description in self.descriptions
            for name in CATEGORIES & {*description.attributes}
        ]
        values += [element.text for element in self.elements(*CATEGORIES)]
        categories = [entry for value in values for entry in categories_in(value) or ()]
        return keywords | ({ACDSEE: categories} if categories else {})

    @cached_property
    def added(self) -> tuple[str, ...]:
        """The entries of `tigertag:added`: a file's name, quoted, a slash, and a word."""
        return tuple(entries_in(self.elements(ADDED.name)))

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tags in their order, each once whatever its case; of a path, its last word."""
        return tags_of([self.keywords])

    @cached_property
    def rest(self) -> str:
        """A digest of all but the tags, however it is laid out; "" where there is nothing else."""
        parts: list[Element | Remark] = [*self.document.remarks, self.document.root]
        whole = "".join(_canonical(part) for part in parts)
        return hashlib.blake2b(whole.encode(), digest_size=16).hexdigest() if whole else ""

    @property
    def is_void(self) -> bool:
        """Whether TigerTag made it, and nothing is left in it."""
        toolkit = self.document.root.attributes.get(_TOOLKIT, "")
        return toolkit == _OURS and not self.tags and not self.rest

    @property
    def original(self) -> bytes | None:
        """What it is a copy of, if TigerTag made it as one: its bytes without the mark."""
        marks = [each for each in self.descriptions if COPY_OF in each.attributes]
        if len(marks) != 1 or marks[0].parts:
            return None
        return self.document.spliced([self.document.cut(marks[0])])


def _rdf(root: Element) -> Element:
    if root.name == _RDF_RDF:
        return root
    if inside := root.named(_RDF_RDF):
        return inside[0]
    raise XmlError("it holds no rdf:RDF")


def _check(description: Element) -> None:
    """Refuse forms of our properties that no program is known to write: they might be harmed."""
    if NAMES & description.attributes.keys():
        raise XmlError("it keeps its keywords in an attribute")
    for element in description.named(*NAMES):
        arrays = [child.name in _ARRAYS for child in element.elements]
        if arrays not in ([], [True]) or (element.attributes and not arrays):
            raise XmlError(f"it keeps its keywords in no list, but in {element.name!r}")


def array_in(element: Element) -> Element | None:
    """Return the array that a list's entries stand in."""
    return next(iter(element.elements), None)


def entries_in(elements: list[Element]) -> list[str]:
    """Return the entries of a list, which these elements hold."""
    entries: list[str] = []
    for element in elements:
        array = array_in(element)
        if array is not None:
            entries += [entry for entry in map(word_of, array.elements) if entry is not None]
        elif element.text.strip():
            entries.append(element.text)
    return entries


def word_of(item: Element) -> str | None:
    """Return the word of an item of an array; None where it holds something else."""
    return item.text if item.name == ITEM and not item.elements else None


def categories_in(value: str) -> list[str] | None:
    """Return the entries of ACDSee's list; None where it is not of its form.

    `<Categories><Category Assigned="0">Places<Category Assigned="1">Vienna</Category></Category>…`
    """
    try:
        root = parse(value.encode()).root
    except (XmlError, UnicodeEncodeError):
        return None
    if root.name != "Categories":
        return None
    return [ACDSEE.entry_of(path) for path in _assigned(root, ())]


def _assigned(element: Element, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for child in element.elements:
        path = (*above, child.text.strip())
        if child.attributes.get("Assigned") == "1":
            yield path
        yield from _assigned(child, path)


def _canonical(part: Element | Remark, within: str = "document") -> str:
    """Return all that a part holds besides our tags, in one spelling; "" where that is nothing.

    `within` names the frame around it: the root, rdf:RDF and rdf:Description are frames, which
    count only by what is in them; it is "" inside a property.
    """
    if isinstance(part, Remark):
        return "" if part.text.startswith("<?xpacket") else part.text
    if within == _DESCRIPTION and part.name in _OUTSIDE_REST:
        return ""
    is_frame = within == "document" or (within and part.name in _FRAMES)
    frame = part.name if is_frame else ""
    inner = "".join(_canonical(each, frame) for each in part.parts if not isinstance(each, str))
    if frame or part.elements:
        inner = " ".join(part.text.split()) + inner
    else:
        inner = repr(part.text) + inner
    about = sorted(pair for pair in part.attributes.items() if not (frame and _is_form(*pair)))
    return f"<{part.name} {about}>{inner}</>" if inner or about else ""


def _is_form(name: str, value: str) -> bool:
    """Whether an attribute of a frame is not about the photo."""
    nothing = name in (ABOUT, "about") and not value
    return nothing or name == _TOOLKIT or name in _OUTSIDE_REST


def tags_of(sources: Iterable[Keywords]) -> tuple[str, ...]:
    """Return the words of all lists, each once whatever its case; of a path, its last word."""
    return unique(path[-1] for path in _paths(sources) if path[-1].strip())


def paths_of(sources: Iterable[Keywords]) -> tuple[str, ...]:
    """Return the paths of more than one word, all written with slashes."""
    return unique("/".join(path) for path in _paths(sources) if len(path) > 1)


def entries_for(target: KeywordList, sources: Sequence[Keywords]) -> list[str]:
    """Return the entries of a new list that hides nothing of what these sources hold."""
    if not target.separator:
        return [*tags_of(sources)]
    own = [path for source in sources for path in map(target.path_of, source.get(target, ()))]
    flat = [{kind: source[kind] for kind in source if not kind.separator} for source in sources]
    nested = [{kind: source[kind] for kind in source if kind.separator} for source in sources]
    paths = [*own, *_new_paths(_paths(nested), own, slice(-1, None))]
    paths += _new_paths(_paths(flat), paths, slice(None))
    return [*unique(map(target.entry_of, paths))]


def _new_paths(candidates: Iterable[Path], present: Sequence[Path], part: slice) -> list[Path]:
    """Leave out the single words that stand in this part of a longer path."""
    paths = [path for path in candidates if path[-1].strip()]
    covered = casefolded(
        word for path in (*present, *paths) if len(path) > 1 for word in path[part]
    )
    return [path for path in paths if len(path) > 1 or path[0].casefold() not in covered]


def unique(words: Iterable[str]) -> tuple[str, ...]:
    """Return each word once, whatever its case, in the spelling that comes first."""
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(word.casefold(), word)
    return tuple(first.values())


def casefolded(words: Iterable[str]) -> set[str]:
    return {word.casefold() for word in words}


def is_storable(text: str) -> bool:
    """Whether XML 1.0 can hold a text; its control characters are no part of a word."""
    return not any(
        code < 0x20 or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE
        for code in map(ord, text)
    )


def _paths(sources: Iterable[Keywords]) -> Iterator[Path]:
    for source in sources:
        for kind, entries in source.items():
            yield from map(kind.path_of, entries)
