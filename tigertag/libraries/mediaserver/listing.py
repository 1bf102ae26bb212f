"""A section's entries, page by page, whatever the server makes of paging.

A server may give fewer than are asked for, or all at once; it may not give their number, give
an entry twice, or change between two pages.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, Protocol, TypeVar

MAX_BATCH = 100
"""How many items one request takes."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class ListingPage(Generic[T_co]):
    """Some entries, each with its key, and how many there are in all, if the server gives that."""

    entries: Sequence[tuple[str, T_co]]
    total: int | None


class GetPage(Protocol[T_co]):
    def __call__(self, *, start: int, size: int) -> ListingPage[T_co]: ...


def entries(
    get_page: GetPage[T], *, page_size: int, cut_short: Callable[[int, int], Exception]
) -> Iterator[T]:
    """Yield each entry once.

    Raises what `cut_short` makes of how many there were and how many were promised.

    Where the pages show that something moved meanwhile, they are read once more for what may have
    slipped from one to another.
    """
    seen: set[str] = set()
    if not (yield from _read_through(get_page, page_size, seen, cut_short)):
        yield from _read_through(get_page, page_size, seen, cut_short)


def _read_through(
    get_page: GetPage[T], size: int, seen: set[str], cut_short: Callable[[int, int], Exception]
) -> Generator[T, None, bool]:
    """Yield what is not among `seen`; return whether nothing moved between the pages.

    An entry that comes twice may or may not be counted twice by the server: the next page starts
    behind as many as are different, so that none is missed.
    """
    read: set[str] = set()
    start, repeated, promised, unmoved = 0, 0, None, True
    while True:
        page = _page(get_page, size, start, promised)
        unmoved = unmoved and promised in (None, page.total)
        promised = page.total
        by_key = dict(page.entries)
        new = by_key.keys() - read
        start, repeated = start + len(by_key), repeated + len(page.entries) - len(by_key)
        if not new:
            if promised is not None and start + repeated < promised:
                raise cut_short(len(read), promised)
            return unmoved
        unmoved = unmoved and len(new) == len(page.entries)
        yield from (entry for key, entry in by_key.items() if key not in seen)
        seen |= new
        read |= new
        # With more than was promised, the end is where nothing new comes.
        if start == promised if promised is not None else len(page.entries) > size:
            return unmoved


def _page(get_page: GetPage[T], size: int, start: int, promised: int | None) -> ListingPage[T]:
    """Return a page; an empty one that should not be is asked for once more."""
    page = get_page(start=start, size=size)
    expected = page.total or promised or 0
    retry = not page.entries and start < expected
    return get_page(start=start, size=size) if retry else page


class Recent(Generic[T]):
    """The values that were remembered last, by key. Thread-safe."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._by_key: dict[str, T] = {}
        self._lock = Lock()

    def remember(self, key: str, value: T | None) -> None:
        """Replace what is remembered by a key. None: nothing is any more."""
        with self._lock:
            self._by_key.pop(key, None)
            if value is not None:
                self._by_key[key] = value
            if len(self._by_key) > self._most:
                del self._by_key[next(iter(self._by_key))]

    def find(self, key: str) -> T | None:
        return self._by_key.get(key)

    def take(self, key: str) -> T | None:
        with self._lock:
            return self._by_key.pop(key, None)
