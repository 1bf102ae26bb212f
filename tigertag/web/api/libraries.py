"""GET libraries, GET libraries/{id}/sections."""

from datetime import datetime

from flask import Response
from pydantic import BaseModel, Field

from tigertag.services import sources
from tigertag.services.views import LibraryView, SectionView
from tigertag.web import state
from tigertag.web.api.inputs import Nothing, Text
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.shapes import NEXT, Shape

routes = Routes("libraries", "What is configured to be scanned.")


class Section(Shape):
    """A part of a library that can be scanned."""

    id: str
    title: str
    items: int = Field(description="How many it had when it was last listed; 0 before that.")
    written: bool = Field(description="Whether TigerTag ever wrote to it.")
    problems: int = Field(description="How many of its items have problems that are not solved.")
    active_scan: int | None = Field(description="The scan that is queued, running or paused.")
    newest_scan: int | None

    @classmethod
    def of(cls, view: SectionView) -> "Section":
        return cls(
            id=view.section.id,
            title=view.section.title,
            items=view.items,
            written=view.written,
            problems=view.problems,
            active_scan=view.active_scan,
            newest_scan=view.newest_scan,
        )


class Library(Shape):
    """A configured library, with its sections as they were last seen."""

    id: str
    name: str = Field(description="Which kind of library, such as `tigertag.plex`.")
    problem: str = Field(description="Why it cannot be used now; empty if it can.")
    checked_at: datetime | None = Field(description="When it was last tried.")
    sections: list[Section]

    @classmethod
    def of(cls, view: LibraryView) -> "Library":
        return cls(
            id=view.id,
            name=view.name,
            problem=view.problem,
            checked_at=view.checked_at,
            sections=[Section.of(one) for one in view.sections],
        )


class Libraries(Shape):
    items: list[Library]
    next: str | None = NEXT


class Sections(Shape):
    items: list[Section]
    next: str | None = NEXT


class LibraryPath(BaseModel):
    library_id: Text = Field(description="The library's id: the X of `LIBRARY_<X>_NAME`.")


@routes.get("/libraries", Libraries)
def list_libraries(query: Nothing) -> Response:
    """List the libraries, with their sections as they were last seen."""
    found = [Library.of(one) for one in sources.libraries(state.core())]
    return sent(Libraries(items=found, next=None))


@routes.get("/libraries/<library_id>/sections", Sections, 404, 409, 502)
def list_sections(path: LibraryPath, query: Nothing) -> Response:
    """Ask a library for its sections now."""
    found = [Section.of(one) for one in sources.sections(state.core(), path.library_id)]
    return sent(Sections(items=found, next=None))
