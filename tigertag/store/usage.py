"""The ledger of use: what engines take by day and month, and each picture that leaves."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Row,
    Table,
    TextClause,
    Update,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from tigertag import bounds
from tigertag.store import counters, database, schema
from tigertag.store.database import (
    Db,
    as_type,
    change_in,
    insert_if_absent,
    insert_one,
    now_s,
    rows_in,
    update_each,
)

_calls = schema.calls
_chunks = schema.chunks
_usage = schema.usage
_budgets = schema.budgets

_ROUNDING_USD = 1e-9
_MOST_USD = 1e300
_DOUBTFUL = text("state IN ('open', 'lost')")
"""As the index says it: only then SQLite uses it."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls of a quota, and money."""

    units: int = 0
    cost_usd: float = 0.0

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.units - other.units, self.cost_usd - other.cost_usd)

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.units + other.units, self.cost_usd + other.cost_usd)

    def __bool__(self) -> bool:
        return bool(self.units or self.cost_usd)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an engine may take in a month; None: as much as it likes."""

    units: int | None = None
    cost_usd: float | None = None

    def are_reached(self, taken: Amount) -> bool:
        """Whether nothing more may be taken."""
        units = self.units is not None and taken.units >= self.units
        return units or (self.cost_usd is not None and taken.cost_usd >= self.cost_usd)


_NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class NewCall:
    """A picture that is to leave. `item_id` None: it is of no library, and has a `name`."""

    engine: str
    host: str
    size_bytes: int
    bound: Amount
    item_id: int | None = None
    name: str = ""
    batch_id: int | None = None
    chunk_id: int | None = None


@dataclass(frozen=True, slots=True)
class CallRow:
    id: int
    engine: str
    item_id: int | None
    name: str
    host: str
    size_bytes: int
    units: int
    cost_usd: float
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that is not settled, and the most that it may cost."""

    id: int
    cost_usd: float


def reserve(db: Db, engine: str, bound: Amount, limits: Limits, at: datetime) -> bool:
    """Take this from the month's budget if it allows it; False when it does not.

    It comes last in its transaction: the month is one row, which others wait for.
    """
    units = limits.units if bound.units else None
    cost_usd = limits.cost_usd if bound.cost_usd else None
    return _book(db, engine, at, bound, Limits(units, cost_usd))


def _book(db: Db, engine: str, at: datetime, more: Amount, limits: Limits = _NO_LIMITS) -> bool:
    """Add to an engine's month and day; False where the month does not allow it."""
    month = {"engine": engine, "month": _month(at)}
    day = {"engine": engine, "day": _day(at)}
    return _add(db, _budgets, month, more, limits) and _add(db, _usage, day, more, _NO_LIMITS)


def _add(db: Db, table: Table, key: Mapping[str, str], more: Amount, limits: Limits) -> bool:
    values = {f"of_{name}": value for name, value in key.items()} | {
        "more_units": more.units,
        "more_usd": more.cost_usd,
        "most_units": bounds.LARGEST_SIZE if limits.units is None else limits.units,
        "most_usd": _MOST_USD if limits.cost_usd is None else limits.cost_usd + _ROUNDING_USD,
    }
    adding = _adding(table, tuple(key))
    if db.execute(adding, values).rowcount == 1:
        return True
    insert_if_absent(db, table, [{**key, "units": 0, "cost_usd": 0.0}])
    return db.execute(adding, values).rowcount == 1


@cache
def _adding(table: Table, key: tuple[str, ...]) -> Update:
    units = table.c.units + bindparam("more_units", type_=BigInteger)
    cost_usd = table.c.cost_usd + bindparam("more_usd", type_=Float)
    allowed = (
        units <= bindparam("most_units", type_=BigInteger),
        cost_usd <= bindparam("most_usd", type_=Float),
    )
    mine = [table.c[name] == bindparam(f"of_{name}") for name in key]
    return update(table).where(*mine, *allowed).values(units=units, cost_usd=cost_usd)


def open_call(db: Db, new: NewCall, at: datetime) -> int:
    """Log a picture that leaves; return the call's id."""
    return insert_one(db, _calls, _values(new, at, "open"))


def hold_calls(db: Db, new: Sequence[NewCall], at: datetime) -> None:
    """Log pictures that are held until their batch leaves."""
    if new:
        db.execute(_calls.insert(), [_values(call, at, "held") for call in new])


def _values(new: NewCall, at: datetime, state: str) -> dict[str, Any]:
    values: dict[str, Any] = asdict(new)
    kept = {"name": new.name[:1024], "host": new.host[:256], "state": state, "at": at}
    bound: dict[str, Any] = values.pop("bound")
    return values | bound | kept


