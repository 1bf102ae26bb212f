"""REST for what happened and what is going on: the daily overview, status, tasks, events."""

from datetime import datetime

from flask import Response
from pydantic import Field

from tigertag.services import overview
from tigertag.web import state
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.schemas import Days, Input, Shape

routes = Routes("system", "What happened, and what is going on.")


class OverviewQuery(Input):
    days: Days = Field(default=1, description="Today, or the last 7 or 30 days.")


class Failure(Shape):
    """Unsolved problems with the same engine and reason."""

    problem_id: int = Field(description="The oldest of them; see `GET /problems?like=`.")
    engine: str = Field(description="The engine that failed; empty: reading or writing the item.")
    reason: str
    items: int
    again: bool = Field(description="Whether the next scan tries some of them again.")


class EngineSpendingShape(Shape):
    """What an engine took, and what was saved."""

    engine: str
    calls: int
    cost_usd: float
    skipped: int = Field(description="Items it was not asked about: another was confident.")
    skipped_usd: float | None = Field(description="What they would have cost; null: unknown.")
    batch_usd: float = Field(description="What batches saved.")


class OverviewShape(Shape):
    """What happened in the last days."""

    days: int
    since: datetime = Field(description="The first midnight, in TigerTag's time zone (`TZ`).")
    scans: int
    items: int = Field(description="Items that scans processed.")
    items_per_s: float = Field(description="While scans were at work.")
    added: int = Field(description="Tags written.")
    removed: int = Field(description="Tags taken back.")
    failed: int = Field(description="Items with problems that began since, and are not solved.")
    failures: list[Failure] = Field(description="By reason, the most frequent first.")
    other_failures: int = Field(description="Items that failed for other reasons.")
    cost_usd: float
    saved_usd: float
    engines: list[EngineSpendingShape]


@routes.get("/overview", OverviewShape)
def get_overview(query: OverviewQuery) -> Response:
    """Return what was processed, failed, written and spent today or in the last days."""
    return sent(OverviewShape, overview.overview(state.core(), query.days))
