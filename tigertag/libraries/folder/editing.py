"""How tags are added to XMP and removed from it: in each list that is there, by its own notation.

A list that is made holds, besides the new tags, what it would hide of the other ones.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from tigertag.libraries.folder.categories import changes
from tigertag.libraries.folder.checking import check
from tigertag.libraries.folder.lists import (
    HIERARCHY,
    LISTS,
    SUBJECT,
    TAGS_LIST,
    KeywordList,
    Keywords,
    distinct,
    filled,
    folded,
    tags_of,
)
from tigertag.libraries.folder.xml import Element, Remark, Splice, escape
from tigertag.libraries.folder.xmp import (
    ABOUT,
    ADDED,
    COPIED,
    COPY_OF,
    NAMES,
    NS,
    RDF,
    Xmp,
    array_of,
    entry_of,
    values,
)


def edited(
    xmp: Xmp,
    *,
    adds: Sequence[str],
    removes: Collection[str],
    hidden: Sequence[Keywords] = (),
    copy_of: str = "",
    owner: str = "",
) -> bytes:
    """Return the bytes of XMP with these tags added and removed, and nothing else changed.

    A tag to add that is there in any case is left as it is, one to remove goes only where it stands
    in the same spelling: as a word, and as a path of that one word. `hidden`: lists elsewhere that
    those of this document hide, or would. `copy_of`: the document is a new copy of that sidecar,
    and is to say so. `owner`: the file that the tags are for, in a sidecar that others may have in
    common with it; it is to say that too. Raises `XmlError` where a second look does not find just
    that.
    """
    editing = _Editing(xmp, adds, removes, hidden)
    editing.edit()
    editing.mark_added(owner)
    if copy_of:
        editing.mark(copy_of)
    content = xmp.spliced(editing.splices)
    check(xmp.source, content, editing.expected)
    return content


class _Editing:
    """One edit. It gathers splices, and what each list is to hold after them."""

    def __init__(
        self, xmp: Xmp, adds: Sequence[str], removes: Collection[str], hidden: Sequence[Keywords]
    ) -> None:
        self._xmp, self._document = xmp, xmp.document
        self._removes, self._hidden = removes, hidden
        own = {found: _left(found, entries, removes) for found, entries in xmp.keywords.items()}
        self._sources: list[Keywords] = [own, *hidden]
        known = folded(tags_of(self._sources))
        self._words = distinct(word for word in adds if word.casefold() not in known)
        self._gone = [one for one in self._copies() if self._is_needless(one)]
        self.splices: list[Splice] = [self._document.cut(one) for one in self._gone]
        self.expected: dict[str, list[str]] = {}

    def edit(self) -> None:
        for wanted in LISTS:
            self._edit_list(wanted)
        for description in self._xmp.descriptions:
            for change in changes(self._document, description, self._words, self._removes):
                self.splices += change.splices
                self.expected.setdefault(change.name, []).append(change.value)
        self.expected[COPIED] = [
            word for one in self._copies() if one not in self._gone for word in _copied(one)
        ]
        self.expected[COPY_OF] = [
            one.attributes[COPY_OF] for one in self._xmp.descriptions if COPY_OF in one.attributes
        ]
        if self._words:
            self._make_lists()

    def mark(self, copy_of: str) -> None:
        """Say that the document is a copy."""
        rdf = self._xmp.rdf
        head = f'rdf:about="" xmlns:tigertag="{NS}" tigertag:copyOf="{escape(copy_of, quote=True)}"'
        indent = self._indent(rdf)
        text = f'{indent} <rdf:Description xmlns:rdf="{RDF}" {head}/>'
        self.splices.append(self._document.append(rdf, text, indent))
        self.expected[COPY_OF].append(copy_of)

    def mark_added(self, owner: str) -> None:
        """Keep the list of the words that TigerTag added; it goes with the last of them."""
        old = list(self._xmp.added)
        new = [entry for entry in old if entry.partition("/")[2] not in self._removes]
        new += [f"{owner}/{word}" for word in self._words if owner]
        self.expected[ADDED] = new
        if new == old:
            return
        for description in self._xmp.descriptions:
            self.splices += map(self._document.cut, self._marks_of(description))
        if new:
            mark = KeywordList("tigertag", NS, "added")
            self.splices.append(self._described([(mark, new)]))

    def _marks_of(self, description: Element) -> list[Element]:
        """What goes with the marks in a description: all of it, if nothing else is there."""
        if description in self._gone:
            return []
        marks = [one for one in description.elements if one.name == ADDED]
        return [description] if _is_mark(description) else marks

    def _copies(self) -> list[Element]:
        """The descriptions that TigerTag made for lists of which a part is the user's."""
        return [
            one
            for one in self._xmp.descriptions
            if any(element.name == COPIED for element in one.elements)
        ]

    def _is_needless(self, description: Element) -> bool:
        """Whether all that is left in lists that TigerTag made is the user's, and elsewhere too."""
        names = {element.name for element in description.elements}
        if (
            self._words
            or not self._removes
            or not names <= NAMES | {COPIED}
            or {*description.attributes} - {ABOUT}
        ):
            return False
        left, elsewhere = (
            [
                {wanted: _left(wanted, values(element), self._removes)}
                for wanted in LISTS
                for element in self._xmp.found(wanted)
                if (element in description.parts) is inside
            ]
            for inside in (True, False)
        )
        told = folded(tags_of([*elsewhere, *self._hidden])) & folded(_copied(description))
        return not _has_remarks(description) and folded(tags_of(left)) <= told

    def _edit_list(self, wanted: KeywordList) -> None:
        elements = [
            element
            for element in self._xmp.found(wanted)
            if not any(element in one.parts for one in self._gone)
        ]
        adds = [word for word in self._words if wanted.holds(word)]
        if elements and adds and not self._xmp.keywords[wanted]:
            # An empty list hides nothing; with our words alone in it, it would.
            adds = [*filled(wanted, self._sources), *adds]
        entries = [_left(wanted, values(element), self._removes) for element in elements]
        for number, element in enumerate(elements):
            new = () if number else adds
            self.splices += self._changed(element, wanted, new)
            entries[number] += new
        self.expected[wanted.name] = [entry for some in entries for entry in some]

    def _changed(
        self, element: Element, wanted: KeywordList, adds: Sequence[str]
    ) -> Iterator[Splice]:
        array = array_of(element)
        if array is None:
            yield from self._changed_literal(element, wanted, adds)
            return
        left = _left(wanted, values(element), self._removes)
        gone = [
            item
            for item in array.elements
            if (entry := entry_of(item)) in self._removes and wanted.holds(entry or "")
        ]
        is_whole = bool(gone) and not (adds or left) and len(gone) == len(array.elements)
        if is_whole and not _has_remarks(element):
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
        self, element: Element, wanted: KeywordList, adds: Sequence[str]
    ) -> Iterator[Splice]:
        """Change a property that holds one word, or nothing, where there should be an array."""
        entries = _left(wanted, values(element), self._removes)
        if not adds and len(entries) == len(values(element)):
            return
        cut = self._document.cut(element)
        if entries or adds:
            text = _written(wanted, [*entries, *adds], {}, self._indent(element))
            cut = cut._replace(text=text)
        yield cut

    def _make_lists(self) -> None:
        """Make the lists that are missing, with all that they would hide."""
        made: dict[KeywordList, list[str]] = {}
        copied: tuple[str, ...] = ()
        for wanted in self._missing():
            words = [word for word in self._words if wanted.holds(word)]
            if words:
                others = filled(wanted, self._sources)
                copied = distinct([*copied, *tags_of([{wanted: others}])])
                made[wanted] = [*others, *words]
                self.expected[wanted.name] += made[wanted]
        self.expected[COPIED] += copied
        if made:
            self.splices.append(self._copy(made, copied) if copied else self._appended(made))

    def _missing(self) -> list[KeywordList]:
        there = {wanted for wanted in LISTS if self._xmp.found(wanted)}
        wanted = {found for one in self._hidden for found in one if one[found]} | {SUBJECT}
        if not (there | wanted) & {HIERARCHY, TAGS_LIST}:
            # Immich reads one of these two, and no dc:subject.
            wanted.add(HIERARCHY)
        return [found for found in LISTS if found in wanted - there]

    def _copy(self, made: Mapping[KeywordList, Sequence[str]], copied: Sequence[str]) -> Splice:
        """Put lists into a description of their own, which says what in them is the user's."""
        mark = KeywordList("tigertag", NS, "copied")
        return self._described([*made.items(), (mark, copied)])

    def _described(self, lists: Sequence[tuple[KeywordList, Sequence[str]]]) -> Splice:
        """Append a description of its own that holds these lists."""
        rdf = self._xmp.rdf
        indent = self._indent(rdf)
        bound = {**rdf.bound, "rdf": RDF}
        inner = "".join(_written(one, entries, bound, indent + "  ") for one, entries in lists)
        head = f'<rdf:Description xmlns:rdf="{RDF}" rdf:about="">'
        text = f"{indent} {head}{inner}{indent} </rdf:Description>"
        return self._document.append(rdf, text, indent)

    def _appended(self, made: Mapping[KeywordList, Sequence[str]]) -> Splice:
        """Put whole properties into the first description, or into one of their own."""
        homes = [one for one in self._xmp.descriptions if not _is_mark(one)]
        if homes:
            home = homes[0]
            indent = self._indent(home)
            inner = "".join(_written(one, w, home.bound, indent + " ") for one, w in made.items())
            return self._document.append(home, inner, indent)
        return self._described([*made.items()])

    def _indent(self, element: Element) -> str:
        return "\n" + self._document.indent(element)


