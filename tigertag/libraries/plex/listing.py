"""A section's items, page by page, whatever the server makes of paging.

A server may give less than is asked for, or all at once; it may not tell how much there is, give
an item twice, or change between two pages (Plex API, "Pagination").
"""

from collections.abc import Generator, Iterator
from datetime import datetime
from math import ceil
from typing import Protocol
from xml.etree.ElementTree import Element

PAGE = 400
# Ties of one second are many when a folder is added; what is added meanwhile comes last.
SORT = "addedAt,titleSort"


def path(section: str, number: int, since: datetime | None = None) -> str:
    """Return the request for a section's items of a type, or for those that were added since.

    `>>=` is "after", which leaves its own second out (Plex API, "Media Queries").
    """
    whole = f"/library/sections/{section}/all?type={number}&sort={SORT}"
    return whole if since is None else f"{whole}&addedAt%3E%3E={ceil(since.timestamp()) - 1}"


class Ask(Protocol):
    """Gets a page."""

    def __call__(self, *, start: int, size: int) -> Element: ...


class CutShort(Exception):
    """There was no more, though more was promised."""

    def __init__(self, got: int, promised: int) -> None:
        super().__init__(f"{got} of {promised}")
        self.got = got
        self.promised = promised


def entries(ask: Ask) -> Iterator[Element]:
    """Yield each entry once. Raises `CutShort`.

    Where the pages show that something moved meanwhile, they are read once more for what may have
    slipped from one to another.
    """
    seen: set[str] = set()
    if not (yield from _read_through(ask, seen)):
        yield from _read_through(ask, seen)


def _read_through(ask: Ask, seen: set[str]) -> Generator[Element, None, bool]:
    """Yield what is not among `seen`; return whether nothing moved between the pages.

    An item that comes twice may or may not be counted twice by the server: it goes on behind as
    many as are different, so that none is passed over.
    """
    met: set[str] = set()
    start, twice, promised, still = 0, 0, None, True
    while True:
        page = _page(ask, start, promised)
        total = _total(page)
        still = still and (promised is None or total == promised)
        promised = total
        found = {entry.get("ratingKey", ""): entry for entry in page}
        new = found.keys() - met
        start, twice = start + len(found), twice + len(page) - len(found)
        if not new:
            if promised is not None and start + twice < promised:
                raise CutShort(len(met), promised)
            return still
        still = still and len(new) == len(page)
        for key, entry in found.items():
            if key not in seen:
                seen.add(key)
                yield entry
        met |= new
        # More than was promised: the end is where nothing new comes, then.
        if start == promised if promised is not None else len(page) > PAGE:
            return still


def _page(ask: Ask, start: int, promised: int | None) -> Element:
    """Return a page; an empty one that should not be is asked for once more."""
    page = ask(start=start, size=PAGE)
    more = _total(page) or promised or 0
    return ask(start=start, size=PAGE) if len(page) == 0 and start < more else page


def _total(page: Element) -> int | None:
    total = page.get("totalSize", "")
    return int(total) if total.isdecimal() else None
