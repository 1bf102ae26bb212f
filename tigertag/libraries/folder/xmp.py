"""The tags of a photo in XMP: dc:subject and lr:hierarchicalSubject.

The first holds words, the second paths of words with bars between them (ISO 16684-1, 7.3; Adobe
Lightroom). All that is not in these two properties is the rest, and is never changed.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tigertag.libraries.folder.checking import check
from tigertag.libraries.folder.encoding import encoding_of
from tigertag.libraries.folder.xml import (
    Element,
    Remark,
    Splice,
    XmlError,
    escape,
    parse,
)

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_X = "adobe:ns:meta/"
_RDF_RDF, _DESCRIPTION, _ABOUT = f"{_RDF} RDF", f"{_RDF} Description", f"{_RDF} about"
_ITEM, _TOOLKIT = f"{_RDF} li", f"{_X} xmptk"
_FRAMES = {f"{_X} xmpmeta", f"{_X} xapmeta", _RDF_RDF, _DESCRIPTION}
_ARRAYS = {f"{_RDF} Bag", f"{_RDF} Seq", f"{_RDF} Alt"}
_BAR = "|"
_OURS = "TigerTag"

EMPTY = f"""<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="{_X}" x:xmptk="{_OURS}">
 <rdf:RDF xmlns:rdf="{_RDF}">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/">
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
""".encode()


@dataclass(frozen=True, slots=True)
class _Property:
    prefix: str
    uri: str
    local: str

    @property
    def name(self) -> str:
        return f"{self.uri} {self.local}"


_SUBJECT = _Property("dc", "http://purl.org/dc/elements/1.1/", "subject")
_HIERARCHY = _Property("lr", "http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject")
_PROPERTIES = (_SUBJECT, _HIERARCHY)
_NAMES = {found.name for found in _PROPERTIES}


class Xmp:
    """The XMP of one photo, read in full. Raises `XmlError` where it is not XMP."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self._encoding = encoding_of(source)
        # Expat tells places in bytes: they are looked for, and changed, in UTF-8.
        self._document = parse(self._encoding.decoded(source).encode())
        self._rdf = _rdf(self._document.root)
        self._descriptions = [
            element for element in self._rdf.elements if element.name == _DESCRIPTION
        ]
        for description in self._descriptions:
            _check(description)

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tags in their order, each once however its case; of a path, its last word."""
        return self._without(())

    @cached_property
    def rest(self) -> str:
        """A digest of all but the tags, however it is laid out; "" where there is nothing else."""
        document = self._document
        parts: list[Element | Remark] = [*document.remarks, document.root]
        whole = "".join(_canonical(part) for part in parts)
        return hashlib.blake2b(whole.encode(), digest_size=16).hexdigest() if whole else ""

    @property
    def is_void(self) -> bool:
        """Whether TigerTag made it, and nothing is left in it."""
        toolkit = self._document.root.attributes.get(_TOOLKIT, "")
        return toolkit == _OURS and not self.tags and not self.rest

    def edited(self, *, adds: Sequence[str], removes: Collection[str]) -> bytes:
        """Return its bytes with these tags added and removed, and nothing else changed.

        A tag to add that is there in any case is left as it is, one to remove goes only where it
        stands in the same spelling: as a word, and as a path of that one word. Raises `XmlError`
        where a second look does not find just that.
        """
        known = {word.casefold() for word in self._without(removes)}
        words = _distinct(word for word in adds if word.casefold() not in known)
        plain = [word for word in words if _BAR not in word]
        splices = [
            *self._spliced(_SUBJECT, adds=words, removes=removes),
            *self._spliced(_HIERARCHY, adds=plain, removes={w for w in removes if _BAR not in w}),
        ]
        missing = [
            (found, names)
            for found, names in ((_SUBJECT, words), (_HIERARCHY, plain))
            if names and not self._found(found)
        ]
        if missing:
            splices.append(self._appended(missing))
        content = self._encoding.encoded(self._document.spliced(splices).decode())
        lists = {
            _SUBJECT.name: self._entries(_SUBJECT, adds=words, removes=removes),
            _HIERARCHY.name: self._entries(
                _HIERARCHY, adds=plain, removes={w for w in removes if _BAR not in w}
            ),
        }
        check(self.source, content, lists)
        return content

    def _entries(
        self, wanted: _Property, *, adds: Sequence[str], removes: Collection[str]
    ) -> list[str]:
        """What a list is to hold after an edit: new entries go to the end of its first part."""
        parts = [[w for w in _values(each) if w not in removes] for each in self._found(wanted)]
        return sum(parts[1:], [*(parts or [[]])[0], *adds])

    def _found(self, wanted: _Property) -> list[Element]:
        return [
            element
            for description in self._descriptions
            for element in description.elements
            if element.name == wanted.name
        ]

    def _without(self, removes: Collection[str]) -> tuple[str, ...]:
        words = [word for each in self._found(_SUBJECT) for word in _values(each)]
        paths = [path for each in self._found(_HIERARCHY) for path in _values(each)]
        left = [word for word in words if word not in removes]
        left += [path.rpartition(_BAR)[2] for path in paths if path not in removes or _BAR in path]
        return _distinct(word for word in left if word.strip())

    def _spliced(
        self, wanted: _Property, *, adds: Sequence[str], removes: Collection[str]
    ) -> Iterator[Splice]:
        for number, element in enumerate(self._found(wanted)):
            yield from self._changed(element, adds if number == 0 else (), removes)

    def _changed(
        self, element: Element, adds: Sequence[str], removes: Collection[str]
    ) -> Iterator[Splice]:
        array = _array(element)
        if array is None:
            yield from self._changed_literal(element, adds, removes)
            return
        gone = [item for item in array.elements if _word(item) in removes]
        if gone and not adds and len(gone) == len(array.elements) and not _has_remarks(element):
            yield self._document.cut(element)
            return
        yield from map(self._document.cut, gone)
        if adds:
            items = array.elements
            before = self._document.space_before(items[-1]) if items else self._indent(array) + " "
            name = array.qualified("li")
            entries = "".join(f"{before}<{name}>{escape(word)}</{name}>" for word in adds)
            yield self._document.append(array, entries, self._indent(array))

    def _changed_literal(
        self, element: Element, adds: Sequence[str], removes: Collection[str]
    ) -> Iterator[Splice]:
        """Change a property that holds one word, or nothing, where there should be an array."""
        words = [word for word in _values(element) if word not in removes]
        if not adds and len(words) == len(_values(element)):
            return
        cut = self._document.cut(element)
        if words or adds:
            wanted = _SUBJECT if element.name == _SUBJECT.name else _HIERARCHY
            written = _written(wanted, [*words, *adds], {}, self._indent(element))
            cut = cut._replace(text=written)
        yield cut

    def _appended(self, missing: Sequence[tuple[_Property, Sequence[str]]]) -> Splice:
        """Put whole properties into the first description, or into one of their own."""
        if self._descriptions:
            home = self._descriptions[0]
            indent = self._indent(home)
            inner = "".join(_written(one, w, home.bound, indent + " ") for one, w in missing)
            return self._document.append(home, inner, indent)
        indent = self._indent(self._rdf)
        inner = "".join(_written(one, w, self._rdf.bound, indent + "  ") for one, w in missing)
        head = f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about="">'
        text = f"{indent} {head}{inner}{indent} </rdf:Description>"
        return self._document.append(self._rdf, text, indent)

    def _indent(self, element: Element) -> str:
        return "\n" + self._document.indent(element)


def _rdf(root: Element) -> Element:
    for element in (root, *root.elements):
        if element.name == _RDF_RDF:
            return element
    raise XmlError("it holds no rdf:RDF")


def _check(description: Element) -> None:
    """Refuse forms of our properties that no one is known to write: they might be harmed."""
    if _NAMES & description.attributes.keys():
        raise XmlError("it keeps its keywords in an attribute")
    for element in description.elements:
        if element.name in _NAMES:
            known = [child.name in _ARRAYS for child in element.elements]
            if known not in ([], [True]) or (element.attributes and not known):
                raise XmlError(f"it keeps its keywords in no list, but in {element.name!r}")


def _array(element: Element) -> Element | None:
    return next(iter(element.elements), None)


def _has_remarks(element: Element) -> bool:
    return any(
        isinstance(part, Remark) for each in (element, *element.elements) for part in each.parts
    )


def _values(element: Element) -> list[str]:
    array = _array(element)
    if array is None:
        return [element.text] if element.text.strip() else []
    return [word for word in map(_word, array.elements) if word is not None]


def _word(item: Element) -> str | None:
    return item.text if item.name == _ITEM and not item.elements else None


def _written(wanted: _Property, words: Sequence[str], bound: Mapping[str, str], indent: str) -> str:
    """Return a property as text, with the namespaces that are not bound where it will stand."""
    names = ((wanted.prefix, wanted.uri), ("rdf", _RDF))
    declared = "".join(f' xmlns:{p}="{uri}"' for p, uri in names if bound.get(p) != uri)
    items = "".join(f"{indent}  <rdf:li>{escape(word)}</rdf:li>" for word in words)
    name = f"{wanted.prefix}:{wanted.local}"
    bag = f"{indent} <rdf:Bag>{items}{indent} </rdf:Bag>"
    return f"{indent}<{name}{declared}>{bag}{indent}</{name}>"


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(word.casefold(), word)
    return tuple(first.values())


def _canonical(part: Element | Remark, within: str = "document") -> str:
    """Return all that a part says besides our tags, in one spelling; "" where it says nothing.

    `within` names the frame around it: the root, rdf:RDF and rdf:Description are frames, which
    count only by what is in them; it is "" inside a property.
    """
    if isinstance(part, Remark):
        return "" if part.text.startswith("<?xpacket") else part.text
    if within == _DESCRIPTION and part.name in _NAMES:
        return ""
    frame = part.name if within and part.name in _FRAMES else ""
    inner = "".join(_canonical(each, frame) for each in part.parts if not isinstance(each, str))
    if frame or part.elements:
        inner = " ".join(part.text.split()) + inner
    else:
        inner = repr(part.text) + inner
    about = sorted(pair for pair in part.attributes.items() if not (frame and _is_form(*pair)))
    return f"<{part.name} {about}>{inner}</>" if inner or about else ""


def _is_form(name: str, value: str) -> bool:
    """Tell whether an attribute of a frame says nothing of the photo."""
    return name == _TOOLKIT or (name in (_ABOUT, "about") and not value)
