"""What a scan has to do: its items, cut into chunks."""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from tigertag.contracts import RunContext
from tigertag.model import Item, Media
from tigertag.services import forecasts
from tigertag.services.context import Context
from tigertag.services.core import Core
from tigertag.store import Db, answers, batches, chunks, decisions, items, ledger, scans
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import Todo
from tigertag.store.items import ItemRow

_PAGE = 512
_ASK_CHUNK = 16
_VIDEO_CHUNK = 2
_SETTLE_CHUNK = 256
_OVERLAP = timedelta(days=1)
"""Clocks differ, and a server dates an item before it shows it."""
_LONGEST_KEY = 2048
_LONGEST_TITLE = 1024

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


def _batches(values: Iterable[_T], size: int = _PAGE) -> Iterator[list[_T]]:
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


def _storable(listed: Iterable[Item]) -> Iterator[Item]:
    for item in listed:
        if len(item.key) <= _LONGEST_KEY:
            yield replace(item, title=item.title[:_LONGEST_TITLE])
        else:
            logger.warning("passed over, its path is too long: %s…", item.key[:80])


def _counted(
    engines: Sequence[str], asked: Mapping[tuple[str, Media], int]
) -> list[tuple[str, int, int]]:
    """Return what each engine would be asked: (engine, items, videos among them)."""
    videos = {name: asked.get((name, Media.VIDEO), 0) for name in engines}
    photos = {name: asked.get((name, Media.PHOTO), 0) for name in engines}
    return [(name, photos[name] + videos[name], videos[name]) for name in engines]


