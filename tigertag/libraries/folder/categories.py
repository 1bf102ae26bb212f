"""ACDSee's list of keywords, which digiKam writes, too: XML within XML, in one value.

`<Categories><Category Assigned="0">Places<Category Assigned="1">Vienna</Category></Category>…`
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tigertag.libraries.folder.lists import ACDSEE
from tigertag.libraries.folder.xml import Document, Element, Splice, XmlError, parse

CATEGORIES = {ACDSEE.name, f"{ACDSEE.uri} Categories"}
"""Its names, as digiKam and as ExifTool spell them: an attribute or an element."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be the value of a list of this kind, and how that is brought about."""

    name: str
    value: str
    splices: Sequence[Splice] = ()


def assigned(categories: str) -> list[str] | None:
    """Return the entries of ACDSee's list; None where it is not of its form."""
    try:
        root = parse(categories.encode()).root
    except (XmlError, UnicodeEncodeError):
        return None
    if root.name != "Categories":
        return None
    return [ACDSEE.entry(path) for path in _assigned(root, ())]


def _assigned(element: Element, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for child in element.elements:
        path = (*above, child.text.strip())
        if child.attributes.get("Assigned") == "1":
            yield path
        yield from _assigned(child, path)


def changes(
    document: Document, description: Element, adds: Sequence[str], removes: Collection[str]
) -> Iterator[Change]:
    """Return what becomes of the lists of this kind in a description: words are at their top."""
    source = document.source
    for name in CATEGORIES & {*description.attributes}:
        tag = source[description.start : description.open_end]
        pattern = rb"[:\s]%s\s*=\s*([\"'])(.*?)\1" % name.rpartition(" ")[2].encode()
        found = re.search(pattern, tag, re.DOTALL)
        start, end = found.span(2) if found else (0, 0)
        span = slice(description.start + start, description.start + end)
        yield _change(source, span, name, description.attributes[name], adds, removes)
    for element in description.elements:
        if element.name in CATEGORIES and not element.elements and element.text.strip():
            span = slice(element.open_end, element.close_start)
            yield _change(source, span, element.name, element.text, adds, removes)


def _change(
    source: bytes,
    span: slice,
    name: str,
    value: str,
    adds: Sequence[str],
    removes: Collection[str],
) -> Change:
    old = source[span].decode()
    new = _reassigned(old, adds=adds, removes=removes, entity=True)
    if new == old or assigned(value) is None:
        return Change(name, value)
    value = _reassigned(value, adds=adds, removes=removes)
    return Change(name, value, [Splice(span.start, span.stop, new)])


def _reassigned(
    categories: str, *, adds: Sequence[str], removes: Collection[str], entity: bool = False
) -> str:
    """Return ACDSee's list with words added and removed, at its top.

    `entity`: it is given, and returned, as it is written in XML.
    """
    for word in removes:
        categories = _without(categories, _category(word, entity=entity), entity=entity)
    end = _as_written("</Categories>", entity=entity)
    head, found, tail = categories.rpartition(end)
    if not found or not adds:
        return categories
    more = "".join(_category(word, entity=entity) for word in adds)
    return f"{head}{more}{found}{tail}"


def _without(categories: str, category: str, *, entity: bool) -> str:
    """Take a category out where it stands at the top: below another one it is another path."""
    begin, end = _as_written("<Category ", entity=entity), _as_written("</Category>", entity=entity)
    head, found, tail = categories.partition(category)
    while found:
        if head.count(begin) == head.count(end):
            return head + tail
        more, found, tail = tail.partition(category)
        head += category + more
    return categories


def _category(word: str, *, entity: bool) -> str:
    return _as_written(f'<Category Assigned="1">{_escaped(word)}</Category>', entity=entity)


def _as_written(text: str, *, entity: bool) -> str:
    return _escaped(text).replace('"', "&quot;") if entity else text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
