"""How tags are added to XMP and removed from it: in each list that is there, by its own notation.

A list that is made holds, besides the new tags, what it would hide of the other ones. What is to
be written is read again by another parser first: all but the lists of keywords has to be the same,
and the lists have to hold what was meant.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from xml.etree import ElementTree

from tigertag.errors import Unreadable
from tigertag.libraries.folder.xml import Element, Splice, XmlError, encoding_of, escape
from tigertag.libraries.folder.xmp import (
    ABOUT,
    ADDED,
    CATEGORIES,
    COPIED,
    COPY_OF,
    HIERARCHY,
    LISTS,
    NAMES,
    NS,
    RDF,
    SUBJECT,
    TAGS_LIST,
    KeywordList,
    Keywords,
    Xmp,
    array_in,
    casefolded,
    categories_in,
    entries_for,
    entries_in,
    tags_of,
    unique,
    word_of,
)

_DESCRIPTION = f"{{{RDF}}}Description"
_Plain = tuple[object, ...]


def edit_tags(
    xmp: Xmp,
    *,
    adds: Sequence[str] = (),
    removes: Collection[str] = (),
    hidden: Sequence[Keywords] = (),
    copy_of: str = "",
    owner: str = "",
) -> Xmp:
    """Return XMP with these tags added and removed, and nothing else changed.

    A tag to add that is there in any case is left as it is, one to remove goes only where it stands
    in the same spelling: as a word, and as a path of that one word. `hidden`: lists elsewhere that
    those of this document hide, or would. `copy_of`: the document is a new copy of that sidecar,
    and is marked as one. `owner`: the file that the tags are for, in a sidecar that other files may
    share; it is named there. Raises `Unreadable` where a second look does not find just that.
    """
    edit = _TagEdit(xmp, adds, removes, hidden)
    edit.change_lists()
    edit.change_added(owner)
    if copy_of:
        edit.mark_as_copy(copy_of)
    try:
        content = xmp.document.spliced(edit.splices)
        check(xmp.source, content, edit.expected)
        edited = Xmp(content)
        if edited.rest != xmp.rest:
            raise XmlError("more than its keywords would change")
        return edited
    except XmlError as exc:
        reason = f"Its sidecar cannot be edited safely ({exc}); it was left untouched."
        raise Unreadable(reason) from exc


class _TagEdit:
    """One edit. It gathers splices, and the entries that each list is to hold after them."""

    def __init__(
        self, xmp: Xmp, adds: Sequence[str], removes: Collection[str], hidden: Sequence[Keywords]
    ) -> None:
        self._xmp, self._document = xmp, xmp.document
        self._removes, self._hidden = removes, hidden
        own = {kind: self._remaining(kind, entries) for kind, entries in xmp.keywords.items()}
        self._sources: list[Keywords] = [own, *hidden]
        present = casefolded(tags_of(self._sources))
        self._words = unique(word for word in adds if word.casefold() not in present)
        # The descriptions that TigerTag made for lists of which a part is the user's.
        self._copies = [each for each in xmp.descriptions if each.named(COPIED.name)]
        self._dropped = [each for each in self._copies if self._is_needless(each)]
        self.splices: list[Splice] = [self._document.cut(each) for each in self._dropped]
        self.expected: dict[str, list[str]] = {}

    def change_lists(self) -> None:
        for kind in LISTS:
            self._change_list(kind)
        for description in self._xmp.descriptions:
            self._change_categories(description)
        kept = [each for each in self._copies if each not in self._dropped]
        copied = [element for each in kept for element in each.named(COPIED.name)]
        self.expected[COPIED.name] = entries_in(copied)
        attributes = [description.attributes for description in self._xmp.descriptions]
        self.expected[COPY_OF] = [each[COPY_OF] for each in attributes if COPY_OF in each]
        if self._words:
            self._make_lists()

    def change_added(self, owner: str) -> None:
        """Keep the list of the words that TigerTag added; it goes with the last of them."""
        old = list(self._xmp.added)
        new = [entry for entry in old if entry.partition("/")[2] not in self._removes]
        new += [f"{owner}/{word}" for word in self._words if owner]
        self.expected[ADDED.name] = new
        if new == old:
            return
        for description in self._xmp.descriptions:
            if description not in self._dropped:
                is_whole = _holds_only_added(description)
                lists = [description] if is_whole else description.named(ADDED.name)
                self.splices += map(self._document.cut, lists)
        if new:
            self.splices.append(self._description([(ADDED, new)]))

    def mark_as_copy(self, copy_of: str) -> None:
        indent = self._document.indent(self._xmp.rdf)
        head = f'rdf:about="" xmlns:tigertag="{NS}" tigertag:copyOf="{escape(copy_of, quote=True)}"'
        text = f'{indent} <rdf:Description xmlns:rdf="{RDF}" {head}/>'
        self.splices.append(self._document.append(self._xmp.rdf, text, indent))
        self.expected[COPY_OF].append(copy_of)

    def _is_removed(self, kind: KeywordList, entry: str | None) -> bool:
        """Whether an entry is to go: not where a separator in the word makes it a path."""
        return entry is not None and entry in self._removes and kind.can_hold(entry)

    def _remaining(self, kind: KeywordList, entries: Sequence[str]) -> list[str]:
        return [entry for entry in entries if not self._is_removed(kind, entry)]

    def _is_needless(self, description: Element) -> bool:
        """Whether all that is left in lists that TigerTag made is the user's, and elsewhere too."""
        names = {element.name for element in description.elements}
        if (
            self._words
            or not self._removes
            or not names <= NAMES | {COPIED.name}
            or {*description.attributes} - {ABOUT}
            or description.has_remarks
        ):
            return False
        inside, elsewhere = (
            [
                {kind: self._remaining(kind, entries_in([element]))}
                for kind in LISTS
                for element in self._xmp.elements(kind.name)
                if (element in description.parts) is is_inside
            ]
            for is_inside in (True, False)
        )
        copied = casefolded(entries_in(description.named(COPIED.name)))
        users = casefolded(tags_of([*elsewhere, *self._hidden])) & copied
        return casefolded(tags_of(inside)) <= users

    def _change_list(self, kind: KeywordList) -> None:
        elements = [
            element
            for element in self._xmp.elements(kind.name)
            if not any(element in description.parts for description in self._dropped)
        ]
        adds = [word for word in self._words if kind.can_hold(word)]
        if elements and adds and not self._xmp.keywords[kind]:
            # An empty list hides nothing; with our words alone in it, it would. One empty entry, as
            # Immich leaves it when the last tag is taken off there, does hide all the rest.
            adds = [*entries_for(kind, self._sources), *adds]
        expected: list[str] = []
        for element in elements:
            self.splices += self._changed(element, kind, adds)
            expected += [*self._remaining(kind, entries_in([element])), *adds]
            adds = []
        self.expected[kind.name] = expected

    def _changed(
        self, element: Element, kind: KeywordList, adds: Sequence[str]
    ) -> Iterator[Splice]:
        array = array_in(element)
        if array is None:
            yield from self._changed_literal(element, kind, adds)
            return
        removed = [item for item in array.elements if self._is_removed(kind, word_of(item))]
        is_whole = bool(removed) and not adds and len(removed) == len(array.elements)
        if is_whole and not element.has_remarks:
            yield self._document.cut(element)
            return
        yield from map(self._document.cut, removed)
        if adds:
            items, indent = array.elements, self._document.indent(array)
            before = self._document.space_before(items[-1]) if items else indent + " "
            name = array.qualified("li")
            text = "".join(f"{before}<{name}>{escape(word)}</{name}>" for word in adds)
            yield self._document.append(array, text, indent)

    def _changed_literal(
        self, element: Element, kind: KeywordList, adds: Sequence[str]
    ) -> Iterator[Splice]:
        """Change a property that holds one word, or nothing, where there should be an array."""
        entries = entries_in([element])
        remaining = self._remaining(kind, entries)
        if adds or remaining != entries:
            cut = self._document.cut(element)
            new = [*remaining, *adds]
            indent = self._document.indent(element)
            yield cut._replace(text=_property(kind, new, {}, indent)) if new else cut

    def _change_categories(self, description: Element) -> None:
        """Change ACDSee's list, which is XML within one value, an attribute's or an element's."""
        for name in CATEGORIES & {*description.attributes}:
            tag = self._document.utf8[description.start : description.open_end]
            pattern = rb"[:\s]%s\s*=\s*([\"'])(.*?)\1" % name.rpartition(" ")[2].encode()
            match = re.search(pattern, tag, re.DOTALL)
            start, end = match.span(2) if match else (0, 0)
            span = slice(description.start + start, description.start + end)
            self._change_value(name, description.attributes[name], span)
        for element in description.named(*CATEGORIES):
            if not element.elements and element.text.strip():
                span = slice(element.open_end, element.close_start)
                self._change_value(element.name, element.text, span)

    def _change_value(self, name: str, value: str, span: slice) -> None:
        written = self._document.utf8[span].decode()
        new = _recategorized(written, self._words, self._removes, is_escaped=True)
        if new != written and categories_in(value) is not None:
            self.splices.append(Splice(span.start, span.stop, new))
            value = _recategorized(value, self._words, self._removes, is_escaped=False)
        self.expected.setdefault(name, []).append(value)

    def _make_lists(self) -> None:
        """Make the lists that are missing, with all that they would hide."""
        made: dict[KeywordList, list[str]] = {}
        copied: tuple[str, ...] = ()
        for kind in self._missing():
            words = [word for word in self._words if kind.can_hold(word)]
            if words:
                others = entries_for(kind, self._sources)
                copied = unique([*copied, *tags_of([{kind: others}])])
                made[kind] = [*others, *words]
                self.expected[kind.name] += made[kind]
        self.expected[COPIED.name] += copied
        homes = [each for each in self._xmp.descriptions if not _holds_only_added(each)]
        if copied:
            self.splices.append(self._description([*made.items(), (COPIED, copied)]))
        elif made and not homes:
            self.splices.append(self._description([*made.items()]))
        elif made:
            home, indent = homes[0], self._document.indent(homes[0])
            bound = home.namespaces
            text = "".join(_property(kind, made[kind], bound, indent + " ") for kind in made)
            self.splices.append(self._document.append(home, text, indent))

    def _missing(self) -> list[KeywordList]:
        there = {kind for kind in LISTS if self._xmp.elements(kind.name)}
        needed = {kind for source in self._hidden for kind in source if source[kind]} | {SUBJECT}
        if not (there | needed) & {HIERARCHY, TAGS_LIST}:
            # Immich reads one of these two; dc:subject only where it is a version with MWG's rules.
            needed.add(HIERARCHY)
        return [kind for kind in LISTS if kind in needed - there]

    def _description(self, lists: Sequence[tuple[KeywordList, Sequence[str]]]) -> Splice:
        """Append a description of its own that holds these lists."""
        rdf = self._xmp.rdf
        indent = self._document.indent(rdf)
        bound = {**rdf.namespaces, "rdf": RDF}
        inner = "".join(_property(kind, entries, bound, indent + "  ") for kind, entries in lists)
        head = f'<rdf:Description xmlns:rdf="{RDF}" rdf:about="">'
        text = f"{indent} {head}{inner}{indent} </rdf:Description>"
        return self._document.append(rdf, text, indent)


