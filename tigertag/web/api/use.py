"""GET use, GET departures: what was spent, and which pictures left the machine."""

from datetime import datetime
from typing import Literal

from flask import Response
from pydantic import Field

from tigertag.services import spending, views
from tigertag.web import state
from tigertag.web.api.inputs import Nothing, Paging, Text
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.shapes import NEXT, Item, Shape
from tigertag.web.api.use_shapes import DayOfUse, MonthOfUse, Use

routes = Routes("use", "What engines took, and which pictures left this machine.")


class DeparturesQuery(Paging):
    engine: Text = Field(default="", description="Only those for this engine: its id.")


class Departure(Shape):
    """A picture that left this machine."""

    id: int
    engine: str
    item: Item | None = Field(description="Null where it is of no library; see `name`.")
    name: str = Field(description="What it is where it is of no library; else empty.")
    host: str = Field(description="Where it went.")
    bytes: int
    units: int = Field(description="Calls of the engine's quota that it took.")
    cost_usd: float
    state: Literal["open", "settled", "lost"] = Field(
        description="open: under way. settled: answered, or known not to have counted. lost: nobody"
        " knows, so it counts as spent."
    )
    at: datetime

    @classmethod
    def of(cls, view: views.Departure) -> "Departure":
        return cls.model_validate(
            {
                "id": view.id,
                "engine": view.engine,
                "item": None if view.card is None else Item.of(view.card),
                "name": view.name,
                "host": view.host,
                "bytes": view.size_bytes,
                "units": view.units,
                "cost_usd": view.cost_usd,
                "state": view.state,
                "at": view.at,
            }
        )


class Departures(Shape):
    items: list[Departure]
    next: str | None = NEXT


@routes.get("/use", Use)
def get_use(query: Nothing) -> Response:
    """Say what engines took: this month against their limits, and each of the last 31 days."""
    core = state.core()
    months = [MonthOfUse.of(one) for one in spending.months(core).values()]
    return sent(Use(months=months, days=[DayOfUse.of(one) for one in spending.days(core)]))


@routes.get("/departures", Departures)
def list_departures(query: DeparturesQuery) -> Response:
    """List the pictures that left this machine, the newest first."""
    page = spending.departures(
        state.core(), engine=query.engine, cursor=query.cursor or None, limit=query.limit
    )
    return sent(Departures(items=[Departure.of(one) for one in page.items], next=page.next))
