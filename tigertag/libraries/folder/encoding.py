"""In which of Unicode's encodings a sidecar is: its bytes tell, whatever it says of itself.

XMP may be in UTF-8, UTF-16 or UTF-32 (ISO 16684-1, 7.1), and Lightroom has written UTF-16 without
an XML declaration.
"""

import codecs
from dataclasses import dataclass

from tigertag.libraries.folder.xml import XmlError

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# An XML document begins with ASCII: where its first four bytes are NUL tells the rest.
_NULS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding, and the byte order mark that a document begins with; b"" without one."""

    name: str
    mark: bytes

    def decoded(self, source: bytes) -> str:
        """Return the text, the mark left out. Raises `XmlError` where it is not in this encoding.

        What it returns gives the same bytes again.
        """
        try:
            text = source[len(self.mark) :].decode(self.name)
        except UnicodeDecodeError as exc:
            raise XmlError(f"not valid {self.name.upper()}: {exc.reason}") from exc
        if self.encoded(text) != source:
            raise XmlError(f"not {self.name.upper()} as TigerTag would write it")
        return text

    def encoded(self, text: str) -> bytes:
        """Return the bytes of a text, with the mark. Raises `XmlError`."""
        try:
            return self.mark + text.encode(self.name)
        except UnicodeEncodeError as exc:
            raise XmlError(f"not to be written in {self.name.upper()}: {exc.reason}") from exc


def encoding_of(source: bytes) -> Encoding:
    """Tell by its bytes what a document is in; UTF-8 where nothing speaks for another one."""
    for mark, name in _MARKS:
        if source.startswith(mark):
            return Encoding(name, mark)
    return Encoding(_NULS.get(tuple(not byte for byte in source[:4]), "utf-8"), b"")
