"""Requests gathered for batches, in files of this home."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from math import inf
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from uuid import uuid4

from tigertag import locks
from tigertag.contracts import DeferredEngine, Prepared, is_deferred
from tigertag.core import Core
from tigertag.errors import LeaseLost, StoreFull, os_reason
from tigertag.scan import calls
from tigertag.scan.context import Context
from tigertag.store import Db, batches, chunks, engine_state, usage
from tigertag.store.batches import Batch
from tigertag.store.chunks import Chunk
from tigertag.store.usage import Amount, NewCall

_FOLDER = "spool"


def home_id(core: Core) -> str:
    """Return the name of this home among those that share a database; it is made once."""
    path = core.home / _FOLDER / "home"
    with _disk():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            name = uuid4().hex
            own = path.with_name(f"home.{name}")
            own.write_text(name)
            with suppress(FileExistsError):
                os.link(own, path)
            own.unlink()
        return path.read_text()


def path_of(core: Core, batch: Batch) -> Path:
    """Return the batch's file: another database of this home has a batch of the same number."""
    folder, number = core.home / _FOLDER, batch.id
    path = folder / f"{batch.engine}-{_database(core)}-{number}.jsonl"
    old = folder / f"{batch.engine}-{number}.jsonl"
    renamed = batch.state == "done" or not old.exists() or path.exists()
    if not renamed and batch.home == home_id(core) and old.stat().st_size >= batch.size_bytes:
        # As the versions before named it.
        old.replace(path)
    return path


def committed(core: Core, batch: Batch) -> Path:
    """Return the batch's file, with nothing that was not committed: a kill may have left more."""
    path = path_of(core, batch)
    if path.stat().st_size > batch.size_bytes:
        with _disk():
            os.truncate(path, batch.size_bytes)
    return path


def _database(core: Core) -> str:
    def made() -> str:
        with core.store.write() as db:
            return engine_state.database_id(db)

    return core.cache.get(("database",), made, keep_s=inf)


def sweep(core: Core) -> None:
    """Delete the files of batches that are done: another home has collected them.

    What this database does not know as its own is left: another one may have gathered it.
    """
    if not (core.home / _FOLDER).exists():
        return
    paths = {int(path.stem.rpartition("-")[2]): path for path in _files(core)}
    with core.store.read() as db:
        known = batches.states(db, list(paths))
    for batch_id, path in paths.items():
        if known.get(batch_id) == "done":
            path.unlink(missing_ok=True)


def _files(core: Core) -> list[Path]:
    return [
        path
        for path in (core.home / _FOLDER).glob(f"*-{_database(core)}-*.jsonl")
        if path.stem.rpartition("-")[2].isdecimal()
    ]


@dataclass
class _Filling:
    """A batch that is being filled by this process, which holds the lock on its file."""

    batch: Batch
    file: BinaryIO


