"""The tags of a photo in XMP: the lists of keywords of `lists.py`.

All that is not in these lists is the rest, and is never changed. A list that TigerTag makes beside
others holds what they do, so that it hides nothing. It stands in a description of its own, which
says in `tigertag:copied` which words are the user's, and goes when nothing else is left in it.

In a sidecar that photos may have in common (`photo.xmp`), `tigertag:added` names the words that
TigerTag put there and the file each is for, as "photo.jpg/word": another one's are told by it.
"""

import hashlib
from functools import cached_property

from tigertag.libraries.folder.categories import CATEGORIES, assigned
from tigertag.libraries.folder.encoding import encoding_of
from tigertag.libraries.folder.lists import ACDSEE, LISTS, KeywordList, Keywords, tags_of
from tigertag.libraries.folder.xml import Element, Remark, Splice, XmlError, parse

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_X = "adobe:ns:meta/"
_RDF_RDF, _DESCRIPTION, ABOUT = f"{RDF} RDF", f"{RDF} Description", f"{RDF} about"
ITEM, _TOOLKIT = f"{RDF} li", f"{_X} xmptk"
_FRAMES = {f"{_X} xmpmeta", f"{_X} xapmeta", _RDF_RDF, _DESCRIPTION}
_ARRAYS = {f"{RDF} Bag", f"{RDF} Seq", f"{RDF} Alt"}
_OURS = "TigerTag"
NS = "urn:tigertag:1.0/"
COPIED, COPY_OF, ADDED = f"{NS} copied", f"{NS} copyOf", f"{NS} added"
NAMES = {found.name for found in LISTS}
_OUTSIDE_REST = {*NAMES, *CATEGORIES, COPIED, COPY_OF, ADDED}

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
        self._encoding = encoding_of(source)
        # Expat tells places in bytes: they are looked for, and changed, in UTF-8.
        self.document = parse(self._encoding.decoded(source).encode())
        self.rdf = _rdf(self.document.root)
        self.descriptions = [one for one in self.rdf.elements if one.name == _DESCRIPTION]
        for description in self.descriptions:
            _check(description)

    @cached_property
    def keywords(self) -> Keywords:
        """The entries of each list that is there, as they stand."""
        found: dict[KeywordList, list[str]] = {}
        for one in LISTS:
            if elements := self.found(one):
                found[one] = [entry for element in elements for entry in values(element)]
        categories = [entry for text in self._categories() for entry in assigned(text) or ()]
        return found | ({ACDSEE: categories} if categories else {})

    def found(self, wanted: KeywordList) -> list[Element]:
        """Return the parts of a list, one for each time that it is there."""
        return [
            element
            for description in self.descriptions
            for element in description.elements
            if element.name == wanted.name
        ]

    @cached_property
    def added(self) -> tuple[str, ...]:
        """The entries of `tigertag:added`: a file's name, quoted, a slash, and a word."""
        inside = [one for each in self.descriptions for one in each.elements if one.name == ADDED]
        return tuple(entry for one in inside for entry in values(one))

    def _categories(self) -> list[str]:
        inside = [one for d in self.descriptions for one in d.elements if one.name in CATEGORIES]
        given = [
            d.attributes[name] for d in self.descriptions for name in CATEGORIES & {*d.attributes}
        ]
        return given + [element.text for element in inside]

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tags in their order, each once however its case; of a path, its last word."""
        return tags_of([self.keywords])

    @cached_property
    def rest(self) -> str:
        """A digest of all but the tags, however it is laid out; "" where there is nothing else."""
        document = self.document
        parts: list[Element | Remark] = [*document.remarks, document.root]
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
        marks = [one for one in self.descriptions if COPY_OF in one.attributes]
        if len(marks) != 1 or marks[0].parts:
            return None
        return self.spliced([self.document.cut(marks[0])])

    def spliced(self, splices: list[Splice]) -> bytes:
        """Return its bytes, in its own encoding, after these splices. Raises `XmlError`."""
        return self._encoding.encoded(self.document.spliced(splices).decode())


def _rdf(root: Element) -> Element:
    for element in (root, *root.elements):
        if element.name == _RDF_RDF:
            return element
    raise XmlError("it holds no rdf:RDF")


def _check(description: Element) -> None:
    """Refuse forms of our properties that no one is known to write: they might be harmed."""
    if NAMES & description.attributes.keys():
        raise XmlError("it keeps its keywords in an attribute")
    for element in description.elements:
        if element.name in NAMES:
            known = [child.name in _ARRAYS for child in element.elements]
            if known not in ([], [True]) or (element.attributes and not known):
                raise XmlError(f"it keeps its keywords in no list, but in {element.name!r}")


def array_of(element: Element) -> Element | None:
    """Return the array that a list's entries stand in."""
    return next(iter(element.elements), None)


def values(element: Element) -> list[str]:
    """Return the entries of a list."""
    array = array_of(element)
    if array is None:
        return [element.text] if element.text.strip() else []
    return [entry for entry in map(entry_of, array.elements) if entry is not None]


def entry_of(item: Element) -> str | None:
    """Return what an item of an array says, if it says a word."""
    return item.text if item.name == ITEM and not item.elements else None


def _canonical(part: Element | Remark, within: str = "document") -> str:
    """Return all that a part says besides our tags, in one spelling; "" where it says nothing.

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
    """Tell whether an attribute of a frame says nothing of the photo."""
    nothing = name in (ABOUT, "about") and not value
    return nothing or name == _TOOLKIT or name in _OUTSIDE_REST
