"""XML as a tree that knows where in the bytes each element stands.

A change to it is a splice of bytes: whatever is not spliced stays as it is, to the byte. Documents
with a DTD are refused, so that no entity can be declared, expanded or fetched.

XMP may be in UTF-8, UTF-16 or UTF-32 (ISO 16684-1, 7.1). The bytes decide, whatever the document
declares: Lightroom has written UTF-16 without an XML declaration.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

_SPACE = b" \t\r\n"
_MAX_DEPTH = 100
_MAX_PARTS = 500_000
"""A part takes about 0.5 kB of memory: a sidecar of the size that is read could fill it."""
_NAME_SEPARATOR = "\x1f"
"""What expat puts between the parts of a name: no XML document can hold it."""
_UNICODE = ("utf-8", "utf8", "utf-16", "utf16", "utf-32", "utf32", "ucs-2", "ucs-4", "iso-10646")
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Without a mark: XML begins with ASCII, so which of the first four bytes are NUL says the rest.
_NULS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}


class XmlError(ValueError):
    """This is no XML that TigerTag reads; the message gives the reason in a few words."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding, and the byte order mark that a document begins with; b"" without one."""

    name: str
    mark: bytes

    def decode(self, source: bytes) -> str:
        """Return the text without the mark; encoding it gives the same bytes. Raises `XmlError`."""
        try:
            text = source[len(self.mark) :].decode(self.name)
        except UnicodeDecodeError as exc:
            raise XmlError(f"not valid {self.name.upper()}: {exc.reason}") from exc
        if self.encode(text) != source:
            raise XmlError(f"not {self.name.upper()} as TigerTag would write it")
        return text

    def encode(self, text: str) -> bytes:
        """Return the bytes of a text, with the mark. Raises `XmlError`."""
        try:
            return self.mark + text.encode(self.name)
        except UnicodeEncodeError as exc:
            raise XmlError(f"not to be written in {self.name.upper()}: {exc.reason}") from exc


def encoding_of(source: bytes) -> Encoding:
    """Return the encoding of a document by its bytes; UTF-8 unless they show another."""
    for mark, name in _BYTE_ORDER_MARKS:
        if source.startswith(mark):
            return Encoding(name, mark)
    return Encoding(_NULS.get(tuple(not byte for byte in source[:4]), "utf-8"), b"")


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

    `namespaces` maps the prefixes that hold inside it. An element of one tag, `<a/>`, has
    `close_start == end`.
    """

    name: str
    prefix: str
    attributes: Mapping[str, str]
    namespaces: Mapping[str, str]
    start: int
    open_end: int = 0
    close_start: int = 0
    end: int = 0
    parts: "list[Element | Remark | str]" = field(default_factory=list)

    @property
    def elements(self) -> "list[Element]":
        return [part for part in self.parts if isinstance(part, Element)]

    def named(self, *names: str) -> "list[Element]":
        """Return the elements in it that have one of these names."""
        return [element for element in self.elements if element.name in names]

    @property
    def text(self) -> str:
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def has_remarks(self) -> bool:
        """Whether a remark stands in it or in one of its elements."""
        holders = (self, *self.elements)
        return any(isinstance(part, Remark) for holder in holders for part in holder.parts)

    def qualified(self, local: str) -> str:
        """Return the name, as it is written, of another element of this one's namespace."""
        return f"{self.prefix}:{local}" if self.prefix else local


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its text in UTF-8, where expat counts bytes, its root, and remarks outside it."""

    utf8: bytes
    encoding: Encoding
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
        return self.utf8[self._trimmed(element.start) : element.start].decode()

    def indent(self, element: Element) -> str:
        """Return a line break, and the white space before the element if it begins its line."""
        line = self.utf8[: element.start].rpartition(b"\n")[2]
        return "\n" if line.strip(_SPACE) else "\n" + line.decode()

    def spliced(self, splices: list[Splice]) -> bytes:
        """Return the document in its own encoding after these splices, none of which overlap.

        Splices at one place keep their order. Raises `XmlError`.
        """
        pieces, at = [], 0
        for start, end, text in sorted(splices, key=lambda splice: splice[:2]):
            pieces += [self.utf8[at:start], text.encode()]
            at = end
        return self.encoding.encode(b"".join((*pieces, self.utf8[at:])).decode())

    def _trimmed(self, end: int) -> int:
        while end and self.utf8[end - 1] in _SPACE:
            end -= 1
        return end


def parse(source: bytes) -> Document:
    """Read a document. Raises `XmlError`."""
    encoding = encoding_of(source)
    utf8 = encoding.decode(source).encode()
    reader = _Reader(utf8)
    try:
        reader.parser.Parse(utf8, True)
    except expat.ExpatError as exc:
        raise XmlError(f"line {exc.lineno}: {expat.ErrorString(exc.code)}") from exc
    return Document(utf8, encoding, reader.root, tuple(reader.remarks))


def escape(text: str, *, quote: bool = False) -> str:
    """Return text as it stands in an element's content, or between double quotes."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace('"', "&quot;") if quote else text
    return text.replace("\r", "&#13;")


