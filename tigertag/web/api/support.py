"""REST for the log and the support bundle."""

from io import BytesIO
from typing import Annotated, Literal

from flask import Response, send_file
from pydantic import BeforeValidator, Field

from tigertag.services import logs, support
from tigertag.web import state
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.schemas import Input, Nothing, Shape, digits

routes = Routes("support", "The log, and a bundle of what helps to find out what is wrong.")

_BUNDLE = {"200": {"description": "A ZIP file.", "content": {"application/zip": {}}}}
_LARGEST_FILE_BYTES = 2**53 - 1

Lines = Annotated[int, Field(ge=1, le=logs.MOST_LINES), BeforeValidator(digits)]
Offset = Annotated[int, Field(ge=0, le=_LARGEST_FILE_BYTES), BeforeValidator(digits)]


class LogShape(Shape):
    """Lines of a log, oldest first."""

    role: Literal["web", "work"]
    lines: list[str]
    offset: int = Field(description="Pass it as `offset` to get the lines that come after these.")


class LogQuery(Input):
    """Which lines of which log."""

    role: Literal["web", "work"] = Field(
        default="web", description="web: the dashboard and REST. work: scans and background tasks."
    )
    lines: Lines = Field(default=200, description="How many of the last lines.")
    offset: Offset | None = Field(
        default=None, description="Return the lines from here on instead; see `offset` there."
    )


@routes.get("/logs", LogShape)
def get_log(query: LogQuery) -> Response:
    """Return the last lines of a log, or the lines since an `offset`."""
    core = state.core()
    if query.offset is not None:
        return sent(LogShape, logs.since(core, query.role, query.offset))
    return sent(LogShape, logs.tail(core, query.role, query.lines))


@routes.get("/support-bundle", _BUNDLE)
def get_support_bundle(query: Nothing) -> Response:
    """Return a ZIP file for support: versions, settings, health, counts, events and logs.

    Secrets and the names of pictures and videos are left out.
    """
    # Some hundred kilobytes: of each log it takes the last two megabytes at most.
    stream = BytesIO()
    support.bundle(state.core(), stream)
    stream.seek(0)
    return send_file(
        stream, "application/zip", as_attachment=True, download_name=support.file_name()
    )
