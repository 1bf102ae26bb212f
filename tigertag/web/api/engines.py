"""GET engines."""

from typing import Literal

from flask import Response
from pydantic import Field

from tigertag.services import sources
from tigertag.services.views import EngineView
from tigertag.web import state
from tigertag.web.api.inputs import Nothing
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.shapes import NEXT, Shape

routes = Routes("engines", "What looks at the pictures.")


class Engine(Shape):
    """A configured engine."""

    id: str
    name: str = Field(description="Which kind of engine, such as `tigertag.classifier`.")
    status: Literal["ready", "off", "failing"]
    reason: str = Field(description="Why it is not ready; empty if it is.")
    local: bool = Field(description="Whether pictures stay on this machine.")
    min_confidence: float = Field(description="Less sure labels become no tags; 0 to 1.")

    @classmethod
    def of(cls, view: EngineView) -> "Engine":
        return cls.model_validate(view, from_attributes=True)


class Engines(Shape):
    items: list[Engine]
    next: str | None = NEXT


@routes.get("/engines", Engines)
def list_engines(query: Nothing) -> Response:
    """List the engines, and why one cannot be used."""
    found = [Engine.of(one) for one in sources.engines(state.core())]
    return sent(Engines(items=found, next=None))