class Listing:
    """Fills the chunks of one scan. Each page is committed on its own and may come twice."""

    def __init__(self, core: Core, context: Context) -> None:
        self._core = core
        self._store = core.store
        self._context = context

    def run(self, chunk: Chunk, run: RunContext) -> bool:
        """List all; False when `run` was cancelled before the end. Raises `LibraryError`."""
        scan = self._context.scan
        if scan.kind in ("undo", "redo"):
            return self._pages(chunk, run, self._undone())
        if scan.kind == "apply":
            return self._pages(chunk, run, self._previewed())
        if scan.mode == "decide":
            return self._pages(chunk, run, self._known())
        return self._library(chunk, run)

    def _library(self, chunk: Chunk, run: RunContext) -> bool:
        context, listed, unchanged = self._context, 0, 0
        asked: Counter[tuple[str, Media]] = Counter()
        found = context.library.items(context.section, self._since())
        for page in _batches(_storable(found)):
            if run.cancelled():
                return False
            with self._store.write() as db:
                chunks.check(db, chunk)
                rows = items.note(db, context.scan.section_id, context.section, page, chunk.scan_id)
                unchanged += self._plan_changed(db, rows, asked)
                listed += len(rows)
                scans.count_listed(db, chunk.scan_id, listed=listed, unchanged=unchanged)
        if context.scan.mode != "new":
            with self._store.write() as db:
                chunks.check(db, chunk)
                items.mark_gone(db, context.scan.section_id, chunk.scan_id)
        if not self._left_over(chunk, run, asked):
            return False
        with self._store.write() as db:
            chunks.check(db, chunk)
            if context.scan.is_forecast:
                counted = _counted(sorted(context.asked), asked)
                forecast = forecasts.priced(self._core, db, counted)
                scans.put_forecast(db, chunk.scan_id, forecasts.packed(forecast))
        return True

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
                    but=context.signature,
                    groups=context.scan.mode != "new",
                )
                self._plan_changed(db, rows, asked)
            if not rows:
                return True
            after = rows[-1].id
        return False

    def _plan_changed(
        self, db: Db, rows: Sequence[ItemRow], asked: Counter[tuple[str, Media]]
    ) -> int:
        """Plan what is to be done for a page, or count it; return how many items are unchanged."""
        context = self._context
        already = decisions.planned(db, context.scan.id, [row.id for row in rows])
        new = [row for row in rows if row.id not in already]
        touched = {key for row in rows if self._is_due(row) for key in row.item.within}
        items.unsettle(db, context.scan.section_id, touched)
        todo = [row for row in new if self._is_due(row, touched)]
        todos = self._todos(db, todo)
        if context.scan.is_forecast:
            asked.update((engine, one.media) for one in todos for engine, _print in one.engines)
        else:
            self._plan(db, todos)
        return len(new) - len(todo)

    def _is_due(self, row: ItemRow, touched: Collection[str] = ()) -> bool:
        """Whether an item is to be looked at. Groups wait for a scan that lists all of them."""
        context = self._context
        if row.item.media is Media.GROUP and context.scan.mode == "new":
            return False
        unsettled = row.settled != context.signature or row.item.key in touched
        return bool(context.round) or unsettled

    def _since(self) -> datetime | None:
        """From when on a scan of what is new looks: since what was listed last began."""
        if self._context.scan.mode != "new":
            return None
        with self._store.read() as db:
            began = scans.listed_last(db, self._context.scan)
        return None if began is None else began - _OVERLAP

    def _todos(self, db: Db, rows: Sequence[ItemRow]) -> list[Todo]:
        """What is left to be done for items: settled by this scan only if it asks all engines."""
        context = self._context
        revisions = {row.id: row.item.revision for row in rows}
        known = answers.answered(
            db,
            revisions,
            context.fingerprints,
            samplers=context.samplers(rows),
            round=context.round,
            paid=context.paid,
        )
        ids = list(revisions)
        under_way = batches.asked_elsewhere(db, context.scan.id, ids, ended=not context.round)
        if context.scan.write == "preview" and not context.scan.is_forecast:
            under_way |= decisions.left_to_writers(db, context.scan.id, revisions)
        if not context.round:
            known |= decisions.refused(
                db,
                revisions,
                context.fingerprints,
                context.samplers(rows),
                paid=context.paid,
            )
        return [self._todo(row, known, under_way) for row in rows]

    def _todo(
        self, row: ItemRow, known: set[tuple[int, str]], under_way: set[tuple[int, str]]
    ) -> Todo:
        """`under_way`: what another scan has sent in a batch, or asks when its time has come."""
        context = self._context
        missing = [
            name
            for name, engine in context.engines.items()
            if (row.id, name) not in known and row.item.media in engine.capabilities.media
        ]
        asks = context.scan.mode != "decide"
        asked = [
            name
            for name in missing
            if asks and name in context.asked and (row.id, name) not in under_way
        ]
        return Todo(
            row.id,
            row.item.revision,
            context.signature if asked == missing else "",
            tuple((name, context.fingerprints[name]) for name in asked),
            row.item.media,
            context.sampler(row.item.media),
        )

    def _plan(self, db: Db, todos: Sequence[Todo]) -> None:
        alike: dict[tuple[str, int], list[Todo]] = {}
        for todo in todos:
            alike.setdefault(self._kind(todo), []).append(todo)
        for (kind, size), group in alike.items():
            for some in _batches(group, size):
                chunk_id = chunks.add(db, self._context.scan.id, kind=kind)
                decisions.plan(db, self._context.scan.id, chunk_id, some)
        asks = [(one.item_id, name) for one in todos for name, _fingerprint in one.engines]
        decisions.take_over(db, self._context.scan.id, asks)

    def _kind(self, todo: Todo) -> tuple[str, int]:
        """Which chunks an item belongs into: their kind, and how many items they hold."""
        if todo.media is Media.GROUP and self._context.scan.kind == "scan":
            return "groups", _SETTLE_CHUNK
        if not todo.engines:
            return "items", _SETTLE_CHUNK
        return "items", _VIDEO_CHUNK if todo.media is Media.VIDEO else _ASK_CHUNK

    def _pages(self, chunk: Chunk, run: RunContext, pages: Iterable[list[Todo]]) -> bool:
        listed = 0
        for page in pages:
            if run.cancelled():
                return False
            with self._store.write() as db:
                chunks.check(db, chunk)
                already = decisions.planned(db, chunk.scan_id, [todo.item_id for todo in page])
                self._plan(db, [todo for todo in page if todo.item_id not in already])
                listed += len(page)
                scans.count_listed(db, chunk.scan_id, listed=listed, unchanged=0)
        return True

    def _known(self) -> Iterator[list[Todo]]:
        """All items that are there."""
        context, after = self._context, 0
        while True:
            with self._store.read() as db:
                rows = items.page(
                    db, context.scan.section_id, context.section, after=after, limit=_PAGE
                )
                todos = self._todos(db, rows)
            if not rows:
                return
            after = rows[-1].id
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
                Todo(one.item_id, one.revision, one.settles if newest else "")
                for _row_id, one in rows
                if one.state == "done" or one.adds or one.removes
            ]

    def _undone(self) -> Iterator[list[Todo]]:
        """What the source has edited. A redo adds tags anew: to the picture they spoke of only."""
        with self._store.read() as db:
            item_ids = ledger.items_of(db, self._source)
            decided_by = scans.decided_by(db, self._context.scan)
        for some in _batches(item_ids):
            revisions: dict[int, str] = {}
            if self._context.scan.kind == "redo":
                with self._store.read() as db:
                    known = decisions.of_items(db, decided_by, some)
                revisions = {item_id: one.revision for item_id, one in known.items()}
            yield [Todo(item_id, revisions.get(item_id, "")) for item_id in some]

    @property
    def _source(self) -> int:
        return self._context.scan.source_id or 0