class _Reader:
    """Builds the tree. Expat gives where an event starts; the next one shows where it ended."""

    def __init__(self, utf8: bytes) -> None:
        self._utf8 = utf8
        self.root = Element("", "", {}, {}, 0)
        self.remarks: list[Remark] = []
        self._open: list[Element] = []
        self._declared: dict[str, str] = {}
        self._opening: Element | None = None
        self._parts = 0
        self.parser = parser = expat.ParserCreate("utf-8", _NAME_SEPARATOR)
        parser.namespace_prefixes = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = lambda text: self._remark(f"<!--{text}-->")
        parser.ProcessingInstructionHandler = lambda target, text: self._remark(
            f"<?{target} {text}?>"
        )
        parser.StartCdataSectionHandler = self._next_part
        parser.EndCdataSectionHandler = self._next_part

    def _next_part(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise XmlError("it has too many parts")
        if self._opening is not None:
            self._opening.open_end = self.parser.CurrentByteIndex
            self._opening = None

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        # The bytes show which of Unicode's encodings it is; programs leave the wrong one here.
        if encoding and not encoding.lower().startswith(_UNICODE):
            raise XmlError(f"in {encoding}; XMP is in UTF-8, UTF-16 or UTF-32")

    def _doctype(self, *_about: object) -> None:
        raise XmlError(f"line {self.parser.CurrentLineNumber}: it has a document type")

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._next_part()
        parent = self._open[-1] if self._open else None
        namespaces = parent.namespaces if parent else {}
        if self._declared:
            namespaces, self._declared = {**namespaces, **self._declared}, {}
        expanded, prefix = _split(name)
        named = {_split(key)[0]: value for key, value in attributes.items()}
        element = Element(expanded, prefix, named, namespaces, self.parser.CurrentByteIndex)
        if parent is None:
            self.root = element
        elif len(self._open) >= _MAX_DEPTH:
            raise XmlError(f"line {self.parser.CurrentLineNumber}: nested too deeply")
        else:
            parent.parts.append(element)
        self._open.append(element)
        self._opening = element

    def _end(self, _name: str) -> None:
        self._next_part()
        element = self._open.pop()
        element.close_start = element.end = self.parser.CurrentByteIndex
        if self._utf8[element.open_end - 2 : element.open_end] != b"/>":
            element.end = self._utf8.index(b">", element.close_start) + 1

    def _text(self, text: str) -> None:
        self._next_part()
        self._open[-1].parts.append(text)

    def _remark(self, text: str) -> None:
        self._next_part()
        parts = self._open[-1].parts if self._open else self.remarks
        parts.append(Remark(text))


def _split(name: str) -> tuple[str, str]:
    """Split what expat gives, uri, local name and prefix, into expanded name and prefix."""
    parts = name.split(_NAME_SEPARATOR)
    return " ".join(parts[:2]), parts[2] if len(parts) == 3 else ""
