"""REST for Home: what needs the user, how much is tagged, and what is pending."""

from datetime import datetime
from typing import Literal

from flask import Response
from pydantic import Field

from tigertag.services import home
from tigertag.web import state
from tigertag.web.api.routes import Routes, nothing, sent
from tigertag.web.api.schemas import Body, Nothing, Shape

routes = Routes("home", "What needs you, how much is tagged, and what is pending.")


class NeedShape(Shape):
    """Something that needs the user."""

    id: str = Field(description="Of what it says: another one once that changes.")
    source: str
    level: Literal["notice", "warning", "error"]
    message: str


class CoverageShape(Shape):
    """How many items bear a tag that TigerTag wrote."""

    items: int
    tagged: int
    untagged: int
    unreadable: int = Field(description="Items without such a tag that have a problem.")


class SectionStateShape(Shape):
    """A section, and the preview of it that was not applied yet."""

    library: str
    section: str
    title: str
    coverage: CoverageShape
    pending: int = Field(description="Items that its preview would change.")
    preview: int | None = Field(description="The preview whose changes are pending.")
    active_scan: int | None
    newest_scan: int | None


class HomeShape(Shape):
    """All that Home says in short."""

    needs: list[NeedShape] = Field(description="The worst first.")
    dismissed: int = Field(description="How many were dismissed, and have not changed since.")
    coverage: CoverageShape
    pending: int = Field(description="Items that would change.")
    active_scans: list[int]
    next_run: datetime | None = Field(description="When a schedule runs next; null: none does.")
    cost_usd: float = Field(description="What engines cost this month.")
    sections: list[SectionStateShape]


class DismissBody(Body):
    """What to dismiss."""

    need: str = Field(max_length=64, description="The `id` of a need.")


@routes.get("/home", HomeShape)
def get_home(query: Nothing) -> Response:
    """Return what needs you, how much is tagged, and what is pending."""
    return sent(HomeShape, home.home(state.core()))


@routes.post("/home/dismiss", {204: None}, 400, 404, 413, 415)
def dismiss_need(body: DismissBody, query: Nothing) -> Response:
    """Show a need no more until it changes."""
    home.dismiss(state.core(), body.need)
    return nothing()


@routes.post("/home/show-dismissed", {204: None})
def show_dismissed_needs(query: Nothing) -> Response:
    """Show again all that was dismissed."""
    home.show_dismissed(state.core())
    return nothing()