class Spool:
    """The batches that one scan fills. Thread-safe.

    What is in the file beyond the size that the database knows was never committed, and is cut off
    (`committed`).
    """

    def __init__(self, core: Core, context: Context) -> None:
        self._core = core
        self._store = core.store
        self._context = context
        self._lock = Lock()
        self._filling: dict[str, _Filling] = {}

    def add(self, chunk: Chunk, engine: str, prepared: Sequence[tuple[int, Prepared]]) -> None:
        """Keep requests, their work and their calls, all or nothing a batch.

        Raises `LeaseLost`, `StoreFull`, and, after what the budget allows has been kept,
        `QuotaExhausted`.
        """
        plugin = self._context.engines[engine]
        assert is_deferred(plugin)
        rest = list(prepared)
        with self._lock:
            while rest:
                filling = self._room(engine, plugin, rest[0][1])
                some = _fitting(plugin, filling.batch, rest)
                rest = rest[len(some) :]
                try:
                    self._put(chunk, plugin, filling, some)
                except LeaseLost:
                    # The batch may have been closed by another process: begin another.
                    self._filling.pop(engine).file.close()
                    raise

    def seal(self) -> bool:
        """Close the scan's batches that nobody fills; False when there are none.

        Called when nobody is at work on the scan: another home's is closed, too.
        """
        with self._lock:
            for filling in self._filling.values():
                filling.file.close()
            self._filling.clear()
            with self._store.read() as db:
                left = batches.filling(db, self._context.scan.id)
            sealed = [self._seal(batch) for batch in left]
            return any(sealed)

    def close(self) -> None:
        with self._lock:
            for filling in self._filling.values():
                filling.file.close()
            self._filling.clear()

    def _seal(self, batch: Batch) -> bool:
        path = path_of(self._core, batch)
        if path.exists():
            with path.open("rb") as file:
                if locks.try_to_lock(file) == "taken":
                    return False
        with self._store.write() as db:
            return batches.seal(db, batch)

    def _room(self, engine: str, plugin: DeferredEngine, first: Prepared) -> _Filling:
        filling = self._filling.get(engine)
        if filling is not None and not _fits(plugin, filling.batch, first):
            filling.file.close()
            self._seal(filling.batch)
            filling = None
        if filling is None:
            filling = self._filling[engine] = self._begin(engine)
        return filling

    def _begin(self, engine: str) -> _Filling:
        with self._store.write() as db:
            batch = batches.begin(db, self._context.scan.id, engine, home_id(self._core))
        with _disk():
            file = _locked(path_of(self._core, batch))
        assert file is not None, "the file of a new batch is nobody else's"
        return _Filling(batch, file)

    def _put(
        self,
        chunk: Chunk,
        plugin: DeferredEngine,
        filling: _Filling,
        some: Sequence[tuple[int, Prepared]],
    ) -> None:
        with self._store.write() as db:
            chunks.check(db, chunk)
            allowed = self._reserved(db, plugin, filling.batch, some)
            lines = [request.line for _item_id, request in some[:allowed]]
            size_bytes = filling.batch.size_bytes + sum(map(len, lines))
            item_ids = [item_id for item_id, _one in some[:allowed]]
            # Before the file is written: one that another process has closed may be on its way.
            batches.grow(db, filling.batch, item_ids, size_bytes)
            _append(filling, lines)
            now = datetime.now(UTC)
            month = usage.of_month(db, now)
        filling.batch = replace(
            filling.batch, lines=filling.batch.lines + allowed, size_bytes=size_bytes
        )
        if allowed < len(some):
            raise calls.used_up(plugin.id, self._core.engine(plugin.id).limits, month, now)

    def _reserved(
        self, db: Db, plugin: DeferredEngine, batch: Batch, some: Sequence[tuple[int, Prepared]]
    ) -> int:
        """Reserve the calls that the budget allows, in their order; return how many."""
        limits, now = self._core.engine(plugin.id).limits, datetime.now(UTC)
        units = plugin.capabilities.units_per_item
        new = [
            NewCall(
                plugin.id,
                plugin.host,
                request.size_bytes,
                Amount(units, request.cost_usd),
                item_id,
                batch_id=batch.id,
            )
            for item_id, request in some
        ]
        whole = sum((call.bound for call in new), Amount())
        if not usage.reserve(db, plugin.id, whole, limits, now):
            new = list(
                takewhile(lambda call: usage.reserve(db, plugin.id, call.bound, limits, now), new)
            )
        usage.hold_calls(db, new, now)
        return len(new)


def _fits(plugin: DeferredEngine, batch: Batch, more: Prepared) -> bool:
    """Whether a batch takes one more; an empty one takes any."""
    room = batch.size_bytes + len(more.line) <= plugin.max_bytes
    return batch.lines == 0 or (room and batch.lines < plugin.max_lines)


def _fitting(
    plugin: DeferredEngine, batch: Batch, rest: Sequence[tuple[int, Prepared]]
) -> list[tuple[int, Prepared]]:
    fitting: list[tuple[int, Prepared]] = []
    for request in rest:
        if not _fits(plugin, batch, request[1]):
            break
        fitting.append(request)
        grown = batch.size_bytes + len(request[1].line)
        batch = replace(batch, lines=batch.lines + 1, size_bytes=grown)
    return fitting


def _append(filling: _Filling, lines: Sequence[bytes]) -> None:
    """Write lines after what is committed."""
    with _disk():
        file = filling.file
        file.seek(filling.batch.size_bytes)
        file.truncate()
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def _locked(path: Path) -> BinaryIO | None:
    """Open a spool file and hold its lock; None when another process does. It is private."""
    made = not path.exists()
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    lock = locks.try_to_lock(file)
    # Without locks a file that is there may be another's; only who has made it fills it.
    if lock == "held" or (lock == "unknown" and made):
        return file
    file.close()
    return None


@contextmanager
def _disk() -> Iterator[None]:
    """Say in one line that the disk is full, or cannot be written."""
    try:
        yield
    except OSError as exc:
        raise StoreFull(
            f"A batch cannot be stored in TIGERTAG_HOME ({os_reason(exc)}); what was committed is"
            " kept. Free space, then resume."
        ) from exc
