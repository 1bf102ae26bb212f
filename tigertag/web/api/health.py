"""GET health."""

from typing import Literal

from flask import Response
from pydantic import RootModel

from tigertag.services import health
from tigertag.services.views import Notice as NoticeView
from tigertag.web import state
from tigertag.web.api.inputs import Nothing
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.shapes import Shape

routes = Routes("health", "What the user should know.")


class Notice(Shape):
    """Something that the user should know."""

    source: str
    level: Literal["ok", "notice", "warning", "error"]
    message: str

    @classmethod
    def of(cls, view: NoticeView) -> "Notice":
        return cls.model_validate(view, from_attributes=True)


class Health(RootModel[list[Notice]]):
    """All notices."""


@routes.get("/health", Health)
def get_health(query: Nothing) -> Response:
    """Say what is wrong, as a bare list: what the *arr programs' watchers read."""
    return sent(Health([Notice.of(one) for one in health.notices(state.core())]))