def settle(db: Db, took: Mapping[int, Amount]) -> None:
    """Say what calls took, by their ids; one that was settled before stays as it is."""
    unsettled = (_calls.c.id.in_(list(took)), _calls.c.state.in_(("held", "open")))
    rows = db.execute(
        select(_calls).where(*unsettled).order_by(_calls.c.id).with_for_update()
    ).all()
    settled = [{"id": row.id, "state": "settled"} | asdict(took[row.id]) for row in rows]
    update_each(db, _calls, settled)
    _correct(db, rows, took)
    # What was only held for a batch never left.
    _count(db, [(row.engine, took[row.id]) for row in rows if row.state == "open"])


def _count(db: Db, ended: Iterable[tuple[str, Amount]], *, lost: bool = False) -> None:
    sums: dict[tuple[counters.Name, str], float] = defaultdict(float)
    for engine, amount in ended:
        sums["lost_calls" if lost else "calls", engine] += 1
        sums["units", engine] += amount.units
        sums["cost_usd", engine] += amount.cost_usd
    counters.add(db, sums)


def _correct(db: Db, rows: Iterable[Row[Any]], took: Mapping[int, Amount]) -> None:
    """Book the difference of what calls took to what was reserved, on the day of that."""
    amounts: dict[tuple[str, datetime], Amount] = {}
    for row in rows:
        day = row.at.replace(hour=0, minute=0, second=0, microsecond=0)
        more = took[row.id] - Amount(row.units, row.cost_usd)
        amounts[row.engine, day] = amounts.get((row.engine, day), Amount()) + more
    for (engine, day), more in sorted(amounts.items(), key=itemgetter(0)):
        if more:
            _book(db, engine, day, more)


def lose(db: Db, before: datetime) -> int:
    """Settle calls that nobody has settled since: they count as spent. Returns how many."""
    alone = _calls.c.batch_id.is_(None)
    return _lose(db, _DOUBTFUL, _calls.c.state == "open", _calls.c.at < before, alone)


def _lose(db: Db, *where: ColumnElement[bool] | TextClause) -> int:
    lost = update(_calls).where(*where).values(state="lost")
    rows = db.execute(lost.returning(_calls.c.engine, _calls.c.units, _calls.c.cost_usd)).all()
    _count(db, [(row.engine, Amount(row.units, row.cost_usd)) for row in rows], lost=True)
    return len(rows)


def depart(db: Db, batch_id: int, engine: str, limits: Limits, at: datetime) -> bool:
    """The pictures of a batch leave now; False when the budget of this month does not allow it.

    They count for the month in which they leave. Then the transaction has to be undone.
    """
    where = (_calls.c.batch_id == batch_id, _calls.c.state == "held")
    rows = db.execute(select(_calls).where(*where)).all()
    _correct(db, rows, {row.id: Amount() for row in rows})
    whole = sum((Amount(row.units, row.cost_usd) for row in rows), Amount())
    db.execute(update(_calls).where(*where).values(state="open", at=at))
    return reserve(db, engine, whole, limits, at)


def hold_again(db: Db, batch_id: int) -> None:
    """The pictures of a batch are to leave once more: they are logged anew, and reserved still."""
    where = (_calls.c.batch_id == batch_id, _calls.c.state == "open")
    names = [column.name for column in _calls.columns if column.name not in ("id", "state")]
    copied = select(*[_calls.c[name] for name in names], literal("held")).where(*where)
    left = list(db.scalars(select(_calls.c.id).where(*where)))
    db.execute(_calls.insert().from_select([*names, "state"], copied))
    once = update(_calls).values(state="settled", units=0, cost_usd=0.0)
    change_in(db, once, _calls.c.id, left)


def forget_held(db: Db, batch_id: int, *, limit: int) -> int:
    """What was held for a batch never left, and is no entry of the log; returns how many."""
    held = _unsettled(db, batch_id, "held", limit=limit)
    settle(db, dict.fromkeys(held, Amount()))
    return change_in(db, delete(_calls), _calls.c.id, held)


def of_batch(db: Db, batch_id: int, item_ids: Sequence[int]) -> dict[int, OpenCall]:
    """Return the unsettled calls of these items in a batch, by item."""
    where = (
        _calls.c.batch_id == batch_id,
        _calls.c.item_id.in_(item_ids),
        _calls.c.state == "open",
    )
    rows = db.execute(select(_calls.c.item_id, _calls.c.id, _calls.c.cost_usd).where(*where))
    return {row.item_id: OpenCall(row.id, row.cost_usd) for row in rows}


def lose_batch(db: Db, batch_id: int) -> None:
    """Nobody knows what became of the calls of a batch: they count as spent."""
    _lose(db, _calls.c.batch_id == batch_id, _calls.c.state == "open")


