"""Lists, page by page: sorted only when that is asked for."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.plex import xml
from tests.plex.edits import Nonsense
from tests.plex.holdings import IN_SECTIONS, NUMBERS, Entry, Section

_SORTS = ("addedAt", "titleSort", "originallyAvailableAt", "updatedAt")
_KINDS = {str(number): name for name, number in NUMBERS.items()}
_ALBUMS = "14"


@dataclass(slots=True)
class Habits:
    """How a server lists: whether it heeds paging and filters, how much it gives at most.

    `tells_total`: whether it says how many there are; `promises`: another number than that.
    """

    pages: bool = True
    filters: bool = True
    most_per_page: int = 1000
    tells_total: bool = True
    promises: int | None = None


def ordered(section: Section, sort: str, *, kind: str, first: bool) -> list[Entry]:
    """The items of a type: in the order that is asked for, or in one that does not last."""
    if not sort:
        return _disordered(section, kind=kind, first=first)
    chosen = section.sorted.get(f"{sort} {kind}")
    if chosen is None:
        chosen = section.of_kind(kind)
        for part in reversed([one for one in sort.split(",") if one]):
            name, _colon, way = part.partition(":")
            if name not in _SORTS:
                raise Nonsense(f"there is no sort {name}")
            chosen.sort(key=lambda one: _rank(one, name), reverse=way == "desc")
        section.sorted[f"{sort} {kind}"] = chosen
    return chosen


def _disordered(section: Section, *, kind: str, first: bool) -> list[Entry]:
    """An order that is new for each first page; two change places at each further one."""
    chosen = section.sorted.get(kind)
    if first or chosen is None:
        chosen = section.of_kind(kind)
        random.shuffle(chosen)
        section.sorted[kind] = chosen
    elif len(chosen) > 1:
        one, other = random.sample(range(len(chosen)), 2)
        chosen[one], chosen[other] = chosen[other], chosen[one]
    return chosen


def _rank(entry: Entry, name: str) -> str | int:
    match name:
        case "titleSort":
            return entry.title.casefold()
        case "updatedAt":
            return entry.updated
        case _:
            return entry.added


def answer(
    section: Section, query: Mapping[str, str], paging: tuple[int, int | None], habits: Habits
) -> bytes:
    """A page of the section's items of a type, or of what lies at its top."""
    start, size = paging if habits.pages else (0, None)
    asked = "&".join(f"{name}={value}" for name, value in sorted(query.items()))
    key = (asked, start, size or 0, repr(habits))
    if "sort" in query and key in section.pages:
        return section.pages[key]
    entries = _entries(section, query, habits, first=start == 0)
    end = len(entries)
    if habits.pages:
        end = start + min(size if size is not None else end, habits.most_per_page)
    page = entries[start:end]
    told: dict[str, object] = {"size": len(page), "librarySectionID": section.id}
    if habits.pages:
        told |= {"offset": start}
    if habits.tells_total:
        promised = len(entries)
        if entries and habits.promises is not None:
            promised = habits.promises
        told |= {"totalSize": promised}
    told |= {"librarySectionTitle": section.title, "title1": section.title, "viewGroup": "photo"}
    made = xml.container([_shown(one, section) for one in page], **told)
    if "sort" in query:
        section.pages[key] = made
    return made


def _entries(
    section: Section, query: Mapping[str, str], habits: Habits, *, first: bool
) -> Sequence[Entry | str]:
    number = query.get("type", _top(section))
    if number != _ALBUMS:
        kind = _KINDS.get(number, "")
        if kind not in IN_SECTIONS[section.kind]:
            raise Nonsense(f"a {section.kind} section has nothing of type {number}")
        found = ordered(section, query.get("sort", ""), kind=kind, first=first)
        return [one for one in found if not habits.filters or _passes(one, query)]
    albums = [xml.album(one) for one in section.albums.values() if one.parent is None]
    return [*albums, *(one for one in section.entries.values() if one.parent is None)]


def _top(section: Section) -> str:
    return {"movie": "1", "show": "2"}.get(section.kind, _ALBUMS)


def _passes(entry: Entry, query: Mapping[str, str]) -> bool:
    """Whether an item is left by the filters (Plex API, "Media Queries"): `>>=` is "after"."""
    for name, value in query.items():
        if re.search(r"[<>!]$", name):
            if name != "addedAt>>" or not value.isdecimal():
                raise Nonsense(f"{name}={value} filters nothing")
            return entry.added > int(value)
    return True


def _shown(one: Entry | str, section: Section) -> str:
    return one if isinstance(one, str) else xml.listed(one, section)


_ITEM = re.compile(rb"(?=<(?:Photo|Video|Directory) ratingKey=)")


def spoilt(page: bytes, fault: str) -> bytes:
    """A page with a fault: shorter than asked, an item twice, or none of the items promised."""
    tail = b"</MediaContainer>\n"
    head, *items = _ITEM.split(page)
    items = [one.removesuffix(tail) for one in items]
    match fault:
        case "short":
            items = items[: max(1, len(items) // 2)]
        case "twice":
            items = [*items, *items[:1]]
        case "cut":
            items = []
    return head.removesuffix(tail) + b"".join(items) + tail
