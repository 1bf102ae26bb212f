"""The ledger of use as engines meet it: nothing leaves that was not reserved."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from tigertag import bounds
from tigertag.contracts import RunContext
from tigertag.core import Core, EngineEntry
from tigertag.errors import QuotaExhausted
from tigertag.store import Db, Store, chunks, usage
from tigertag.store.chunks import Chunk
from tigertag.store.usage import Amount, Limits, NewCall
from tigertag.text import count

_LOST_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ReservedCall:
    """See `contracts.Call`."""

    store: Store
    id: int
    bound: Amount
    hurries: Callable[[], bool] = lambda: True

    def settle(self, *, units: int, cost_usd: float | None) -> None:
        amount = took(units, cost_usd, bound_usd=self.bound.cost_usd)
        settle = partial(usage.settle, took={self.id: amount})
        self.store.persist(settle, hurries=self.hurries)


def took(units: int, cost_usd: float | None, *, bound_usd: float) -> Amount:
    """What a call took; what is not known, or no amount at all, counts as its bound."""
    known = cost_usd is not None and bounds.is_number(cost_usd)
    return Amount(bounds.count(units), cost_usd if known and cost_usd is not None else bound_usd)


@dataclass(frozen=True, slots=True)
class LedgerCalls:
    """See `contracts.Calls`. `of_items`: samples are named by their items' ids.

    `chunk`: nothing is sent for one that another worker has taken over, such as while this process
    was stalled: that worker asks the same. `hurries`: see `Store.persist`.
    """

    store: Store
    engine: str
    limits: Limits
    of_items: bool
    chunk: Chunk | None = None
    hurries: Callable[[], bool] = lambda: True

    def reserve(
        self, sample: str, *, host: str, size_bytes: int, units: int = 0, cost_usd: float = 0.0
    ) -> ReservedCall:
        chunk_id = None if self.chunk is None else self.chunk.id
        new = NewCall(self.engine, host, size_bytes, Amount(units, cost_usd), chunk_id=chunk_id)
        item = {"item_id": int(sample)} if self.of_items else {"name": sample}
        now = datetime.now(UTC)
        with self.store.write() as db:
            if self.chunk is not None:
                chunks.check(db, self.chunk)
            call_id = usage.open_call(db, replace(new, **item), now)
            if not usage.reserve(db, self.engine, new.bound, self.limits, now):
                raise used_up(self.engine, self.limits, usage.of_month(db, now), now)
        return ReservedCall(self.store, call_id, new.bound, self.hurries)


def used_up(engine: str, limits: Limits, month: dict[str, Amount], now: datetime) -> QuotaExhausted:
    """Say which limit an engine has come to, and when it goes on."""
    taken = month.get(engine, Amount())
    renewed = usage.next_month(now)
    stem = f"ENGINE_{engine.upper()}_"
    by_units = limits.units is not None and taken.units >= limits.units
    if by_units or limits.cost_usd is None:
        what = f"its {count(limits.units or 0, 'call')} of this month ({stem}MONTHLY_LIMIT)"
    else:
        what = f"its budget of ${limits.cost_usd:g} of this month ({stem}MONTHLY_COST_USD)"
    return QuotaExhausted(
        f"It has used up {what}; nothing more was sent. It continues on {renewed:%-d %B %Y} (UTC).",
        resets_at=renewed,
    )


def run_context(core: Core, engine: str) -> RunContext:
    """Return what an engine gets when it works on pictures that are of no library."""
    entry = core.engine(engine)
    return RunContext(calls=LedgerCalls(core.store, entry.id, entry.limits, of_items=False))


def of_items(
    core: Core,
    entry: EngineEntry,
    chunk: Chunk | None = None,
    *,
    hurries: Callable[[], bool] = lambda: True,
) -> LedgerCalls:
    """Return the ledger for samples, of a chunk, that are named by the ids of their items."""
    return LedgerCalls(core.store, entry.id, entry.limits, True, chunk, hurries)


def lose_old(db: Db) -> None:
    """Count as spent what a process that died has left reserved."""
    usage.lose(db, datetime.now(UTC) - _LOST_AFTER)
