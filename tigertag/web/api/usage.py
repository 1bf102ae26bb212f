"""REST for usage and cost, and for the log of pictures sent to other services."""

from datetime import datetime
from typing import Literal

from flask import Response
from pydantic import Field

from tigertag.services import spending
from tigertag.web import state
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.schemas import Item, Listing, Nothing, Paging, Shape, Text, from_path

routes = Routes("use", "Usage and cost of engines, and the log of pictures sent to services.")


class MonthlyUsage(Shape):
    """An engine's usage this month (UTC), and its limits."""

    engine: str
    units: int = Field(description="Calls of its quota, those under way included.")
    cost_usd: float
    units_limit: int | None = Field(description="`MONTHLY_LIMIT`; null: none.")
    usd_limit: float | None = Field(description="`MONTHLY_COST_USD`; null: none.")
    renews_at: datetime
    in_doubt: int = Field(description="Calls with an unknown result; they count as spent.")
    item_cost_usd: float | None = Field(description="Approximate cost of an item; null: unknown.")


class DailyUsage(Shape):
    """An engine's usage on one day."""

    engine: str
    day: str = Field(description="In UTC, such as 2026-11-21.")
    units: int
    cost_usd: float


class Usage(Shape):
    """Usage by engine: this month, and by day, newest first."""

    months: list[MonthlyUsage]
    days: list[DailyUsage]


class SentPicture(Shape):
    """A picture that was sent to a service."""

    id: int
    engine: str
    item: Item | None = from_path(
        "card", description="Null for a picture of no library; see `name`."
    )
    name: str = Field(description="Describes a picture of no library; else empty.")
    host: str = Field(description="The host that received it.")
    bytes: int = from_path("size_bytes")
    units: int = Field(description="Calls that it took of the engine's quota.")
    cost_usd: float
    state: Literal["open", "settled", "lost"] = Field(
        description="open: under way. settled: answered, or known not to count. lost: unknown, so"
        " it counts as spent."
    )
    at: datetime


class SentPictures(Listing[SentPicture]):
    pass


class SentQuery(Paging):
    engine: Text = Field(default="", description="Only those for this engine: its id.")


@routes.get("/use", Usage)
def get_usage(query: Nothing) -> Response:
    """Return usage and cost: this month against the limits, and each of the last 31 days."""
    core = state.core()
    months = list(spending.months(core).values())
    return sent(Usage.model_validate({"months": months, "days": spending.days(core)}))


@routes.get("/departures", SentPictures)
def list_sent_pictures(query: SentQuery) -> Response:
    """List the pictures that were sent to services, newest first."""
    return sent(SentPictures.of(spending.departures(state.core(), **query.arguments())))
