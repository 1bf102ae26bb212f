"""A section's items, page by page, whatever the server makes of paging.

A server may give less than is asked for, tell no total, give an item twice, or change between two
pages.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tigertag.libraries.mediabrowser.server import Entry
from tigertag.libraries.mediabrowser.sources import text

PAGE = 200
# Ties are many where a folder is added at once; what is added meanwhile comes last, if it is dated
# by the clock.
SORT = {"SortBy": "DateCreated,SortName", "SortOrder": "Ascending"}


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, and how many there are in all, if that is told."""

    entries: Sequence[Entry]
    total: int | None


class Ask(Protocol):
    """Gets a page."""

    def __call__(self, *, start: int, size: int) -> Page: ...


class CutShort(Exception):
    """There was no more, though more was promised."""

    def __init__(self, got: int, promised: int) -> None:
        super().__init__(f"{got} of {promised}")
        self.got = got
        self.promised = promised


def entries(ask: Ask) -> Iterator[Entry]:
    """Yield each item once. Raises `CutShort`.

    Where the pages show that something moved meanwhile, they are read once more for what may have
    slipped from one to another.
    """
    seen: set[str] = set()
    if not (yield from _read_through(ask, seen)):
        yield from _read_through(ask, seen)


def _read_through(ask: Ask, seen: set[str]) -> Generator[Entry, None, bool]:
    """Yield what is not among `seen`; return whether nothing moved between the pages.

    It goes on behind as many as are different, so that none is passed over for one that came twice.
    """
    met: set[str] = set()
    start, twice, promised, still = 0, 0, None, True
    while True:
        page = _page(ask, start, promised)
        still = still and promised in (None, page.total)
        promised = page.total
        found = {text(one, "Id"): one for one in page.entries}
        new = found.keys() - met
        start, twice = start + len(found), twice + len(page.entries) - len(found)
        if not new:
            if promised is not None and start + twice < promised:
                raise CutShort(len(met), promised)
            return still
        still = still and len(new) == len(page.entries)
        yield from (found[key] for key in found if key not in seen)
        seen |= new
        met |= new
        # More than was promised: the end is where nothing new comes, then.
        if start == promised if promised is not None else len(page.entries) > PAGE:
            return still


def _page(ask: Ask, start: int, promised: int | None) -> Page:
    """Return a page; an empty one that should not be is asked for once more."""
    page = ask(start=start, size=PAGE)
    more = page.total or promised or 0
    return ask(start=start, size=PAGE) if not page.entries and start < more else page
