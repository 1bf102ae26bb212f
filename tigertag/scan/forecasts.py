"""What a scan would ask, and what asking costs: told before it does."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from tigertag.core import Core, EngineEntry
from tigertag.errors import NotFound
from tigertag.model import Media
from tigertag.store import Db, usage
from tigertag.store.packing import dumps
from tigertag.store.scans import ScanRow
from tigertag.store.usage import Amount


@dataclass(frozen=True, slots=True)
class EngineForecast:
    """What a scan would ask an engine.

    `items` is the most of it: an engine with WHEN=uncertain may skip some. `calls` are those
    that count against a quota. `cost_usd` None: not known. `units_left`, `usd_left`: what the
    month's budget still allows, None without a limit. `enough`: whether the budget is.
    """

    engine: str
    items: int
    calls: int
    cost_usd: float | None
    paid: bool
    at_most: bool
    units_left: int | None
    usd_left: float | None

    @property
    def enough(self) -> bool:
        within_units = self.units_left is None or self.calls <= self.units_left
        return within_units and (self.usd_left is None or (self.cost_usd or 0.0) <= self.usd_left)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A line an engine, in the order in which they are asked; `cost_usd` of those that are known.

    `unknown`: engines of which nobody knows what they cost.
    """

    engines: tuple[EngineForecast, ...]

    @property
    def paid(self) -> bool:
        """Whether it asks an engine that costs money or takes from a quota."""
        return any(line.paid and line.items for line in self.engines)

    @property
    def cost_usd(self) -> float:
        return sum(line.cost_usd or 0.0 for line in self.engines)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(line.engine for line in self.engines if line.items and line.cost_usd is None)


def of_scan(core: Core, scan: ScanRow) -> Forecast | None:
    """Return what a forecast has counted; None for another scan, and before its end."""
    if not scan.is_forecast or scan.state != "done":
        return None
    lines = json.loads(scan.forecast)
    if any(isinstance(line, list) for line in lines):
        # Counted by a version that kept no prices.
        with core.store.read() as db:
            return priced(core, db, [(line[0], line[1], sum(line[2:])) for line in lines])
    return Forecast(tuple(EngineForecast(**line) for line in lines))


def priced(core: Core, db: Db, counted: Sequence[tuple[str, int, int]]) -> Forecast:
    """Return what asking costs; `counted`: (engine, items, videos among them).

    It is kept as it is then: what changes in the settings later changes no forecast.
    """
    month = usage.of_month(db, datetime.now(UTC))
    lines = [
        _line(core, engine, items, videos, month.get(engine, Amount()))
        for engine, items, videos in counted
    ]
    return Forecast(tuple(sorted(lines, key=lambda line: _order(core, line.engine))))


def packed(forecast: Forecast) -> str:
    """The forecast as it is kept with its scan."""
    return dumps([asdict(line) for line in forecast.engines])


def _line(core: Core, engine: str, items: int, videos: int, taken: Amount) -> EngineForecast:
    entry = _entry(core, engine)
    if entry is None or entry.engine is None:
        return EngineForecast(engine, items, 0, None, True, False, None, None)
    limits = entry.limits
    calls = items * entry.engine.capabilities.units_per_item
    units_left = None if limits.units is None else max(0, limits.units - taken.units)
    usd_left = None if limits.cost_usd is None else max(0.0, limits.cost_usd - taken.cost_usd)
    return EngineForecast(
        engine,
        items,
        calls,
        cost_of_items(core, engine, items, videos=videos),
        entry.paid,
        entry.only_uncertain,
        units_left,
        usd_left,
    )


def _entry(core: Core, engine: str) -> EngineEntry | None:
    try:
        return core.engine(engine)
    except NotFound:
        return None


def _order(core: Core, engine: str) -> tuple[int, str]:
    entry = _entry(core, engine)
    return (entry.order if entry else 0, engine)


def cost_of_item(core: Core, engine: str) -> float | None:
    """Return what an item costs, about, in USD; None where that is not known."""
    try:
        entry = core.engine(engine)
    except NotFound:
        return None
    if entry.engine is None or not entry.engine.capabilities.cost_usd:
        return None if entry.engine is None else entry.engine.capabilities.cost_usd

    def measured() -> float | None:
        with core.store.read() as db:
            return usage.mean_cost_usd(db, engine)

    mean = core.cache.get(("mean cost", engine), measured, keep_s=5.0)
    return entry.engine.capabilities.cost_usd if mean is None else mean


def cost_of_items(core: Core, engine: str, items: int, *, videos: int = 0) -> float | None:
    """Return what items cost, about, so many of them videos; None where that is not known.

    A video costs no less than the engine says: what was measured may have been photos.
    """
    cost_usd = cost_of_item(core, engine)
    if cost_usd is None or not videos:
        return None if cost_usd is None else cost_usd * items
    plugin = core.engine(engine).engine
    of_video = plugin.capabilities.cost_usd_of(Media.VIDEO) if plugin else None
    return cost_usd * (items - videos) + max(cost_usd, of_video or 0.0) * videos