def settle_rest(db: Db, batch_id: int, *, limit: int) -> int:
    """What a batch has left unanswered cost nothing; returns how many of them were settled."""
    rest = _unsettled(db, batch_id, "open", limit=limit)
    settle(db, dict.fromkeys(rest, Amount()))
    return len(rest)


def _unsettled(db: Db, batch_id: int, state: str, *, limit: int) -> list[int]:
    where = (_calls.c.batch_id == batch_id, _calls.c.state == state)
    return list(db.scalars(select(_calls.c.id).where(*where).limit(limit)))


def in_hand(db: Db, chunk_id: int, item_ids: Collection[int]) -> set[tuple[int, str]]:
    """Return the (item, engine) of a chunk that may be paid for already, and not committed.

    They are those whose calls were made before it was taken over, `PAID_S` ago at most: a worker
    that cannot reach the database tries for so long to commit its answers.
    """
    taken_over = _chunks.c.taken_over_at > now_s() - database.PAID_S
    paid = or_(_calls.c.units > 0, _calls.c.cost_usd > 0)
    statement = select(_calls.c.item_id, _calls.c.engine)
    statement = statement.join(_chunks, _chunks.c.id == _calls.c.chunk_id)
    statement = statement.where(_chunks.c.id == chunk_id, taken_over, paid)
    return {(row.item_id, row.engine) for row in rows_in(db, statement, _calls.c.item_id, item_ids)}


def of_month(db: Db, at: datetime) -> dict[str, Amount]:
    """Return what each engine took in a month, reservations included."""
    rows = db.execute(select(_budgets).where(_budgets.c.month == _month(at)))
    return {row.engine: Amount(row.units, row.cost_usd) for row in rows}


def by_day(db: Db, *, since: str) -> list[tuple[str, str, Amount]]:
    """Return (engine, day, amount) from a day on, the newest first."""
    statement = select(_usage).where(_usage.c.day >= since)
    rows = db.execute(statement.order_by(_usage.c.day.desc(), _usage.c.engine))
    return [(row.engine, row.day, Amount(row.units, row.cost_usd)) for row in rows]


def since(db: Db, at: datetime) -> dict[str, Amount]:
    """Return what each engine took since a time, calls that are not settled included."""
    sums = (func.sum(_calls.c.units), func.sum(_calls.c.cost_usd))
    where = (_calls.c.at >= at, _calls.c.state != "held")
    rows = db.execute(select(_calls.c.engine, *sums).where(*where).group_by(_calls.c.engine))
    return {engine: Amount(int(units), float(cost)) for engine, units, cost in rows}


def in_batches_since(db: Db, at: datetime) -> dict[str, float]:
    """Return what calls of each engine cost since a time that were sent in batches."""
    where = (_calls.c.at >= at, _calls.c.state != "held", _calls.c.batch_id.is_not(None))
    statement = select(_calls.c.engine, func.sum(_calls.c.cost_usd)).where(*where)
    rows = db.execute(statement.group_by(_calls.c.engine))
    return {row[0]: row[1] for row in rows}


def page(db: Db, *, engine: str, before: int | None, limit: int) -> list[CallRow]:
    """Return the pictures that left, the newest first."""
    where = [_calls.c.state != "held"]
    if engine:
        where.append(_calls.c.engine == engine)
    if before is not None:
        where.append(_calls.c.id < before)
    statement = select(_calls).where(*where).order_by(_calls.c.id.desc()).limit(limit)
    return [as_type(CallRow, row) for row in db.execute(statement)]


def in_doubt(db: Db, at: datetime) -> dict[str, int]:
    """Return, by engine, a month's calls that count as spent, nobody knows what came of them."""
    where = (_DOUBTFUL, _calls.c.state == "lost", _calls.c.at >= first_of_month(at))
    statement = select(_calls.c.engine, func.count()).where(*where)
    return {row[0]: row[1] for row in db.execute(statement.group_by(_calls.c.engine))}


def mean_cost_usd(db: Db, engine: str) -> float | None:
    """Return what the newest 200 answered calls cost on average; None when there are none."""
    where = (_calls.c.engine == engine, _calls.c.state == "settled", _calls.c.units > 0)
    newest = select(_calls.c.cost_usd).where(*where).order_by(_calls.c.id.desc()).limit(200)
    return db.scalar(select(func.avg(newest.subquery().c.cost_usd)))


def _month(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m")


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d")


def next_month(at: datetime) -> datetime:
    """Return when the budgets are renewed: the first of the next month, UTC."""
    return (first_of_month(at) + timedelta(days=32)).replace(day=1)


def first_of_month(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