def _left(wanted: KeywordList, entries: Sequence[str], removes: Collection[str]) -> list[str]:
    """What is left of a list: a word goes where it is no path."""
    return [entry for entry in entries if entry not in removes or not wanted.holds(entry)]


def _copied(description: Element) -> list[str]:
    return [
        word
        for element in description.elements
        if element.name == COPIED
        for word in values(element)
    ]


def _is_mark(description: Element) -> bool:
    """Whether all that a description holds is TigerTag's list of what it added."""
    names = {element.name for element in description.elements}
    about = {*description.attributes} - {ABOUT}
    return names == {ADDED} and not about and not _has_remarks(description)


def _has_remarks(element: Element) -> bool:
    return any(
        isinstance(part, Remark) for each in (element, *element.elements) for part in each.parts
    )


def _written(
    wanted: KeywordList, entries: Sequence[str], bound: Mapping[str, str], indent: str
) -> str:
    """Return a property as text, with the namespaces that are not bound where it will stand."""
    names = ((wanted.prefix, wanted.uri), ("rdf", RDF))
    declared = "".join(f' xmlns:{p}="{uri}"' for p, uri in names if bound.get(p) != uri)
    items = "".join(f"{indent}  <rdf:li>{escape(word)}</rdf:li>" for word in entries)
    name, array = f"{wanted.prefix}:{wanted.local}", f"rdf:{wanted.array}"
    inner = f"{indent} <{array}>{items}{indent} </{array}>"
    return f"{indent}<{name}{declared}>{inner}{indent}</{name}>"
