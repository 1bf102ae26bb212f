"""XML as a tree that knows where in the bytes each element stands.

A change to it is a splice of bytes: whatever is not spliced stays as it is, to the byte. Documents
with a DTD are refused, so that no entity can be declared, expanded or fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

_SPACE = b" \t\r\n"
_DEEPEST = 100
_MOST_PARTS = 500_000
"""A part takes about 0.5 kB of memory: a sidecar of the size that is read could fill it."""
_APART = "\x1f"
"""What expat puts between the parts of a name: no XML document can hold it."""
_UNICODE = ("utf-8", "utf8", "utf-16", "utf16", "utf-32", "utf32", "ucs-2", "ucs-4", "iso-10646")


class XmlError(ValueError):
    """This is no XML that TigerTag reads; the message says why, in a few words."""


class Splice(NamedTuple):
    """Bytes from `start` to `end` that give way to `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment or a processing instruction."""

    text: str


@dataclass(slots=True, eq=False)
class Element:
    """An element: its expanded name ("uri local"), and where its tags start and end.

    `bound` maps the prefixes that hold inside it to namespaces. An element of one tag, `<a/>`, has
    `close_start == end`.
    """

    name: str
    prefix: str
    attributes: Mapping[str, str]
    bound: Mapping[str, str]
    start: int
    open_end: int = 0
    close_start: int = 0
    end: int = 0
    parts: "list[Element | Remark | str]" = field(default_factory=list)

    @property
    def elements(self) -> "list[Element]":
        return [part for part in self.parts if isinstance(part, Element)]

    @property
    def text(self) -> str:
        return "".join(part for part in self.parts if isinstance(part, str))

    def qualified(self, local: str) -> str:
        """Return the name, as it is written, of another element of this one's namespace."""
        return f"{self.prefix}:{local}" if self.prefix else local


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its bytes, its root, and the remarks outside the root."""

    source: bytes
    root: Element
    remarks: tuple[Remark, ...]

    def cut(self, element: Element) -> Splice:
        """Take an element out, with the white space before it."""
        return Splice(self._trimmed(element.start), element.end, "")

    def append(self, element: Element, text: str, closing: str) -> Splice:
        """Put text after the last thing in an element; `closing` goes before a new end tag."""
        if element.close_start < element.end:
            at = max(element.open_end, self._trimmed(element.close_start))
            return Splice(at, at, text)
        slash = element.open_end - len(b"/>")
        name = element.qualified(element.name.rpartition(" ")[2])
        return Splice(self._trimmed(slash), element.open_end, f">{text}{closing}</{name}>")

    def space_before(self, element: Element) -> str:
        return self.source[self._trimmed(element.start) : element.start].decode()

    def indent(self, element: Element) -> str:
        """Return the white space between the line's start and the element, if nothing else is."""
        line = self.source[: element.start].rpartition(b"\n")[2]
        return "" if line.strip(_SPACE) else line.decode()

    def spliced(self, splices: list[Splice]) -> bytes:
        """Return the bytes after these splices, none of which overlap; equals keep their order."""
        pieces, at = [], 0
        for start, end, text in sorted(splices, key=lambda splice: splice[:2]):
            pieces += [self.source[at:start], text.encode()]
            at = end
        return b"".join((*pieces, self.source[at:]))

    def _trimmed(self, end: int) -> int:
        while end and self.source[end - 1] in _SPACE:
            end -= 1
        return end


def parse(source: bytes) -> Document:
    """Read a document in UTF-8. Raises `XmlError`."""
    reader = _Reader(source)
    try:
        reader.parser.Parse(source, True)
    except expat.ExpatError as exc:
        raise XmlError(f"line {exc.lineno}: {expat.ErrorString(exc.code)}") from exc
    return Document(source, reader.root, tuple(reader.remarks))


def escape(text: str, *, quote: bool = False) -> str:
    """Return text as it stands in an element's content, or between double quotes."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace('"', "&quot;") if quote else text
    return text.replace("\r", "&#13;")


class _Reader:
    """Builds the tree. Expat tells where an event starts; the next one tells where it ended."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self.root = Element("", "", {}, {}, 0)
        self.remarks: list[Remark] = []
        self._open: list[Element] = []
        self._declared: dict[str, str] = {}
        self._opening: Element | None = None
        self._parts = 0
        self.parser = parser = expat.ParserCreate("utf-8", _APART)
        parser.namespace_prefixes = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = self._comment
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartCdataSectionHandler = self._opened
        parser.EndCdataSectionHandler = self._opened

    def _opened(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise XmlError("it has too many parts")
        if self._opening is not None:
            self._opening.open_end = self.parser.CurrentByteIndex
            self._opening = None

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        # Which of Unicode's encodings it is its bytes have told; programs leave the wrong one here.
        if encoding and not encoding.lower().startswith(_UNICODE):
            raise XmlError(f"in {encoding}; XMP is in UTF-8, UTF-16 or UTF-32")

    def _doctype(self, *_about: object) -> None:
        raise XmlError(f"line {self.parser.CurrentLineNumber}: it has a document type")

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._opened()
        above = self._open[-1] if self._open else None
        bound = above.bound if above else {}
        if self._declared:
            bound, self._declared = {**bound, **self._declared}, {}
        plain, prefix = _split(name)
        named = {_split(key)[0]: value for key, value in attributes.items()}
        element = Element(plain, prefix, named, bound, self.parser.CurrentByteIndex)
        if above is None:
            self.root = element
        elif len(self._open) >= _DEEPEST:
            raise XmlError(f"line {self.parser.CurrentLineNumber}: nested too deeply")
        else:
            above.parts.append(element)
        self._open.append(element)
        self._opening = element

    def _end(self, _name: str) -> None:
        self._opened()
        element = self._open.pop()
        element.close_start = element.end = self.parser.CurrentByteIndex
        if self._source[element.open_end - 2 : element.open_end] != b"/>":
            element.end = self._source.index(b">", element.close_start) + 1

    def _text(self, text: str) -> None:
        self._opened()
        self._open[-1].parts.append(text)

    def _comment(self, text: str) -> None:
        self._remark(f"<!--{text}-->")

    def _instruction(self, target: str, text: str) -> None:
        self._remark(f"<?{target} {text}?>")

    def _remark(self, text: str) -> None:
        self._opened()
        parts = self._open[-1].parts if self._open else self.remarks
        parts.append(Remark(text))


def _split(name: str) -> tuple[str, str]:
    """Part what expat gives, uri, local name and prefix, into expanded name and prefix."""
    parts = name.split(_APART)
    return " ".join(parts[:2]), parts[2] if len(parts) == 3 else ""
