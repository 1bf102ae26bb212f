"""What a scan has to do: its items, cut into chunks."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tigertag import bounds
from tigertag.contracts import LeftOutReason, NotedItems, Notes, RunContext
from tigertag.core import Core
from tigertag.model import Item, Media
from tigertag.scan import forecasts, missing, presence, reading, summary
from tigertag.scan.context import Context, while_failed
from tigertag.scan.missing import Tally
from tigertag.scan.moves import Moves
from tigertag.scan.planning import ChunkPlanner
from tigertag.sequences import batched
from tigertag.store import Db, chunks, decisions, items, ledger, retries, scans
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import Todo
from tigertag.store.items import ItemRow, KnownRow, carry_over

_PAGE = 512
_OVERLAP = timedelta(days=1)
"""Clocks differ, and a server dates an item before it shows it."""
_LONGEST_FILE = 64
SAMPLE = 100
"""How many photos a sample has."""


def _storable(listed: Iterable[Item], notes: Notes) -> Iterator[Item]:
    for item in listed:
        if bounds.fits(item.key, bounds.KEY):
            yield _bounded(item)
        else:
            notes.leave_out(LeftOutReason.LONG_PATH, item.key)


def _bounded(item: Item) -> Item:
    """Return the item itself where nothing has to be cut, as of nearly all in a large library."""
    title, revision = bounds.cut(item.title, bounds.TITLE), bounds.mark(item.revision)
    stamp = None if item.stamp is None else bounds.mark(item.stamp)
    file = item.file if bounds.fits(item.file, _LONGEST_FILE) else ""
    size = item.size_bytes
    size = size if size is None or 0 <= size <= bounds.LARGEST_SIZE else None
    within = tuple(key for key in item.within if bounds.fits(key, bounds.KEY))
    kept = (title, revision, stamp, file, size, within)
    if kept == (
        item.title,
        item.revision,
        item.stamp,
        item.file,
        item.size_bytes,
        tuple(item.within),
    ):
        return item
    return replace(
        item,
        title=title,
        revision=revision,
        stamp=stamp,
        file=file,
        size_bytes=size,
        within=within,
    )


def _counted(
    engines: Sequence[str], asked: Mapping[tuple[str, Media], int]
) -> list[tuple[str, int, int]]:
    """Return what each engine would be asked: (engine, items, videos among them)."""
    videos = {name: asked.get((name, Media.VIDEO), 0) for name in engines}
    photos = {name: asked.get((name, Media.PHOTO), 0) for name in engines}
    return [(name, photos[name] + videos[name], videos[name]) for name in engines]


@dataclass(slots=True)
class _Listed:
    """How many items are known, were listed and are unchanged, and what engines would be asked.

    `held_back`: those that may have been moved, which are noted last. `recognised`: how many are
    there as they were; None: a file system is not mounted, so that this shows nothing.
    """

    known: Tally
    recognised: int | None = 0
    listed: Tally = field(default_factory=lambda: {False: 0, True: 0})
    held_back: Tally = field(default_factory=lambda: {False: 0, True: 0})
    unchanged: int = 0
    asked: Counter[tuple[str, Media]] = field(default_factory=Counter)

    @property
    def shown(self) -> Tally:
        """How many the library has shown."""
        return {group: self.listed[group] + self.held_back[group] for group in self.listed}

    def recognise(self, page: Sequence[Item], known: Mapping[str, KnownRow]) -> None:
        if self.recognised is not None:
            self.recognised += missing.recognised(page, known)

    def hold_back(self, page: Sequence[Item], here: Sequence[Item]) -> None:
        """Count those of a page that are not noted now; an item may come twice."""
        left = {item.key for item in here}
        for media in {item.key: item.media for item in page if item.key not in left}.values():
            self.held_back[media is Media.GROUP] += 1


@dataclass(frozen=True, slots=True)
class _Noted:
    """A page as it was taken down: how many of it are not planned yet, and what is to be done."""

    rows: Sequence[ItemRow]
    new: int
    todos: Sequence[Todo]


class ListingStage:
    """Fills the chunks of one scan. Each page is committed on its own and may come twice."""

    def __init__(self, core: Core, context: Context) -> None:
        self._core = core
        self._store = core.store
        self._context = context
        self._planner = ChunkPlanner(core, context)
        self._held = False

    def run(self, chunk: Chunk, run: RunContext) -> bool:
        """List all; False when `run` was cancelled before the end. Raises `LibraryError`."""
        scan = self._context.scan
        if scan.kind in ("undo", "redo"):
            return self._pages(chunk, run, self._undone())
        if scan.kind == "apply":
            return self._pages(chunk, run, self._previewed())
        if scan.mode == "decide":
            return self._pages(chunk, run, self._known())
        if scan.mode == "sample":
            return self._pages(chunk, run, self._sampled())
        if scan.mode == "retry":
            return self._pages(chunk, run, self._wanted())
        return self._library(chunk, run)

    def _library(self, chunk: Chunk, run: RunContext) -> bool:
        context, section_id = self._context, self._context.scan.section_id
        listed = context.library.items(context.section, self._since())
        notes = listed.notes if isinstance(listed, NotedItems) else Notes()
        with self._store.read() as db:
            away = missing.not_mounted(context, scans.mounts(db, section_id))
            tally = _Listed(items.known(db, section_id), None if away else 0)
        moves = Moves(self._store, context)
        for page in batched(_storable(listed, notes), _PAGE):
            if run.cancelled():
                return False
            with self._store.write() as db:
                chunks.check(db, chunk)
                known = items.known_of(db, section_id, page)
                here = moves.hold(db, page, known)
                noted = self._note(db, here, known)
            tally.hold_back(page, here)
            tally.recognise(page, known)
            self._plan_noted(chunk, noted, tally)
        with self._store.write() as db:
            chunks.check(db, chunk)
            scans.put(db, chunk.scan_id, left_out=summary.pack_left_out(notes))
        if context.scan.mode != "new":
            presence.confirm(self._core, context)
            # Before anything is moved: what lies where nothing can be seen now is not gone.
            missing.check(self._store, context, tally.known, tally.shown, notes)
        if not self._held_back(chunk, run, moves, tally):
            return False
        if context.scan.mode != "new":
            self._believe(chunk, notes)
        if not self._left_over(chunk, run, tally.asked):
            return False
        with self._store.write() as db:
            chunks.check(db, chunk)
            if context.scan.is_forecast:
                counted = _counted(sorted(context.asked), tally.asked)
                forecast = forecasts.priced(self._core, db, counted)
                scans.put(db, chunk.scan_id, forecast=forecasts.packed(forecast))
        return True

    def _believe(self, chunk: Chunk, notes: Notes) -> None:
        """Mark as gone what was not listed, and release the chunks that were held until now."""
        section_id = self._context.scan.section_id
        with self._store.write() as db:
            chunks.check(db, chunk)
            chunks.let_go(db, chunk.scan_id)
            items.mark_gone(db, section_id, chunk.scan_id)
            scans.put_mounts(db, section_id, notes.mounts)
        self._held = False

    def _note(
        self, db: Db, page: Sequence[Item], known: Mapping[str, KnownRow] | None = None
    ) -> "_Noted":
        """Take down a page, and tell what is to be done for it."""
        context = self._context
        section_id, scan_id = context.scan.section_id, context.scan.id
        rows = items.note(db, section_id, context.section, page, scan_id, before=known)
        return _Noted(rows, *self._changed(db, rows))

    def _plan_noted(self, chunk: Chunk, noted: "_Noted", tally: "_Listed") -> None:
        """Plan what is to be done for a page. Items that are skipped are read in between."""
        todos = self._without_skipped(noted.rows, noted.todos)
        for row in noted.rows:
            tally.listed[row.item.media is Media.GROUP] += 1
        tally.unchanged += noted.new - len(todos)
        total = sum(tally.shown.values())
        with self._store.write() as db:
            chunks.check(db, chunk)
            self._hold(db, tally)
            self._plan_or_count(db, todos, tally.asked)
            scans.put(db, chunk.scan_id, listed=total, unchanged=tally.unchanged)

    def _held_back(self, chunk: Chunk, run: RunContext, moves: Moves, tally: "_Listed") -> bool:
        """Take up what was held back, what was moved first: it makes room. False when cancelled."""
        moved, other = moves.found(run)
        tally.held_back = {False: 0, True: 0}
        section_id = self._context.scan.section_id
        for some in batched(moved, _PAGE):
            if run.cancelled():
                return False
            with self._store.write() as db:
                chunks.check(db, chunk)
                carry_over(db, section_id, some, chunk.scan_id)
                noted = self._note(db, [move.new for move in some])
            self._plan_noted(chunk, noted, tally)
        for page in batched(other, _PAGE):
            if run.cancelled():
                return False
            with self._store.write() as db:
                chunks.check(db, chunk)
                noted = self._note(db, page)
            self._plan_noted(chunk, noted, tally)
        return not run.cancelled()

    def _hold(self, db: Db, tally: "_Listed") -> None:
        """Hold what is planned while so few are listed that the library may be unavailable.

        Nothing is to be asked or written then; see `missing`.
        """
        scan, held = self._context.scan, self._held
        believed = scan.mode == "new" or scan.accept_missing
        doubtful = missing.too_few(tally.known[False], tally.shown[False])
        self._held = not believed and doubtful and not missing.is_there(tally.recognised or 0)
        if held and not self._held:
            chunks.let_go(db, scan.id)

    def _left_over(self, chunk: Chunk, run: RunContext, asked: Counter[tuple[str, Media]]) -> bool:
        """Plan also what was listed before and is due; False when cancelled.

        That is groups that have lost something, and in a scan of what is new all that earlier scans
        left undone.
        """
        context, after = self._context, 0
        while not run.cancelled():
            with self._store.write() as db:
                chunks.check(db, chunk)
                rows = items.page(
                    db,
                    context.scan.section_id,
                    context.section,
                    after=after,
                    limit=_PAGE,
                    but=self._settled,
                    retries=self._planner.retries,
                    groups=context.scan.mode != "new",
                )
                _new, todos = self._changed(db, rows)
            if not rows:
                return True
            todos = self._without_skipped(rows, todos)
            with self._store.write() as db:
                chunks.check(db, chunk)
                self._plan_or_count(db, todos, asked)
            after = rows[-1].id
        return False

    def _changed(self, db: Db, rows: Sequence[ItemRow]) -> tuple[int, list[Todo]]:
        """Return how many items of a page are not planned yet, and what is to be done for them."""
        context = self._context
        already = decisions.planned(db, context.scan.id, [row.id for row in rows])
        new = [row for row in rows if row.id not in already]
        wanted = self._planner.retries
        ids = [row.id for row in rows]
        retried = retries.due_among(db, wanted, ids) if wanted else set[int]()
        inside = [row for row in rows if row.item.within]
        touched = {key for row in inside if self._is_due(row, retried) for key in row.item.within}
        items.mark_due(db, context.scan.section_id, touched)
        todo = [row for row in new if self._is_due(row, retried, touched)]
        return len(new), self._planner.todos(db, todo)

    def _without_skipped(self, rows: Sequence[ItemRow], todos: Sequence[Todo]) -> list[Todo]:
        """Ask no engine about items that have a tag of SKIP_TAGS.

        They are read a page at a time here; those that are asked about are read once more, just
        before, in small chunks. No transaction is held meanwhile. Raises `LibraryError`.
        """
        context = self._context
        to_ask = {todo.item_id for todo in todos if todo.engines}
        if not context.skip_tags or not to_ask or context.scan.is_forecast:
            return list(todos)
        wanted = [row for row in rows if row.id in to_ask]
        left = reading.skipped(context, self._store, wanted)
        skipped = {item_id for item_id, (state, _why) in left.items() if state == "skipped"}
        return [
            replace(todo, settles="", engines=()) if todo.item_id in skipped else todo
            for todo in todos
        ]

    def _plan_or_count(
        self, db: Db, todos: Sequence[Todo], asked: Counter[tuple[str, Media]]
    ) -> None:
        if self._context.scan.is_forecast:
            asked.update((engine, todo.media) for todo in todos for engine, _print in todo.engines)
        else:
            self._planner.plan(db, todos, held=self._held)

    def _is_due(
        self, row: ItemRow, retried: Collection[int], touched: Collection[str] = ()
    ) -> bool:
        """Whether an item is to be looked at. Groups wait for a scan that lists all of them.

        `retried`: those that failed and whose time has come.
        """
        context = self._context
        if row.item.media is Media.GROUP and context.scan.mode == "new":
            return False
        unsettled = row.settled not in self._settled or row.item.key in touched
        return bool(context.round) or unsettled or row.id in retried

    @property
    def _settled(self) -> tuple[str, ...]:
        """The marks of items that are not looked at: if nobody waits, also of those that failed."""
        signature = self._context.signature
        return (signature, while_failed(signature)) if self._planner.retries else (signature,)

    def _since(self) -> datetime | None:
        """From when on a scan of what is new looks: since what was listed last began."""
        if self._context.scan.mode != "new":
            return None
        with self._store.read() as db:
            began = scans.listed_last(db, self._context.scan)
        return None if began is None else began - _OVERLAP

    def _pages(self, chunk: Chunk, run: RunContext, pages: Iterable[list[Todo]]) -> bool:
        listed = 0
        for page in pages:
            if run.cancelled():
                return False
            with self._store.write() as db:
                chunks.check(db, chunk)
                already = decisions.planned(db, chunk.scan_id, [todo.item_id for todo in page])
                left = [todo for todo in page if todo.item_id not in already]
                self._planner.plan(db, left, held=self._held)
                listed += len(page)
                scans.put(db, chunk.scan_id, listed=listed, unchanged=0)
        return True

    def _known(self) -> Iterator[list[Todo]]:
        """All items that are there."""
        context, after = self._context, 0
        while True:
            with self._store.read() as db:
                rows = items.page(
                    db, context.scan.section_id, context.section, after=after, limit=_PAGE
                )
                todos = self._planner.todos(db, rows)
            if not rows:
                return
            after = rows[-1].id
            yield todos

    def _sampled(self) -> Iterator[list[Todo]]:
        """Some photos, spread over all that are known. The library is not listed for them."""
        scan = self._context.scan
        with self._store.read() as db:
            rows = items.spread(db, scan.section_id, scan.section, Media.PHOTO, SAMPLE)
            todos = self._planner.todos(db, rows)
        yield todos

    def _wanted(self) -> Iterator[list[Todo]]:
        """What has failed and a user wants tried again. The library is not listed for it."""
        section_id, after = self._context.scan.section_id, 0
        while True:
            with self._store.read() as db:
                ids = retries.wanted_now(db, section_id, after=after, limit=_PAGE)
                todos = self._planner.todos(db, items.get(db, ids))
            if not ids:
                return
            after = ids[-1]
            yield todos

    def _previewed(self) -> Iterator[list[Todo]]:
        """What the source decided; settled by it if no later scan has looked at the items."""
        source, after = self._source, 0
        with self._store.read() as db:
            newest = scans.is_newest(db, scans.get(db, source))
        while True:
            with self._store.read() as db:
                rows = decisions.of_scan(db, source, after=after, limit=_PAGE)
            if not rows:
                return
            after = rows[-1][0]
            yield [
                Todo(decision.item_id, decision.revision, decision.settles if newest else "")
                for _row_id, decision in rows
                if decision.state == "done" or decision.adds or decision.removes
            ]

    def _undone(self) -> Iterator[list[Todo]]:
        """What the source has edited. A redo adds tags anew: to the picture they spoke of only."""
        with self._store.read() as db:
            item_ids = ledger.items_of(db, self._source)
            decided_by = scans.decided_by(db, self._context.scan)
        for some in batched(item_ids, _PAGE):
            revisions: dict[int, str] = {}
            if self._context.scan.kind == "redo":
                with self._store.read() as db:
                    known = decisions.of_items(db, decided_by, some)
                revisions = {item_id: decision.revision for item_id, decision in known.items()}
            yield [Todo(item_id, revisions.get(item_id, "")) for item_id in some]

    @property
    def _source(self) -> int:
        return self._context.scan.source_id or 0
