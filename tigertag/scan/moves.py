"""Which items that a listing shows for the first time are known ones that were moved.

An item is one that is known where its old place is gone and it is provably the same: the file that
the server names is the same one, or the content is; where that of the old place was never seen,
name, size and time are. All else is a new item: a copy, or what was moved and edited at once. What
is not decided without doubt is decided against a move, for a wrong one would put what the user
removed, and what TigerTag wrote, on another picture.
"""

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from tigertag.contracts import Excluding, Mounted, Need, RunContext
from tigertag.errors import ItemError, ItemGone, LibraryError
from tigertag.media.files import identity
from tigertag.model import Item, Media, Section
from tigertag.scan.context import Context, needed
from tigertag.store import Db, Store, items, scans
from tigertag.store.items import ItemRow, KnownRow, Move

logger = logging.getLogger(__name__)

_READERS = 8
_MOST_NAMES = 8

_One = TypeVar("_One")


class Moves:
    """Holds back what one listing shows that may have been moved, until all of it was shown.

    What is held back is nowhere noted: after a crash the listing shows it again.
    """

    def __init__(self, store: Store, context: Context) -> None:
        self._store = store
        self._context = context
        self._held: dict[str, Item] = {}
        self._taken: set[str] = set()
        self._any_unseen: bool | None = None
        self._lost: dict[int, bool] = {}
        self._there: dict[int, bool] = {}

    def hold(self, db: Db, page: Sequence[Item], known: Mapping[str, KnownRow]) -> list[Item]:
        """Hold back those items of a page that may have been moved; return the others."""
        other = [item for item in page if _is_other(item, known.get(item.key))]
        if not other or not self._may_be_any(db):
            return list(page)
        fits = _fitting(self._unseen(db, other))
        own = {key: row.id for key, row in known.items()}
        held = {
            item.key: item
            for item in other
            if any(old.id != own.get(item.key) for old in fits(item))
        }
        self._held |= held
        self._taken |= held.keys() & known.keys()
        return [item for item in page if item.key not in held]

    def _may_be_any(self, db: Db) -> bool:
        """Whether there is anything to be moved: in a library's first scan there is not."""
        if self._any_unseen is None:
            library = self._context.section.library
            self._any_unseen = items.any_unseen(db, library, self._context.scan.id)
        return self._any_unseen

    def _unseen(self, db: Db, listed: Sequence[Item]) -> list[ItemRow]:
        return items.unseen(db, self._context.section.library, self._context.scan.id, listed)

    def found(self, run: RunContext) -> tuple[list[Move], list[Item]]:
        """Return what was moved of all that was held back, and the rest, which was not.

        Raises `LibraryError`. When `run` is cancelled meanwhile, the result is worth nothing.
        """
        held = list(self._held.values())
        if not held:
            return [], []
        with self._store.read() as db:
            unseen = self._unseen(db, held)
        moves = self._by_file(held, unseen)
        moves |= self._by_content(*_left(held, unseen, moves), run)
        moves |= self._by_name(*_left(held, unseen, moves))
        moves = {key: move for key, move in moves.items() if not self._is_anothers(move)}
        return list(moves.values()), [item for item in held if item.key not in moves]

    def _is_anothers(self, move: Move) -> bool:
        """Whether the tags at a place that was another item's can only be those of that item.

        It stays that item then, with another picture: its ledger knows which of the tags are ours.
        """
        taken = move.new.key in self._taken
        return taken and bool(move.new.stamp) and not move.old.item.stamp

    def _by_file(self, held: Sequence[Item], unseen: Sequence[ItemRow]) -> dict[str, Move]:
        """Match what the server says is the same file under another key."""

        def file(item: Item, _old: ItemRow | None) -> Hashable:
            return (item.file, item.media) if item.file else None

        return self._only(_alike(held, unseen, file))

    def _only(self, alike: Sequence[tuple[list[Item], list[ItemRow]]]) -> dict[str, Move]:
        """Match where there is one on either side."""
        pairs = [(items, self._gone(olds)) for items, olds in alike if len(items) == 1]
        return {items[0].key: _move(items[0], olds[0]) for items, olds in pairs if len(olds) == 1}

    def _by_content(
        self, held: Sequence[Item], unseen: Sequence[ItemRow], run: RunContext
    ) -> dict[str, Move]:
        seen = [old for old in unseen if old.content]
        fits = _fitting(seen)
        asked = [item for item in held if any(fits(item))]
        contents = self._contents(asked, run)

        def content(item: Item, old: ItemRow | None) -> Hashable:
            told = contents.get(item.key) if old is None else old.content
            return (told, item.media) if told else None

        return {
            item.key: _move(item, old, contents[item.key])
            for items, olds in _alike(asked, seen, content)
            for item, old in _paired(items, self._gone(olds))
        }

    def _by_name(self, held: Sequence[Item], unseen: Sequence[ItemRow]) -> dict[str, Move]:
        """Match what no engine has looked at since content is kept: by name, size and time."""

        def name(item: Item, _old: ItemRow | None) -> Hashable:
            return (item.title, item.revision, item.size_bytes, item.media)

        of_files = [item for item in held if item.media is not Media.GROUP]
        unread = [old for old in unseen if not old.content]
        return self._only(_alike(of_files, unread, name))

    def _contents(self, asked: Sequence[Item], run: RunContext) -> dict[str, str]:
        """Look at the content of these items alone."""
        if not asked:
            return {}

        def content(item: Item) -> str:
            return "" if run.cancelled() else self._content(item)

        with ThreadPoolExecutor(_READERS, thread_name_prefix="tigertag-moved") as pool:
            looks = [pool.submit(copy_context().run, content, item) for item in asked]
            return {item.key: look.result() for item, look in zip(asked, looks, strict=True)}

    def _content(self, item: Item) -> str:
        if not self._context.identifies(item.media):
            return ""
        try:
            # A server's small picture is the same only where it is as small.
            need = needed(self._context.engines.values())
            with self._context.library.fetch(item, need) as source:
                return identity(source)
        except ItemError as exc:
            logger.debug("content of %s is not known: %s", item.key, exc)
        except LibraryError:
            raise
        except Exception:
            logger.exception("item %s of library %s hit a bug", item.key, item.library)
        return ""

    def _gone(self, olds: Sequence[ItemRow]) -> list[ItemRow]:
        """Return those whose old place is gone; of the others what was listed is a copy."""
        return [old for old in olds if self._is_gone(old)]

    def _is_gone(self, old: ItemRow) -> bool:
        """A whole listing tells it of its own section; of all else the library is asked."""
        context, item = self._context, old.item
        library = context.library
        if isinstance(library, Excluding) and library.leaves_out(item):
            # It is listed no more, and may well be there.
            return False
        here = old.section_id == context.scan.section_id
        if here and not old.gone and self._is_listed(item.key):
            return True
        if old.id not in self._lost:
            seen = here and context.scan.mode != "new"
            self._lost[old.id] = (seen or self._is_there(old)) and self._asked_is_gone(item)
        return self._lost[old.id]

    def _is_there(self, old: ItemRow) -> bool:
        """Whether an item's section can be seen now: where it cannot, nothing of it is gone."""
        if old.section_id not in self._there:
            item, library = old.item, self._context.library
            section = Section(item.library, item.section, item.section)
            with self._store.read() as db:
                mounts = scans.mounts(db, old.section_id)
            away = library.not_mounted(section, mounts) if isinstance(library, Mounted) else ""
            self._there[old.section_id] = not away and self._shows_any(section)
        return self._there[old.section_id]

    def _shows_any(self, section: Section) -> bool:
        try:
            return next(iter(self._context.library.items(section)), None) is not None
        except LibraryError:
            return False

    def _is_listed(self, key: str) -> bool:
        """Whether the listing tells that an item that it did not show as it was is not there."""
        return self._context.scan.mode != "new" or key in self._held

    def _asked_is_gone(self, item: Item) -> bool:
        try:
            with self._context.library.fetch(item, Need(1)):
                return False
        except ItemGone:
            return True
        except ItemError:
            return False


