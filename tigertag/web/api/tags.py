"""GET tags."""

from flask import Response
from pydantic import Field

from tigertag import model
from tigertag.services import browsing
from tigertag.services.views import TagCount
from tigertag.web import state
from tigertag.web.api.inputs import Paging, Text
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.shapes import NEXT, Shape

routes = Routes("tags", "Words, and how many items bear them.")


class TagsQuery(Paging):
    library: Text = Field(default="", description="Only of this library: its id.")
    section: Text = Field(default="", description="Only of this section: its id or title.")
    q: Text = Field(default="", description="Only words that hold this text.")


class CountedTag(Shape):
    """A word, and how many items bear it."""

    field: model.Field
    name: str
    items: int = Field(description="For how many items it is decided.")
    written: int = Field(description="On how many of them TigerTag wrote it, and it stands.")

    @classmethod
    def of(cls, count: TagCount) -> "CountedTag":
        return cls.model_validate(count, from_attributes=True)


class Tags(Shape):
    items: list[CountedTag]
    next: str | None = NEXT


@routes.get("/tags", Tags, 404)
def list_tags(query: TagsQuery) -> Response:
    """List the words that are decided, most items first. Counts may be some seconds old."""
    page = browsing.tags(
        state.core(),
        library=query.library,
        section=query.section,
        q=query.q,
        cursor=query.cursor or None,
        limit=query.limit,
    )
    return sent(Tags(items=[CountedTag.of(one) for one in page.items], next=page.next))
