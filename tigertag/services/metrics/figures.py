"""The figures of all metrics, read from the database when they are asked for.

Any process can tell them, and they survive each of them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import product

from tigertag import __version__
from tigertag.core import Core
from tigertag.model import QUEUES
from tigertag.plugins import is_switched_off
from tigertag.services import libraries, machine, spending, tasks, workers
from tigertag.services.metrics import processes
from tigertag.services.metrics.counts import counts
from tigertag.services.metrics.names import METRICS
from tigertag.store import Db, counters, engine_state, migrate, scan_requests, schema, totals

_KEEP_PIDS_S = 30.0

Sample = tuple[tuple[str, ...], float, int]
"""Values of the labels, the value, and of a summary the count."""
Figures = Mapping[str, list[Sample]]
_Sums = Mapping[tuple[str, str], float]
_Line = tuple[str, tuple[str, ...], float, int]


def figures(core: Core) -> Figures:
    """Return the samples of each metric. Raises `StoreError`."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for name, labels, value, count in _lines(core):
        assert len(labels) == len(METRICS[f"tigertag_{name}"].labels), name
        found[f"tigertag_{name}"].append((labels, value, count))
    return found


def _lines(core: Core) -> Iterator[_Line]:
    with core.store.read() as db:
        sums = counters.every(db)
        yield from _scans(db, sums)
        yield from _engines(core, db, sums)
        yield from _queue(db)
    revision = core.cache.get(
        ("revision",), lambda: migrate.current(core.store) or "", keep_s=float("inf")
    )
    kind = "postgresql" if core.store.sqlite_path is None else "sqlite"
    yield _line("build_info", 1, __version__, kind, revision)
    yield from _workers(core)
    yield from _budgets(core)
    yield from _counted(core)
    yield from _libraries(core)
    yield from _room(core)
    yield from _tasks(core)
    yield from _processes(core)


def _line(name: str, value: float, *labels: str, count: int = 0) -> _Line:
    return name, labels, value, count


def _scans(db: Db, sums: _Sums) -> Iterator[_Line]:
    by_state = totals.scans(db)
    for state in (*schema.UNENDED, *schema.FINAL):
        yield _line("scans", by_state.get(state, 0), state)
    for state in schema.FINAL:
        ended = int(sums.get(("scans", state), 0))
        yield _line("scan_duration_seconds", sums.get(("scan_s", state), 0.0), state, count=ended)
    for state in ("verified", "failed"):
        yield _line("edits_total", sums.get(("edits", state), 0.0), state)
    for place, scan in totals.last_scans(db).items():
        took = scan.finished_at - (scan.started_at or scan.finished_at)
        yield _line("section_scan_failed", scan.state == "failed", *place)
        yield _line("section_last_scan_timestamp_seconds", scan.finished_at.timestamp(), *place)
        yield _line("section_last_scan_duration_seconds", took.total_seconds(), *place)


def _engines(core: Core, db: Db, sums: _Sums) -> Iterator[_Line]:
    stopped = engine_state.stops(db)
    for entry in core.engines:
        if is_switched_off(entry.problem):
            continue
        engine = entry.id

        def sum_of(name: counters.Name, engine: str = engine) -> float:
            return sums.get((name, engine), 0.0)

        yield _line("engine_up", entry.engine is not None and engine not in stopped, engine)
        yield _line("engine_results_total", sum_of("answers"), engine, "answered")
        yield _line("engine_results_total", sum_of("failures"), engine, "failed")
        answered = int(sum_of("answers"))
        yield _line("engine_answer_seconds", sum_of("answer_s"), engine, count=answered)
        yield _line("engine_requests_total", sum_of("calls"), engine)
        yield _line("engine_lost_requests_total", sum_of("lost_calls"), engine)
        yield _line("engine_calls_total", sum_of("units"), engine)
        yield _line("engine_cost_usd_total", sum_of("cost_usd"), engine)