def _is_other(item: Item, known: KnownRow | None) -> bool:
    """Whether a place shows for the first time what it shows.

    An id of a server stays with its item, and so does a place with the sidecar that is there.
    """
    if item.media is Media.GROUP:
        # Another one may have its title: only what the server says of it tells which it is.
        return known is None and bool(item.file)
    if known is None:
        return True
    same = known.revision == item.revision or (item.stamp and known.stamp == item.stamp)
    return not (same or item.file)


def _fitting(unseen: Iterable[ItemRow]) -> Callable[[Item], Iterator[ItemRow]]:
    """Return what finds those that an item may have been; there may be thousands of others."""
    alike: dict[Hashable, list[ItemRow]] = {}
    for old in unseen:
        for mark in _marks(old.item):
            alike.setdefault(mark, []).append(old)

    def fitting(item: Item) -> Iterator[ItemRow]:
        for mark in _marks(item):
            yield from (old for old in alike.get(mark, ()) if _fits(item, old))

    return fitting


def _marks(item: Item) -> Iterator[Hashable]:
    """What one of two items that are the same has in common with the other."""
    yield item.size_bytes
    if item.file:
        yield item.file


def _fits(item: Item, old: ItemRow) -> bool:
    """Whether it may be the same file, as far as that is told without opening it."""
    was = old.item
    if was.media is not item.media:
        return False
    if item.file and item.file == was.file:
        return True
    if item.media is Media.GROUP:
        return False
    same = item.size_bytes == was.size_bytes
    if item.size_bytes is None or not old.content:
        same = same and item.title == was.title
    return same and (bool(old.content) or item.revision == was.revision)


