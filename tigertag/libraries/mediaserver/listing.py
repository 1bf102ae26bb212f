"""A section's entries, page by page, whatever the server makes of paging.

A server may give less than is asked for, or all at once; it may not tell how much there is, give
an entry twice, or change between two pages.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """Some entries, each with its key, and how many there are in all, if that is told."""

    entries: Sequence[tuple[str, T_co]]
    total: int | None


class Ask(Protocol[T_co]):
    """Gets a page."""

    def __call__(self, *, start: int, size: int) -> Page[T_co]: ...


class CutShort(Exception):
    """There was no more, though more was promised."""

    def __init__(self, got: int, promised: int) -> None:
        super().__init__(f"{got} of {promised}")
        self.got = got
        self.promised = promised


def entries(ask: Ask[T], *, size: int) -> Iterator[T]:
    """Yield each entry once; `size` of them are asked for at a time. Raises `CutShort`.

    Where the pages show that something moved meanwhile, they are read once more for what may have
    slipped from one to another.
    """
    seen: set[str] = set()
    if not (yield from _read_through(ask, size, seen)):
        yield from _read_through(ask, size, seen)


def _read_through(ask: Ask[T], size: int, seen: set[str]) -> Generator[T, None, bool]:
    """Yield what is not among `seen`; return whether nothing moved between the pages.

    An entry that comes twice may or may not be counted twice by the server: it goes on behind as
    many as are different, so that none is passed over.
    """
    met: set[str] = set()
    start, twice, promised, still = 0, 0, None, True
    while True:
        page = _page(ask, size, start, promised)
        still = still and promised in (None, page.total)
        promised = page.total
        found = dict(page.entries)
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
        if start == promised if promised is not None else len(page.entries) > size:
            return still


def _page(ask: Ask[T], size: int, start: int, promised: int | None) -> Page[T]:
    """Return a page; an empty one that should not be is asked for once more."""
    page = ask(start=start, size=size)
    more = page.total or promised or 0
    return ask(start=start, size=size) if not page.entries and start < more else page
