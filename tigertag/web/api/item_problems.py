"""GET problems of items; one of them ignored, and shown again."""

from datetime import datetime

from flask import Response
from pydantic import BaseModel, Field

from tigertag.services import problems, views
from tigertag.web import state
from tigertag.web.api.inputs import Flag, Id, NoFields, Nothing, Paging, Text
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.shapes import NEXT, Item, Shape

routes = Routes("problems", "What could not be done for items, until it is solved.")


class ItemProblem(Shape):
    """What an engine could not do for an item, or its library.

    It ends when the engine answers, the item is written to, changes or is gone.
    """

    id: int
    item: Item
    engine: str = Field(description="The engine that failed; empty: reading or writing the item.")
    reason: str
    since: datetime = Field(description="When it was met first.")
    again: bool = Field(description="Whether the next scan tries it again.")
    ignored: bool = Field(description="Whether it is left out until the item changes.")

    @classmethod
    def of(cls, problem: views.Problem) -> "ItemProblem":
        return cls(
            id=problem.id,
            item=Item.of(problem.card),
            engine=problem.engine,
            reason=problem.reason,
            since=problem.since,
            again=problem.again,
            ignored=problem.ignored,
        )


class ItemProblems(Shape):
    items: list[ItemProblem]
    next: str | None = NEXT


class ProblemsQuery(Paging):
    library: Text = Field(default="", description="Only of this library: its id.")
    section: Text = Field(default="", description="Only of this section: its id or title.")
    ignored: Flag = Field(default=False, description="Those that are ignored instead.")


class ProblemPath(BaseModel):
    problem_id: Id = Field(description="The problem's id.")


@routes.get("/problems", ItemProblems, 404)
def list_problems(query: ProblemsQuery) -> Response:
    """List what could not be done for items and is not solved yet, whichever scan met it."""
    page = problems.listed(
        state.core(),
        library=query.library,
        section=query.section,
        ignored=query.ignored,
        cursor=query.cursor or None,
        limit=query.limit,
    )
    return sent(ItemProblems(items=[ItemProblem.of(one) for one in page.items], next=page.next))


@routes.post("/problems/<int:problem_id>/ignore", {200: ItemProblem}, 400, 404, 413, 415)
def ignore_problem(path: ProblemPath, body: NoFields, query: Nothing) -> Response:
    """Leave a problem out of the list and of all counts until its item changes."""
    return sent(ItemProblem.of(problems.ignore(state.core(), path.problem_id)))


@routes.post("/problems/<int:problem_id>/show", {200: ItemProblem}, 400, 404, 413, 415)
def show_problem(path: ProblemPath, body: NoFields, query: Nothing) -> Response:
    """Show a problem again that was ignored."""
    return sent(ItemProblem.of(problems.ignore(state.core(), path.problem_id, ignored=False)))