def _left(
    held: Sequence[Item], unseen: Sequence[ItemRow], moves: Mapping[str, Move]
) -> tuple[list[Item], list[ItemRow]]:
    moved = {move.old.id for move in moves.values()}
    items = [item for item in held if item.key not in moves]
    return items, [old for old in unseen if old.id not in moved]


def _alike(
    held: Iterable[Item],
    unseen: Iterable[ItemRow],
    mark: Callable[[Item, ItemRow | None], Hashable],
) -> list[tuple[list[Item], list[ItemRow]]]:
    """Return the items, and those that they may have been, that bear the same mark."""
    new: dict[Hashable, list[Item]] = {}
    for item in held:
        new.setdefault(mark(item, None), []).append(item)
    old: dict[Hashable, list[ItemRow]] = {}
    for item_before in unseen:
        old.setdefault(mark(item_before.item, item_before), []).append(item_before)
    return [(new[key], old[key]) for key in new if key is not None and key in old]


def _paired(items: Sequence[Item], olds: Sequence[ItemRow]) -> list[tuple[Item, ItemRow]]:
    """Pair items of one content with their old places, by as much of their paths as is needed.

    One that is left on either side has no other to be taken for; several are new.
    """
    pairs: list[tuple[Item, ItemRow]] = []
    new, old = list(items), list(olds)
    for parts in range(_MOST_NAMES, 0, -1):
        named = _unique([(_end(item, parts), item) for item in new])
        were = _unique([(_end(before.item, parts), before) for before in old])
        some = [(named[name], were[name]) for name in named.keys() & were.keys()]
        pairs += some
        new = _without(new, [item for item, _was in some])
        old = _without(old, [was for _item, was in some])
    if len(new) == len(old) == 1:
        pairs.append((new[0], old[0]))
    return pairs


def _without(some: Sequence[_One], others: Sequence[_One]) -> list[_One]:
    numbers = {id(value) for value in others}
    return [value for value in some if id(value) not in numbers]


def _unique(some: Iterable[tuple[str, _One]]) -> dict[str, _One]:
    """Those that are the only ones of their name, by name."""
    named: dict[str, list[_One]] = {}
    for name, value in some:
        named.setdefault(name, []).append(value)
    return {name: same[0] for name, same in named.items() if name and len(same) == 1}


def _end(item: Item, parts: int) -> str:
    """The last parts of a path; "" where it has not so many."""
    path = item.called.split("/")
    return "/".join(path[-parts:]) if len(path) >= parts else ""


def _move(item: Item, old: ItemRow, content: str = "") -> Move:
    """A sidecar may come along; what a server gave a new key has none of its tags."""
    return Move(old, item, bare=bool(item.file) or not item.stamp, content=content)
