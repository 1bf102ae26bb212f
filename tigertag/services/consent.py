"""What has to be asked before a scan that costs something, and whether that was seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tigertag.core import Core, EngineEntry
from tigertag.errors import NotFound
from tigertag.scan.context import may_see
from tigertag.services import scans
from tigertag.services.scans import FORECAST_OF, Request
from tigertag.store.scans import ScanRow

_HOLDS = timedelta(hours=1)


def paid_engines(core: Core, request: Request) -> list[EngineEntry]:
    """Return the engines that it would ask and that cost money, or take from a quota.

    Raises `NotFound`, `PluginError`, `LibraryError`, `RequestError`.
    """
    if request.mode not in FORECAST_OF:
        return []
    paid = [entry for entry in core.usable_engines(request.engines) if entry.paid]
    if not paid:
        return []
    section = core.section(core.library(request.library), request.section)
    return [entry for entry in paid if may_see(entry, section)]


def forecast(core: Core, request: Request) -> int:
    """Make a scan that only counts what the request would ask. Raises `Conflict`."""
    wanted = replace(request, mode="forecast", write="preview", forecast_of=request.mode)
    return scans.start(core, wanted)


def under_way(core: Core, request: Request) -> int | None:
    """Return the forecast of the request that is queued or running, if there is one."""
    rows = [status.scan for status in scans.active(core)]
    return next((row.id for row in rows if _is_of(core, row, request)), None)


def is_shown(core: Core, request: Request, forecast_id: int) -> bool:
    """Whether there is this forecast, it is of the request, has ended, and is young enough.

    It holds for an hour: then there may be more items, and less of the budget.
    """
    try:
        row = scans.status(core, forecast_id).scan
    except NotFound:
        return False
    return row.state == "done" and holds(row) and _is_of(core, row, request)


def holds(forecast: ScanRow) -> bool:
    """Whether a forecast that has ended is young enough."""
    ended = forecast.finished_at
    return ended is not None and datetime.now(UTC) - ended < _HOLDS


def _is_of(core: Core, row: ScanRow, request: Request) -> bool:
    section = core.section(core.library(request.library), request.section)
    named = tuple(sorted({name.casefold() for name in request.engines}))
    wanted = (section.path, request.mode, named)
    return row.is_forecast and (row.section.path, row.mode, row.engines) == wanted