def _budgets(core: Core) -> Iterator[_Line]:
    for engine, month in spending.months(core).items():
        yield _line("engine_month_calls", month.units, engine)
        yield _line("engine_month_cost_usd", month.cost_usd, engine)
        if month.units_limit is not None:
            yield _line("engine_budget_calls", month.units_limit, engine)
            left = max(0, month.units_limit - month.units)
            yield _line("engine_budget_calls_left", left, engine)
        if month.usd_limit is not None:
            yield _line("engine_budget_usd", month.usd_limit, engine)
            left_usd = max(0.0, month.usd_limit - month.cost_usd)
            yield _line("engine_budget_usd_left", left_usd, engine)


def _queue(db: Db) -> Iterator[_Line]:
    left = totals.chunks(db)
    for place in product(QUEUES, ("queued", "leased", "later")):
        yield _line("queue_chunks", left.get(place, 0), *place)
    waiting = scan_requests.waiting(db)
    yield _line("queue_scan_requests", len(waiting))
    now = datetime.now(UTC)
    since = [datetime.fromtimestamp(request.not_before, UTC) for request in waiting]
    if (queued := totals.oldest_queued(db)) is not None:
        since.append(queued)
    age = max(((now - at).total_seconds() for at in since), default=0.0)
    yield _line("queue_age_seconds", max(0.0, age))


def _workers(core: Core) -> Iterator[_Line]:
    if not core.is_clustered:
        return
    shown = workers.overview(core)
    for queue in QUEUES:
        stuck = {each.scan_id for each in shown.unserved if each.queue == queue}
        yield _line("queue_unserved", len(stuck), queue)
    for state in workers.STATES:
        yield _line("workers", sum(each.state == state for each in shown.workers), state)
    live = (worker.items_s for worker in shown.workers if worker.state != "lost")
    yield _line("workers_items_per_second", sum(live))


def _counted(core: Core) -> Iterator[_Line]:
    counted = counts(core)
    for place, number in counted.items.items():
        yield _line("items", number, *place)
    for state in ("planned", "sent"):
        yield _line("edits_unsettled", counted.edits_unsettled.get(state, 0), state)


def _libraries(core: Core) -> Iterator[_Line]:
    for library, is_up in libraries.reachable(core).items():
        yield _line("library_up", is_up, library)


def _room(core: Core) -> Iterator[_Line]:
    yield _line("database_size_bytes", totals.size_bytes(core.store))
    disk = machine.disk(core.home)
    if disk is not None:
        yield _line("disk_free_bytes", disk.free_bytes)
    with suppress(OSError):
        made = [path.stat().st_mtime for path in core.backups.glob("tigertag-*.zip")]
        if made:
            yield _line("last_backup_timestamp_seconds", max(made))


def _tasks(core: Core) -> Iterator[_Line]:
    for view in tasks.listed(core):
        if view.row is not None and view.row.ended_at is not None:
            name = view.task.name
            yield _line("task_failed", bool(view.row.problem), name)
            yield _line("task_last_run_timestamp_seconds", view.row.ended_at.timestamp(), name)


def _processes(core: Core) -> Iterator[_Line]:
    pids = core.cache.get(("pids",), processes.of_service, keep_s=_KEEP_PIDS_S)
    by_role: defaultdict[str, list[processes.Process]] = defaultdict(list)
    for process in processes.look(pids):
        by_role[process.role].append(process)
    of_all: tuple[tuple[str, Callable[[list[processes.Process]], float]], ...] = (
        ("processes", len),
        ("process_cpu_seconds_total", lambda each: sum(one.cpu_s for one in each)),
        ("process_resident_memory_bytes", lambda each: sum(one.memory_bytes for one in each)),
        ("process_open_files", lambda each: sum(one.open_files for one in each)),
        ("process_start_time_seconds", lambda each: min(one.started_at_s for one in each)),
    )
    for role, each in by_role.items():
        for name, of in of_all:
            yield _line(name, of(each), role)
