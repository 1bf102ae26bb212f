"""The processes `tigertag worker`: what each is at, and which work nobody can do, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from tigertag.core import Core
from tigertag.errors import NotFound
from tigertag.store import Db, Store, dispatch, events, scans, tasks, workers
from tigertag.store.dispatch import Depth
from tigertag.store.scans import ScanRow
from tigertag.store.workers import ChunkAtWork, Refusal, WorkerRow
from tigertag.text import count, did_you_mean

__all__ = ["ONE_MACHINE", "STATES", "Refusal"]

WorkerState = Literal["active", "refusing", "draining", "lost"]
STATES: tuple[WorkerState, ...] = get_args(WorkerState)
"""refusing: it works, but not on every scan; lost: it has not been heard of."""
ONE_MACHINE = "One machine: no broker is set, so the service works on scans itself."
_NOBODY_SENDS = (
    "Nobody sends work to workers: start `tigertag serve`. If it runs, System → Logs says why."
)
_NO_SERVICE = "No service runs, which takes up new scans: start `tigertag serve`."
_KEEP_S = 1.0
_MOST_REASONS = 2


@dataclass(frozen=True, slots=True)
class Job:
    """A chunk that a worker is at. `section`: what people call the scan's; "": it has ended."""

    scan_id: int
    section: str
    chunk_id: int
    kind: str
    queue: str
    items: int
    since: datetime
    since_s: float


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker. `items_s`: items a second in the last minute; `seen_s`: since it was heard of."""

    name: str
    host: str
    pid: int
    version: str
    state: WorkerState
    started_at: datetime
    seen_at: datetime
    seen_s: float
    threads: int
    queues: tuple[str, ...]
    libraries: tuple[str, ...]
    engines: tuple[str, ...]
    jobs: tuple[Job, ...]
    items_done: int
    items_s: float
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class QueueView:
    """Chunks of a scan that wait in a queue, and how many workers may take them.

    `problem`: why nobody does; "": somebody can, sooner or later.
    """

    queue: str
    scan_id: int
    section: str
    waiting: int
    workers: int
    problem: str


@dataclass(frozen=True, slots=True)
class Workers:
    """All workers, and what waits for them. `problem`: why nothing can be sent to them."""

    is_clustered: bool
    problem: str
    workers: tuple[WorkerView, ...] = ()
    queues: tuple[QueueView, ...] = ()

    @property
    def unserved(self) -> tuple[QueueView, ...]:
        """Where work is due that nobody can do."""
        return tuple(queue for queue in self.queues if queue.problem)

    @property
    def without_worker(self) -> dict[int, str]:
        """Why there is no worker for a scan, by scan; the first reason of several."""
        first_last = reversed(self.queues)
        return {queue.scan_id: queue.problem for queue in first_last if not queue.workers}


def overview(core: Core) -> Workers:
    """Return the workers, and what waits for them. Raises `StoreError`."""
    if not core.is_clustered:
        return Workers(False, ONE_MACHINE)
    with core.store.read() as db:
        rows = workers.every(db)
        active = {scan.id: scan for scan in scans.every_active(db)}
        running = [scan_id for scan_id, scan in active.items() if scan.state == "running"]
        depths = dispatch.depths(db, running)
        problem = _not_sent(db)
    views = tuple(_view(row, active) for row in rows)
    queues = (_queue(depth, active[depth.scan_id], rows, problem) for depth in depths)
    return Workers(True, problem, views, tuple(queues))


def _not_sent(db: Db) -> str:
    """Say why nothing can be sent to workers."""
    if not dispatch.is_led(db):
        return _NOBODY_SENDS
    noted = tasks.every(db).get("dispatch")
    return "" if noted is None else noted.problem


def get(core: Core, name: str) -> WorkerView:
    """Return a worker. Raises `NotFound`."""
    shown = overview(core)
    by_name = {worker.name: worker for worker in shown.workers}
    if name not in by_name:
        why = "" if shown.is_clustered else f" {ONE_MACHINE}"
        raise NotFound(f"There is no worker {name!r}{did_you_mean(name, by_name)}{why}")
    return by_name[name]


def drain(core: Core, name: str) -> WorkerView:
    """Let a worker end what it is at, take nothing more, and stop. Raises `NotFound`."""
    return _set_draining(core, name, draining=True)


def resume(core: Core, name: str) -> WorkerView:
    """Let a worker go on that was to be drained and has not stopped yet. Raises `NotFound`."""
    return _set_draining(core, name, draining=False)


def _set_draining(core: Core, name: str, *, draining: bool) -> WorkerView:
    get(core, name)
    with core.store.write() as db:
        if workers.drain(db, name, draining=draining):
            what = "is drained: it ends what it is at, and stops" if draining else "goes on"
            events.record(db, "info", "system", f"Worker {name} {what}.")
    core.cache.forget("workers")
    return get(core, name)


def glance(core: Core) -> Workers:
    """Return what `overview` does, some moments old, perhaps."""
    return core.cache.get(("workers",), lambda: overview(core), keep_s=_KEEP_S)


def why_nobody(core: Core, scan_id: int) -> str:
    """Say why nobody can do what is due of a scan; "": somebody can. Some moments old, perhaps."""
    reasons = [queue.problem for queue in glance(core).unserved if queue.scan_id == scan_id]
    return reasons[0] if reasons else ""


def why_not_taken_up(core: Core, scan: ScanRow) -> str:
    """Say why nobody takes up a new scan, which only the service does; "": it will, or has."""
    if scan.agreed:
        return ""
    with core.store.read() as db:
        return "" if dispatch.is_led_by_service(db) else _NO_SERVICE


def is_any_live(core: Core) -> bool:
    """Whether a worker lives that takes work."""
    with core.store.read() as db:
        return any(not (row.is_lost or row.draining) for row in workers.every(db))


def is_healthy(database_url: str, *, name: str = "", host: str = "") -> bool:
    """Whether a worker of this name, or of this host, was heard of lately. Raises `StoreError`.

    Nothing but the database is opened: it is for probes.
    """
    store = Store(database_url)
    try:
        with store.read() as db:
            rows = workers.every(db)
    finally:
        store.close()
    return any(row.name == name if name else row.host == host for row in rows if not row.is_lost)


def note_lost(core: Core) -> None:
    """Record once each which workers were lost, and which are back; forget the old ones."""
    if not core.is_clustered:
        return
    with core.store.read() as db:
        if not workers.are_any_lost(db):
            return
    with core.store.write() as db:
        workers.note_lost(db)


def _view(row: WorkerRow, active: dict[int, ScanRow]) -> WorkerView:
    now = datetime.now(UTC)
    seen_s = max(0.0, row.seen_s)
    return WorkerView(
        row.name,
        row.host,
        row.pid,
        row.version,
        _state(row),
        row.started_at,
        now - timedelta(seconds=seen_s),
        round(seen_s, 1),
        row.threads,
        row.queues,
        row.libraries,
        row.engines,
        tuple(_job(chunk, active, now) for chunk in row.chunks),
        row.items_done,
        row.items_s,
        row.refusals,
    )


def _state(row: WorkerRow) -> WorkerState:
    if row.is_lost:
        return "lost"
    if row.draining:
        return "draining"
    return "refusing" if row.refusals else "active"


def _job(chunk: ChunkAtWork, active: dict[int, ScanRow], now: datetime) -> Job:
    scan, since_s = active.get(chunk.scan_id), max(0.0, chunk.since_s)
    return Job(
        chunk.scan_id,
        scan.section.called if scan is not None else "",
        chunk.chunk_id,
        chunk.kind,
        chunk.queue,
        chunk.size,
        now - timedelta(seconds=since_s),
        round(since_s, 1),
    )


def _queue(depth: Depth, scan: ScanRow, rows: Sequence[WorkerRow], problem: str) -> QueueView:
    able, why = _able(depth, rows)
    return QueueView(
        depth.queue, scan.id, scan.section.called, depth.chunks, len(able), why or problem
    )


def _able(depth: Depth, rows: Sequence[WorkerRow]) -> tuple[list[WorkerRow], str]:
    """Return who may take chunks of a queue; where nobody may, why, and what to do."""
    live = [row for row in rows if not (row.is_lost or row.draining)]
    serving = [row for row in live if depth.queue in row.queues]
    refusals = {
        row.name: refusal.reason
        for row in serving
        for refusal in row.refusals
        if refusal.scan_id == depth.scan_id
    }
    willing = [row for row in serving if row.name not in refusals]
    able = [row for row in willing if depth.home in (row.home, "")]
    if able:
        return able, ""
    if not live:
        return [], _nobody(rows)
    if not serving:
        start = f"`tigertag worker --queues {depth.queue}`"
        return [], f"No worker serves the queue {depth.queue}: start one with {start}."
    if willing:
        return [], _homeless(depth.home, rows)
    return [], _all_refuse(refusals)


def _nobody(rows: Sequence[WorkerRow]) -> str:
    if any(row.draining and not row.is_lost for row in rows):
        return "All workers are being drained: resume one, or start another with `tigertag worker`."
    lost = f" ({count(len(rows), 'worker')} lost)" if rows else ""
    return f"No worker runs{lost}: start one with `tigertag worker` on any machine."


def _homeless(home: str, rows: Iterable[WorkerRow]) -> str:
    hosts = sorted({row.host for row in rows if row.home == home})
    where = f" on {hosts[0]}" if hosts else ""
    return (
        f"A batch is in a file of a worker's home{where}, and no worker of that home runs: start"
        " `tigertag worker` there again, with the same TIGERTAG_HOME. After ten minutes others ask"
        " for its items anew."
    )


def _all_refuse(refusals: dict[str, str]) -> str:
    by_reason: dict[str, str] = {}
    for name, reason in refusals.items():
        by_reason.setdefault(reason, name)
    lines = [f"{name}: {reason}" for reason, name in by_reason.items()]
    more = len(lines) - _MOST_REASONS
    others = f" … and {count(more, 'other reason')}." if more > 0 else ""
    who = "The only worker refuses it" if len(refusals) == 1 else "All workers refuse it"
    return f"{who}: {' '.join(lines[:_MOST_REASONS])}{others}"