def _holds_only_added(description: Element) -> bool:
    """Whether all that a description holds is TigerTag's list of what it added."""
    names = {element.name for element in description.elements}
    about = {*description.attributes} - {ABOUT}
    return names == {ADDED.name} and not about and not description.has_remarks


def _property(
    kind: KeywordList, entries: Sequence[str], bound: Mapping[str, str], indent: str
) -> str:
    """Return a list as text, with the namespaces that are not bound where it will stand."""
    namespaces = ((kind.prefix, kind.uri), ("rdf", RDF))
    declared = "".join(f' xmlns:{p}="{uri}"' for p, uri in namespaces if bound.get(p) != uri)
    items = "".join(f"{indent}  <rdf:li>{escape(word)}</rdf:li>" for word in entries)
    name, array = f"{kind.prefix}:{kind.local}", f"rdf:{kind.array}"
    inner = f"{indent} <{array}>{items}{indent} </{array}>"
    return f"{indent}<{name}{declared}>{inner}{indent}</{name}>"


def _recategorized(
    text: str, adds: Sequence[str], removes: Collection[str], *, is_escaped: bool
) -> str:
    """Return ACDSee's list with words added and removed at its top.

    `is_escaped`: the list is given, and returned, as it is written in XML.
    """

    def written(xml: str) -> str:
        return escape(xml, quote=True) if is_escaped else xml

    def category(word: str) -> str:
        return written(f'<Category Assigned="1">{escape(word)}</Category>')

    opening, closing = written("<Category "), written("</Category>")
    for word in removes:
        for match in re.finditer(re.escape(category(word)), text):
            before = text[: match.start()]
            # Below another category it would be another path.
            if before.count(opening) == before.count(closing):
                text = before + text[match.end() :]
                break
    before, end, after = text.rpartition(written("</Categories>"))
    return before + "".join(map(category, adds if end else ())) + end + after


