"""What engines took, and which pictures left the machine."""

from datetime import UTC, datetime, timedelta

from tigertag.core import Core
from tigertag.scan import forecasts
from tigertag.services import browsing
from tigertag.services.views import DayOfUse, Departure, MonthOfUse, Page, cursor_number, cut_page
from tigertag.store import items, usage
from tigertag.store.usage import Amount, Limits

_DAYS = 31


def months(core: Core) -> dict[str, MonthOfUse]:
    """Return what each engine took this month that is paid, has a limit, or took anything."""
    now = datetime.now(UTC)
    with core.store.read() as db:
        taken = usage.of_month(db, now)
        in_doubt = usage.in_doubt(db, now)
    found: dict[str, MonthOfUse] = {}
    for entry in core.engines:
        amount = taken.get(entry.id, Amount())
        if not (amount or entry.paid or entry.limits != Limits()):
            continue
        found[entry.id] = MonthOfUse(
            entry.id,
            amount.units,
            amount.cost_usd,
            entry.limits.units,
            entry.limits.cost_usd,
            usage.next_month(now),
            in_doubt.get(entry.id, 0),
            forecasts.cost_of_item(core, entry.id),
        )
    return found


def days(core: Core) -> list[DayOfUse]:
    """Return what engines took on each of the last days, the newest first."""
    since = (datetime.now(UTC) - timedelta(days=_DAYS)).strftime("%Y-%m-%d")
    with core.store.read() as db:
        rows = usage.by_day(db, since=since)
    return [DayOfUse(engine, day, one.units, one.cost_usd) for engine, day, one in rows if one]


def egress_log(
    core: Core, *, engine: str = "", cursor: str | None = None, limit: int = 50
) -> Page[Departure]:
    """Return the pictures that left, the newest first. Raises `RequestError`."""
    before = cursor_number(cursor)
    with core.store.read() as db:
        rows = usage.page(db, engine=engine, before=before, limit=limit + 1)
        page = cut_page(rows, limit, after=lambda row: row.id)
        known = items.by_id(db, [row.item_id for row in page.items if row.item_id])
        cards = {card.id: card for card in browsing.cards(db, list(known.values()))}
    found = tuple(
        Departure(
            row.id,
            row.engine,
            cards.get(row.item_id or 0),
            row.name,
            row.host,
            row.size_bytes,
            row.units,
            row.cost_usd,
            row.state,
            row.at,
        )
        for row in page.items
    )
    return Page(found, page.next)
