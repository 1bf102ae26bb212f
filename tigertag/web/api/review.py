"""REST for review: decisions that are doubtful."""

from flask import Response
from pydantic import Field

from tigertag.services import review
from tigertag.web import state
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.schemas import Input, ItemFacts, Limit, Shape, ShapeList, from_path

routes = Routes("review", "Doubtful decisions, the most useful to look at first.")


class ReviewQuery(Input):
    limit: Limit = Field(default=20, description="How many at most.")


class DoubtShape(Shape):
    """A word that an engine is nearly, or only just, sure enough of."""

    item: ItemFacts = from_path("card")
    name: str = Field(description="The tag that it is, or would be.")
    engine: str
    confidence: float = Field(description="How sure the engine is of it.")
    threshold: float = Field(description="The confidence from which on it is a tag.")
    is_tagged: bool = Field(description="The confidence reaches the threshold.")
    contradicted: bool = Field(description="Another engine is on the other side of its threshold.")


@routes.get("/review", ShapeList[DoubtShape])
def list_doubtful(query: ReviewQuery) -> Response:
    """List words just above or below their threshold, of up to 300 items drawn at random.

    An item comes once, and a word again only after all others. No engine is asked.
    """
    return sent(ShapeList[DoubtShape], review.doubtful(state.core(), limit=query.limit))
