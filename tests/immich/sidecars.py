"""Tags in XMP as Immich reads and writes them, through ExifTool: `digiKam:TagsList` first."""

import html
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from xml.etree import ElementTree as XML

from PIL import Image, IptcImagePlugin

from tests.immich.holdings import Source, content

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_X = "adobe:ns:meta/"
_DIGIKAM = "http://www.digikam.org/ns/1.0/"
_LISTS = {
    "TagsList": f"{{{_DIGIKAM}}}TagsList",
    "HierarchicalSubject": "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject",
    "Subject": "{http://purl.org/dc/elements/1.1/}subject",
}
_PREFIXES = {
    "x": _X,
    "rdf": _RDF,
    "digiKam": _DIGIKAM,
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "tigertag": "urn:tigertag:1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
}
_PACKET = re.compile(rb"<x:xmpmeta.*?</x:xmpmeta>", re.DOTALL)
_NUMBER = re.compile(r"-?(\d|[1-9]\d{1,14})(\.\d{1,16})?(e[-+]?\d{1,3})?", re.IGNORECASE)
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_KEYWORDS = (2, 25)

Lists = Mapping[str, Sequence[str]]
"""Lists of words by the names that ExifTool gives them."""

for _prefix, _uri in _PREFIXES.items():
    XML.register_namespace(_prefix, _uri)


def tags_in(file: Lists, sidecar: Lists) -> list[str]:
    """The tags that an extraction finds. The first list there is wins; lists are not merged.

    One of an empty entry is there: so the last tag that is taken off does not come back.
    """
    lists = {**file, **sidecar}
    if found := lists.get("TagsList"):
        return _words(found)
    if found := lists.get("HierarchicalSubject"):
        return [word.translate({ord("|"): "/", ord("/"): "|"}) for word in _words(found)]
    return _words(_keywords(sidecar) or _keywords(file))


def _keywords(lists: Lists) -> Sequence[str]:
    """The keywords of one file, as the Metadata Working Group has them: `dc:subject` first."""
    return lists.get("Subject") or lists.get("Keywords") or ()


@lru_cache(maxsize=4096)
def lists_in(xmp: bytes) -> Lists:
    """The lists of a sidecar, or of a packet; none of what cannot be read."""
    try:
        root = XML.fromstring(xmp)
    except XML.ParseError:
        return {}
    lists: dict[str, list[str]] = {}
    for name, tag in _LISTS.items():
        for element in root.iter(tag):
            words = [item.text or "" for item in element.iter(f"{{{_RDF}}}li")]
            literal = (element.text or "").strip()
            lists.setdefault(name, []).extend(words or ([literal] if literal else []))
        for description in root.iter(f"{{{_RDF}}}Description"):
            if tag in description.attrib:
                lists.setdefault(name, []).append(description.attrib[tag])
    return lists


@lru_cache(maxsize=1024)
def lists_of_file(source: Source, _version: int) -> Lists:
    """The lists that a picture holds itself: those of its XMP, and IPTC's keywords."""
    file = content(source)
    packet = _PACKET.search(file)
    lists = dict(lists_in(packet[0])) if packet else {}
    if b"Photoshop 3.0" in file:
        try:
            with Image.open(BytesIO(file)) as image:
                found = (IptcImagePlugin.getiptcinfo(image) or {}).get(_KEYWORDS, ())
        except (OSError, SyntaxError, ValueError):
            found = ()
        words = found if isinstance(found, list) else [found] if found else []
        lists["Keywords"] = [word.decode("utf-8", "replace") for word in words]
    return lists


def written(xmp: bytes | None, tags: Sequence[str]) -> bytes:
    """A sidecar with these tags in `digiKam:TagsList`; all else that it holds stays."""
    root = _frame() if xmp is None else XML.fromstring(xmp)
    descriptions = list(root.iter(f"{{{_RDF}}}Description"))
    for one in descriptions:
        one.attrib.pop(_LISTS["TagsList"], None)
        for old in one.findall(_LISTS["TagsList"]):
            one.remove(old)
    items = XML.SubElement(XML.SubElement(descriptions[0], _LISTS["TagsList"]), f"{{{_RDF}}}Seq")
    for tag in tags or [""]:
        text = _NOT_XML.sub("", html.unescape(tag))
        XML.SubElement(items, f"{{{_RDF}}}li").text = text
    head = b"<?xpacket begin='\xef\xbb\xbf' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
    packet: bytes = XML.tostring(root, "utf-8")
    return head + packet + b"\n<?xpacket end='w'?>"


def _frame() -> XML.Element:
    root = XML.Element(f"{{{_X}}}xmpmeta", {f"{{{_X}}}xmptk": "Image::ExifTool 13.59"})
    rdf = XML.SubElement(root, f"{{{_RDF}}}RDF")
    XML.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    return root


def _words(found: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(_through_json(word) for word in found if word))


def _through_json(word: str) -> str:
    """ExifTool's JSON tells what looks like a number as one, and JavaScript shows that anew."""
    if word == "null":
        return "undefined"
    if not _NUMBER.fullmatch(word):
        return word
    number = float(word)
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number.is_integer() and abs(number) < 1e21:
        return str(int(number))
    digits, mark, power = repr(number).partition("e")
    return digits if not mark else f"{digits}e{int(power):+d}"
