"""Lists, page by page: sorted only when that is asked for."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.plex import xml
from tests.plex.holdings import Photo, Section

_SORTS = ("addedAt", "titleSort", "originallyAvailableAt", "updatedAt")


class Unsorted(ValueError):
    """There is no such sort."""


@dataclass(slots=True)
class Habits:
    """How a server lists: whether it heeds paging, how much it gives at most, what it tells.

    `promises`: how many there are, if it tells another number than there are.
    """

    pages: bool = True
    most_per_page: int = 1000
    tells_total: bool = True
    promises: int | None = None


def ordered(section: Section, sort: str, *, clips: bool, first: bool) -> list[Photo]:
    """The photos, or the clips: in the order that is asked for, or in one that does not last."""
    if not sort:
        return _disordered(section, clips=clips, first=first)
    chosen = section.sorted.get(f"{sort} {clips}")
    if chosen is None:
        chosen = [one for one in section.photos.values() if one.clip == clips]
        for part in reversed([one for one in sort.split(",") if one]):
            name, _colon, way = part.partition(":")
            if name not in _SORTS:
                raise Unsorted(name)
            chosen.sort(key=lambda one: _rank(one, name), reverse=way == "desc")
        section.sorted[f"{sort} {clips}"] = chosen
    return chosen


def _disordered(section: Section, *, clips: bool, first: bool) -> list[Photo]:
    """An order that is new for each first page; two change places at each further one."""
    chosen = section.sorted.get(f"{clips}")
    if first or chosen is None:
        chosen = [one for one in section.photos.values() if one.clip == clips]
        random.shuffle(chosen)
        section.sorted[f"{clips}"] = chosen
    elif len(chosen) > 1:
        one, other = random.sample(range(len(chosen)), 2)
        chosen[one], chosen[other] = chosen[other], chosen[one]
    return chosen


def _rank(photo: Photo, name: str) -> str | int:
    match name:
        case "titleSort":
            return photo.title.casefold()
        case "updatedAt":
            return photo.updated
        case _:
            return photo.added


def answer(
    section: Section, query: Mapping[str, str], paging: tuple[int, int | None], habits: Habits
) -> bytes:
    """A page of the section's photos (type 13), clips (12) or what lies at its top (14)."""
    kind, sort = query.get("type", "14"), query.get("sort", "")
    start, size = paging if habits.pages else (0, None)
    key = (kind, sort, start, size or 0, repr(habits))
    if sort and key in section.pages:
        return section.pages[key]
    entries = _entries(section, kind, sort, first=start == 0)
    end = len(entries)
    if habits.pages:
        end = start + min(size if size is not None else end, habits.most_per_page)
    page = entries[start:end]
    told: dict[str, object] = {"size": len(page), "librarySectionID": section.id}
    if habits.pages:
        told |= {"offset": start}
    if habits.tells_total:
        promised = len(entries) if habits.promises is None else habits.promises
        told |= {"totalSize": promised}
    told |= {"librarySectionTitle": section.title, "title1": section.title, "viewGroup": "photo"}
    made = xml.container([_shown(one) for one in page], **told)
    if sort:
        section.pages[key] = made
    return made


def _entries(section: Section, kind: str, sort: str, *, first: bool) -> Sequence[Photo | str]:
    if kind in ("12", "13"):
        return ordered(section, sort, clips=kind == "12", first=first)
    albums = [xml.album(one) for one in section.albums.values() if one.parent is None]
    return [*albums, *(one for one in section.photos.values() if one.album is None)]


def _shown(one: Photo | str) -> str:
    return one if isinstance(one, str) else xml.listed(one)


def spoilt(page: bytes, fault: str) -> bytes:
    """A page with a fault: shorter than asked, an item twice, or none of the items promised."""
    head, *items = page.split(b"<Photo ")
    tail = b"</MediaContainer>\n"
    items = [b"<Photo " + one.removesuffix(tail) for one in items]
    match fault:
        case "short":
            items = items[: max(1, len(items) // 2)]
        case "twice":
            items = [*items, items[0]]
        case "cut":
            items = []
    return head.removesuffix(tail) + b"".join(items) + tail
