"""REST for libraries and engines: state, checks, usage, the egress log, and health."""

from datetime import datetime
from typing import Literal

from flask import Response, url_for
from pydantic import BaseModel, Field, RootModel

from tigertag.services import engines, health, libraries, spending
from tigertag.web import state
from tigertag.web.api.routes import Routes, made, sent
from tigertag.web.api.schemas import (
    ItemShape,
    NoFields,
    Nothing,
    OptionalBody,
    Paging,
    Shape,
    ShapeList,
    Text,
    from_path,
)

library_routes = Routes("libraries", "The configured libraries and their sections.")
engine_routes = Routes("engines", "The configured engines.")
usage_routes = Routes(
    "usage", "Usage and cost of engines, and the log of pictures sent to services."
)
health_routes = Routes("health", "Problems and notices about the whole service.")

_ENROL = "/engines/<engine_id>/enrol"


class SectionShape(Shape):
    """A part of a library that can be scanned."""

    id: str = from_path("section", "id")
    title: str = from_path("section", "title")
    items: int = Field(description="Its items in the last listing; 0 before the first.")
    written: bool = Field(description="Whether TigerTag ever wrote to it.")
    problems: int = Field(description="Its items with unsolved problems.")
    active_scan: int | None = Field(description="The scan that is queued, running or paused.")
    newest_scan: int | None


class LibraryShape(Shape):
    """A configured library, with its last known sections."""

    id: str
    name: str = Field(description="The kind of library, such as `tigertag.plex`.")
    problem: str = Field(description="Why it cannot be used now; empty if it can.")
    advice: list[str] = Field(
        description="What to know of how it is set up, such as permissions that its key lacks."
    )
    checked_at: datetime | None = Field(description="When it was last tried.")
    sections: list[SectionShape]


class LibraryPath(BaseModel):
    library_id: Text = Field(description="The library's id: the X of `LIBRARY_<X>_NAME`.")


@library_routes.get("/libraries", ShapeList[LibraryShape])
def list_libraries(query: Nothing) -> Response:
    """List the libraries, with their last known sections."""
    return sent(ShapeList[LibraryShape], libraries.listed(state.core()))


@library_routes.get("/libraries/<library_id>/sections", ShapeList[SectionShape], 404, 409, 502)
def list_sections(path: LibraryPath, query: Nothing) -> Response:
    """Read the sections of a library from its server now."""
    return sent(ShapeList[SectionShape], libraries.sections(state.core(), path.library_id))


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


class EngineShape(Shape):
    """A configured engine."""

    id: str
    name: str = Field(description="The kind of engine, such as `tigertag.classifier`.")
    status: Literal["ready", "off", "failing", "stopped"] = Field(
        description="failing: it cannot be used. stopped: its last request failed."
    )
    reason: str = Field(description="Why it is not ready; empty if it is.")
    until: datetime | None = Field(description="When TigerTag tries a stopped engine again.")
    notice: str = Field(description="A note from the engine, such as its quota; may be empty.")
    local: bool = Field(description="Whether pictures stay on this machine.")
    paid: bool = Field(description="Whether it costs money, or takes from a quota.")
    only_uncertain: bool = Field(
        description="Whether it runs only where the engines before it are not confident."
    )
    knows_faces: bool = Field(description="Whether faces can be enrolled with it.")
    min_confidence: float = Field(description="Labels below this become no tags; 0 to 1.")
    use: MonthlyUsage | None = Field(description="Its usage this month; null: not counted.")


class CheckEngines(OptionalBody):
    """The engines to check."""

    engines: list[Text] | None = Field(
        default=None, min_length=1, max_length=50, description="Their ids; left out: all."
    )


class EngineCheck(Shape):
    """The result of checking an engine."""

    engine: str
    ok: bool
    line: str = Field(description="The result in one line.")


class EnrolmentShape(Shape):
    """The last or current enrolment of faces."""

    engine: str
    state: Literal["none", "running", "done", "failed"] = Field(
        description="none: no faces were enrolled yet."
    )
    added: int = Field(description="Pictures that were sent.")
    removed: int = Field(description="Pictures that were removed from the service.")
    problems: list[str] = Field(description="A line for each picture that was skipped.")
    error: str = Field(description="Why it failed; empty if it did not.")


class EnginePath(BaseModel):
    engine_id: Text = Field(description="The engine's id: the X of `ENGINE_<X>_NAME`.")


@engine_routes.get("/engines", ShapeList[EngineShape])
def list_engines(query: Nothing) -> Response:
    """List the engines, and why one cannot be used."""
    return sent(ShapeList[EngineShape], engines.listed(state.core()))


@engine_routes.post("/engines/check", {200: ShapeList[EngineCheck]}, 400, 404, 413, 415)
def check_engines(body: CheckEngines, query: Nothing) -> Response:
    """Check engines: their keys, their models, whether they can be reached. Spends nothing."""
    return sent(ShapeList[EngineCheck], engines.check(state.core(), body.engines or ()))


@engine_routes.get(_ENROL, EnrolmentShape, 404, 409)
def get_enrolment(path: EnginePath, query: Nothing) -> Response:
    """Return the last or current enrolment of faces."""
    return sent(EnrolmentShape, state.get().enrolments.of(path.engine_id))


@engine_routes.post(
    _ENROL, {202: made(EnrolmentShape, "It is under way.")}, 400, 404, 409, 413, 415
)
def enrol_faces(path: EnginePath, body: NoFields, query: Nothing) -> Response:
    """Bring the service up to date with the people's file: send new pictures, remove deleted ones.

    If an enrolment is running already, it continues and no other starts.
    """
    enrolment = state.get().enrolments.start(path.engine_id)
    address = url_for(".get_enrolment", engine_id=enrolment.engine)
    return sent(EnrolmentShape, enrolment, 202, location=address)


class Usage(Shape):
    """Usage by engine: this month, and by day, newest first."""

    months: list[MonthlyUsage]
    days: list[DailyUsage]


class SentPictureShape(Shape):
    """A picture that was sent to a service."""

    id: int
    engine: str
    item: ItemShape | None = from_path(
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


class SentQuery(Paging):
    engine: Text = Field(default="", description="Only those for this engine: its id.")


@usage_routes.get("/usage", Usage, old_rule="/use")
def get_usage(query: Nothing) -> Response:
    """Return usage and cost: this month against the limits, and each of the last 31 days."""
    core = state.core()
    months = list(spending.months(core).values())
    return sent(Usage, {"months": months, "days": spending.days(core)})


@usage_routes.get("/egress", ShapeList[SentPictureShape], old_rule="/departures")
def list_sent_pictures(query: SentQuery) -> Response:
    """List the pictures that were sent to services, newest first."""
    return sent(ShapeList[SentPictureShape], spending.egress_log(state.core(), **query.arguments()))


class NoticeShape(Shape):
    """A message about the whole service."""

    source: str
    level: Literal["ok", "notice", "warning", "error"]
    message: str


class Health(RootModel[list[NoticeShape]]):
    """All notices."""


@health_routes.get("/health", Health)
def get_health(query: Nothing) -> Response:
    """List problems and notices, as the bare array that monitors of the *arr programs read."""
    return sent(Health, health.notices(state.core()))
