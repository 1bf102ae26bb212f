"""The daily overview: what was processed, failed, written and spent in the last days."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from tigertag.core import Core
from tigertag.errors import NotFound, RequestError
from tigertag.scan import forecasts, summary
from tigertag.services import problems
from tigertag.services.views import ProblemGroup
from tigertag.store import problems as problem_rows
from tigertag.store import scans, usage
from tigertag.store.decisions import Counts
from tigertag.store.scans import RecentScan
from tigertag.store.usage import Amount

PERIODS = (1, 7, 30)
_MOST_REASONS = 6
_KEEP_S = 2.0


@dataclass(frozen=True, slots=True)
class EngineSpending:
    """What an engine took, and what was saved of it.

    `skipped`: items that it was not asked about, since another engine was confident; `skipped_usd`
    is what they would have cost, about, None where that is not known. `batch_usd`: what batches
    saved.
    """

    engine: str
    calls: int
    cost_usd: float
    skipped: int = 0
    skipped_usd: float | None = 0.0
    batch_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Overview:
    """What happened since `since`, the first midnight of `days` days of the user's time zone.

    A scan counts for the time at which it ended, or for now while it is at work. `items`: those
    that scans processed; `failed`: items with problems that began since then and are not solved,
    `failures` the most frequent of them by reason, and `other_failures` the items of the rest.
    `added`, `removed`: tags written and taken back.
    """

    days: int
    since: datetime
    scans: int
    items: int
    items_per_s: float
    added: int
    removed: int
    failed: int
    failures: tuple[ProblemGroup, ...]
    other_failures: int
    engines: tuple[EngineSpending, ...]

    @property
    def cost_usd(self) -> float:
        return sum(engine.cost_usd for engine in self.engines)

    @property
    def saved_usd(self) -> float:
        """What is known to be saved."""
        return sum((engine.skipped_usd or 0.0) + engine.batch_usd for engine in self.engines)


def overview(core: Core, days: int) -> Overview:
    """Return what happened in the last 1, 7 or 30 days; some moments old. Raises `RequestError`."""
    if days not in PERIODS:
        raise RequestError(f"The overview is of one of {', '.join(map(str, PERIODS))} days.")
    return core.cache.get(("overview", days), lambda: _overview(core, days), keep_s=_KEEP_S)


def _since(core: Core, days: int) -> datetime:
    first = datetime.now(core.timezone).date() - timedelta(days=days - 1)
    return datetime.combine(first, time(), core.timezone).astimezone(UTC)


def _overview(core: Core, days: int) -> Overview:
    since = _since(core, days)
    wanted = problems.unsolved(core, since=since)
    with core.store.read() as db:
        rows = scans.worked_on_since(db, since)
        spent, batches = usage.since(db, since), usage.in_batches_since(db, since)
        failed = problem_rows.count(db, wanted)
        reasons = problem_rows.by_reason(db, wanted, limit=_MOST_REASONS) if failed else []
    counted = [(row, summary.counts_of(core, row)) for row in rows]
    processed = [(row, counts) for row, counts in counted if row.kind == "scan"]
    written = [counts for row, counts in counted if row.write == "apply"]
    skipped: Counter[str] = Counter()
    for _row, counts in processed:
        skipped.update(counts.spared)
    return Overview(
        days,
        since,
        len(processed),
        sum(counts.done + counts.failed for _row, counts in processed),
        _pace(processed),
        sum(counts.adds for counts in written),
        sum(counts.removes for counts in written),
        failed,
        tuple(map(problems.group, reasons)),
        max(0, failed - sum(row.number for row in reasons)),
        tuple(_spending(core, spent, batches, skipped)),
    )


def _pace(processed: Iterable[tuple[RecentScan, Counts]]) -> float:
    """Items a second while scans were at work. Scans that wait now are left out."""
    now, items, took_s = datetime.now(UTC), 0, 0.0
    for row, counts in processed:
        if row.resumed_at is not None and row.state not in ("paused", "waiting"):
            items += counts.done + counts.failed - row.resumed_from
            took_s += ((row.finished_at or now) - row.resumed_at).total_seconds()
    return max(0, items) / took_s if took_s > 0 else 0.0


def _spending(
    core: Core, spent: Mapping[str, Amount], batches: Mapping[str, float], skipped: Counter[str]
) -> Iterable[EngineSpending]:
    for engine in sorted({*spent, *skipped}):
        amount = spent.get(engine, Amount())
        saved_usd = forecasts.cost_of_items(core, engine, skipped[engine])
        batch_usd = batches.get(engine, 0.0) * (1 / _price_share(core, engine) - 1)
        found = EngineSpending(
            engine, amount.units, amount.cost_usd, skipped[engine], saved_usd, batch_usd
        )
        if amount or skipped[engine]:
            yield found


def _price_share(core: Core, engine: str) -> float:
    try:
        entry = core.engine(engine)
    except NotFound:
        return 1.0
    return entry.engine.capabilities.price_share if entry.engine is not None else 1.0
