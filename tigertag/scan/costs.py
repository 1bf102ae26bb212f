"""What asking an engine costs: measured where it was asked before, else as it says itself."""

from tigertag.core import Core
from tigertag.errors import NotFound
from tigertag.model import Media
from tigertag.store import usage


def of_item(core: Core, engine: str) -> float | None:
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

    mean = core.memory.recall(("mean cost", engine), measured, keep_s=5.0)
    return entry.engine.capabilities.cost_usd if mean is None else mean


def of_items(core: Core, engine: str, items: int, *, videos: int = 0) -> float | None:
    """Return what items cost, about, so many of them videos; None where that is not known.

    A video costs no less than the engine says: what was measured may have been photos.
    """
    cost_usd = of_item(core, engine)
    if cost_usd is None or not videos:
        return None if cost_usd is None else cost_usd * items
    told = core.engine(engine).engine
    of_video = told.capabilities.cost_usd_of(Media.VIDEO) if told else None
    return cost_usd * (items - videos) + max(cost_usd, of_video or 0.0) * videos