def check(before: bytes, after: bytes, lists: Mapping[str, Sequence[str]]) -> None:
    """See that only these lists differ, and hold these entries. Raises `XmlError`.

    `lists`: the entries by the property's expanded name, "uri local", all descriptions together.
    """
    # ElementTree writes "{uri}local".
    names = {f"{{{name.replace(' ', '}')}": [*entries] for name, entries in lists.items()}
    if encoding_of(before) != encoding_of(after):
        raise XmlError("its encoding would change")
    old, new = _tree(before), _tree(after)
    if _plain(old, names) != _plain(new, names):
        raise XmlError("more than its keywords would change")
    for name, entries in names.items():
        if [*_entries(new, name)] != entries:
            raise XmlError(f"its keywords would not be as they are meant, in {name}")


def _tree(source: bytes) -> ElementTree.Element:
    text = encoding_of(source).decode(source)
    builder = ElementTree.TreeBuilder(insert_comments=True, insert_pis=True)
    try:
        return ElementTree.fromstring(text, ElementTree.XMLParser(target=builder))
    except (ElementTree.ParseError, ValueError) as exc:
        raise XmlError("it would not be readable") from exc


def _plain(element: ElementTree.Element, names: Mapping[str, object]) -> _Plain:
    """Return an element as plain values, without the lists and layout."""
    inside = element.tag == _DESCRIPTION
    kept = [child for child in element if not (inside and child.tag in names)]
    inner = [plain for child in kept if (plain := _plain(child, names)) and not _is_bare(plain)]
    texts = [element.text or "", *(child.tail or "" for child in element)]
    text = "".join(texts) if not len(element) and not inside else " ".join("".join(texts).split())
    tag = element.tag if isinstance(element.tag, str) else repr(element.tag.__name__)
    attributes = [pair for pair in element.attrib.items() if not (inside and pair[0] in names)]
    return (tag, sorted(attributes), text, inner)


def _is_bare(plain: _Plain) -> bool:
    """Whether a description is empty: only a list was in it."""
    tag, attributes, *rest = plain
    about = [(f"{{{RDF}}}about", "")]
    return tag == _DESCRIPTION and attributes in ([], about) and rest == ["", []]


def _entries(root: ElementTree.Element, name: str) -> Iterator[str]:
    for description in root.iter(_DESCRIPTION):
        if name in description.attrib:
            yield description.attrib[name]
        for element in description.findall(name):
            items = [item for array in element for item in array.findall(f"{{{RDF}}}li")]
            if not len(element) and (element.text or "").strip():
                yield element.text or ""
            yield from (item.text or "" for item in items if not len(item))
