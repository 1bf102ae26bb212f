"""A second look at what is to be written, by another way than the one that made it.

ElementTree's trees of the old and the new document are compared: all but the lists of keywords has
to be the same, and the lists have to hold what was meant.
"""

from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tigertag.libraries.folder.encoding import encoding_of
from tigertag.libraries.folder.xml import XmlError

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DESCRIPTION = f"{_RDF}Description"
Plain = tuple[object, ...]


def check(before: bytes, after: bytes, lists: Mapping[str, Sequence[str]]) -> None:
    """See that only these lists differ, and hold these entries. Raises `XmlError`.

    `lists`: the entries by the property's expanded name, "uri local", all descriptions together.
    """
    names = {_clark(name): list(entries) for name, entries in lists.items()}
    if encoding_of(before) != encoding_of(after):
        raise XmlError("its encoding would change")
    old, new = _tree(before), _tree(after)
    if _plain(old, names) != _plain(new, names):
        raise XmlError("more than its keywords would change")
    for name, entries in names.items():
        if [*_entries(new, name)] != entries:
            raise XmlError(f"its keywords would not be as they are meant, in {name}")


def _clark(name: str) -> str:
    uri, _, local = name.rpartition(" ")
    return f"{{{uri}}}{local}" if uri else local


def _tree(source: bytes) -> Element:
    text = encoding_of(source).decoded(source)
    builder = ElementTree.TreeBuilder(insert_comments=True, insert_pis=True)
    try:
        return ElementTree.fromstring(text, ElementTree.XMLParser(target=builder))
    except (ElementTree.ParseError, ValueError) as exc:
        raise XmlError("it would not be readable") from exc


def _plain(element: Element, names: Mapping[str, object]) -> Plain:
    """Return an element as plain values, without the lists and layout."""
    inside = element.tag == _DESCRIPTION
    kept = [child for child in element if not (inside and child.tag in names)]
    inner = [plain for child in kept if (plain := _plain(child, names)) and not _is_bare(plain)]
    texts = [element.text or "", *(child.tail or "" for child in element)]
    text = "".join(texts) if not len(element) and not inside else " ".join("".join(texts).split())
    tag = element.tag if isinstance(element.tag, str) else repr(element.tag.__name__)
    given = [pair for pair in element.attrib.items() if not (inside and pair[0] in names)]
    return (tag, sorted(given), text, inner)


def _is_bare(plain: Plain) -> bool:
    """Tell whether a description says nothing: one that only a list was in."""
    tag, attributes, *rest = plain
    about = [(f"{_RDF}about", "")]
    return tag == _DESCRIPTION and attributes in ([], about) and rest == ["", []]


def _entries(root: Element, name: str) -> Iterator[str]:
    for description in root.iter(_DESCRIPTION):
        if name in description.attrib:
            yield description.attrib[name]
        for element in description.findall(name):
            items = [item for array in element for item in array.findall(f"{_RDF}li")]
            if not len(element) and (element.text or "").strip():
                yield element.text or ""
            yield from (item.text or "" for item in items if not len(item))
