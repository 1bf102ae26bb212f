"""Use: what engines took this month and on each of the last days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from tigertag.services import spending
from tigertag.services.views import DayOfUse, MonthOfUse
from tigertag.web import state

pages = Blueprint("use", __name__)
_DAYS = 31


@dataclass(frozen=True, slots=True)
class Column:
    """A day of the drawing. `height`: 0 to 1, of the highest."""

    at: int
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An engine's month, its days, the newest first, and their drawing."""

    engine: str
    month: MonthOfUse | None
    days: tuple[DayOfUse, ...]
    columns: tuple[Column, ...]


@pages.get("/use")
def show() -> ResponseReturnValue:
    core = state.core()
    months, days = spending.months(core), spending.days(core)
    names = dict.fromkeys([*months, *(day.engine for day in days)])
    shown = [_shown(name, months.get(name), days) for name in names]
    return render_template("use.html", engines=shown)


def _shown(engine: str, month: MonthOfUse | None, days: Sequence[DayOfUse]) -> Shown:
    own = tuple(day for day in days if day.engine == engine)
    return Shown(engine, month, own, _columns(own))


def _columns(days: Sequence[DayOfUse]) -> tuple[Column, ...]:
    """Draw money where there is any, else calls."""
    today = datetime.now(UTC).date()
    paid = any(day.cost_usd for day in days)
    sizes = {day.day: day.cost_usd if paid else float(day.units) for day in days}
    most = max(sizes.values(), default=0.0)
    found = []
    for at in range(_DAYS):
        day = str(today - timedelta(days=_DAYS - 1 - at))
        if most and sizes.get(day, 0.0) > 0:
            found.append(Column(at, sizes[day] / most, day))
    return tuple(found)
