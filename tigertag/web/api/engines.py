"""GET engines, POST engines/check, and the enrolment of faces."""

from datetime import datetime
from typing import Literal

from flask import Response, url_for
from pydantic import BaseModel, Field

from tigertag.services import checking, sources
from tigertag.services.views import Checked, EngineView
from tigertag.web import state
from tigertag.web.api.inputs import NoFields, Nothing, OptionalBody, Text
from tigertag.web.api.routes import Routes, made, sent
from tigertag.web.api.shapes import NEXT, Shape
from tigertag.web.api.use_shapes import MonthOfUse
from tigertag.web.enrolling import Enrolment as EnrolmentView

routes = Routes("engines", "What looks at the pictures.")

_ENROL = "/engines/<engine_id>/enrol"


class Engine(Shape):
    """A configured engine."""

    id: str
    name: str = Field(description="Which kind of engine, such as `tigertag.classifier`.")
    status: Literal["ready", "off", "failing", "stopped"] = Field(
        description="failing: it cannot be used. stopped: it could not go on when last asked."
    )
    reason: str = Field(description="Why it is not ready; empty if it is.")
    until: datetime | None = Field(description="When one that stopped is tried again by itself.")
    notice: str = Field(description="What it tells of itself, such as its quota; may be empty.")
    local: bool = Field(description="Whether pictures stay on this machine.")
    paid: bool = Field(description="Whether it costs money, or takes from a quota.")
    only_uncertain: bool = Field(description="Asked only where those before it were not sure.")
    knows_faces: bool = Field(description="Whether faces can be enrolled with it.")
    min_confidence: float = Field(description="Less sure labels become no tags; 0 to 1.")
    use: MonthOfUse | None = Field(description="What it took this month; null: nothing to tell.")

    @classmethod
    def of(cls, view: EngineView) -> "Engine":
        return cls.model_validate(view, from_attributes=True)


class Engines(Shape):
    items: list[Engine]
    next: str | None = NEXT


class CheckEngines(OptionalBody):
    """Which engines are to be tried."""

    engines: list[Text] | None = Field(
        default=None, min_length=1, max_length=50, description="Their ids; left out: all."
    )


class Found(Shape):
    """What came of trying an engine."""

    engine: str
    ok: bool
    line: str = Field(description="What was found, in one line.")

    @classmethod
    def of(cls, checked: Checked) -> "Found":
        return cls.model_validate(checked, from_attributes=True)


class AllFound(Shape):
    items: list[Found]
    next: str | None = NEXT


class Enrolment(Shape):
    """What the last enrolment of faces did, or is doing."""

    engine: str
    state: Literal["none", "running", "done", "failed"] = Field(
        description="none: there was none since the service was started."
    )
    added: int = Field(description="Pictures that were sent.")
    removed: int = Field(description="Pictures that were removed there.")
    problems: list[str] = Field(description="A line for each picture that was left out.")
    error: str = Field(description="Why it failed; empty if it did not.")

    @classmethod
    def of(cls, view: EnrolmentView) -> "Enrolment":
        return cls.model_validate(view, from_attributes=True)


class EnginePath(BaseModel):
    engine_id: Text = Field(description="The engine's id: the X of `ENGINE_<X>_NAME`.")


@routes.get("/engines", Engines)
def list_engines(query: Nothing) -> Response:
    """List the engines, and why one cannot be used."""
    found = [Engine.of(one) for one in sources.engines(state.core())]
    return sent(Engines(items=found, next=None))


@routes.post("/engines/check", {200: AllFound}, 400, 404, 413, 415)
def check_engines(body: CheckEngines, query: Nothing) -> Response:
    """Try engines: their keys, their models, whether they can be reached. Spends nothing."""
    found = checking.check(state.core(), body.engines or ())
    return sent(AllFound(items=[Found.of(one) for one in found], next=None))


@routes.get(_ENROL, Enrolment, 404, 409)
def get_enrolment(path: EnginePath, query: Nothing) -> Response:
    """Say what the last enrolment of faces did, or is doing."""
    return sent(Enrolment.of(state.get().enrolments.of(path.engine_id)))


@routes.post(_ENROL, {202: made(Enrolment, "It is under way.")}, 400, 404, 409, 413, 415)
def enrol_faces(path: EnginePath, body: NoFields, query: Nothing) -> Response:
    """Bring the service up to date with the people's file: send what is new, remove what is gone.

    One that is under way already goes on, and no other is begun.
    """
    begun = state.get().enrolments.start(path.engine_id)
    return sent(
        Enrolment.of(begun), 202, location=url_for(".get_enrolment", engine_id=begun.engine)
    )
