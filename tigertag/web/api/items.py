"""REST for items: the list, one in detail, its pictures, and the problems of items."""

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tigertag.model import Box, Kind, TagOwnership
from tigertag.model import Field as TagField
from tigertag.services import browsing, problems, retries, similar, thumbnails, verdicts
from tigertag.services.views import Page, Retried
from tigertag.web import state
from tigertag.web.api.routes import Routes, nothing, sent
from tigertag.web.api.schemas import (
    Body,
    Flag,
    GivenId,
    Id,
    Input,
    ItemFacts,
    ItemShape,
    Limit,
    Milliseconds,
    NoFields,
    Nothing,
    OptionalBody,
    SectionPaging,
    Sentence,
    Shape,
    ShapeList,
    TagName,
    Text,
    Word,
    from_path,
)
from tigertag.web.headers import cached_jpeg

item_routes = Routes("items", "Photos and videos, their tags, and the reasons for each tag.")
problem_routes = Routes("problems", "Errors about single items, listed until they are solved.")

_ITEM = "/items/<int:item_id>"
_PROBLEM = "/problems/<int:problem_id>"
_THUMBNAIL = {
    "200": {"description": "The picture.", "content": {"image/jpeg": {}}},
    "304": {"description": "The picture still matches `If-None-Match`."},
}


class AnswerLabel(Shape):
    """A label from an engine."""

    name: str
    confidence: float
    kind: Kind
    concept: str | None = Field(description="A WordNet 3.0 id such as n02121620.")
    box: Box | None = Field(description="Its place; null: the whole picture.")
    at_s: float | None = Field(description="Its time in a video, in seconds.")
    note: str = Field(description='What it is based on: "GPS 48.2082, 16.3738 → Vienna, 1.1 km".')


class Reason(Shape):
    """A label that supports a tag, and its engine."""

    engine: str = Field(description="Empty: you said so.")
    model: str
    label: AnswerLabel


class ExplainedTag(TagName):
    """A decided tag, with the labels behind it."""

    confidence: float
    kind: Kind
    concept: str | None
    why: list[Reason] = from_path("because")


class AnswerShape(Shape):
    """All labels that one engine gave the item at one time."""

    engine: str = from_path("answer", "engine")
    fingerprint: str = from_path(
        "answer",
        "fingerprint",
        description="Identifies the settings that the labels depend on, such as the model.",
    )
    model: str = from_path("answer", "model")
    current: bool = Field(description="Whether it is about the item's present version.")
    revision: str
    labels: list[AnswerLabel] = from_path("answer", "labels")
    frames: list[float] = from_path(
        "answer",
        "frames",
        description="The times in a video, in seconds, of the frames that were analysed; each"
        " label belongs to one of them.",
    )
    remainder: float | None = from_path(
        "answer", "remainder", description="The probability not covered by the labels."
    )
    cost_usd: float = from_path("answer", "cost_usd")
    took_s: float = from_path("answer", "took_s")
    answered_at: datetime


class TagStatus(TagName):
    """The status of a TigerTag tag on the item.

    ours: written and present. kept: restored by an undo. held: removed by an undo. tombstone:
    removed by the user; TigerTag does not add it again.
    """

    state: TagOwnership
    since: datetime


def _tags_of(shown: Any) -> Any:
    return None if shown is None else shown.tags


class LedgerEntry(Shape):
    """An edit, with the tags before and after. `after` is null until the item is read again."""

    id: int
    scan: int = from_path("scan_id")
    kind: Literal["scan", "apply", "undo", "redo"]
    state: str = Field(description="planned, sent, verified or failed.")
    adds: list[TagName]
    removes: list[TagName]
    before: Annotated[list[TagName], BeforeValidator(_tags_of)]
    after: Annotated[list[TagName] | None, BeforeValidator(_tags_of)]
    planned_at: datetime
    reason: str = Field(description="Why it failed; empty if it did not.")


class VerdictShape(TagName):
    """What you said of a tag on the item; it beats engines and rules."""

    id: int
    verdict: Literal["yes", "no"]
    source: Literal["hand", "review"]
    at: datetime


class ItemDetailShape(ItemFacts):
    """Everything TigerTag knows about an item."""

    revision: str = from_path(
        "card", "item", "revision", description="Changes with the media, never with its tags."
    )
    reason: str = Field(
        description="Why the item could not be read or written, or was skipped; else empty."
    )
    tags: list[ExplainedTag] = Field(
        description="The tags decided last, with the labels behind them."
    )
    answers: list[AnswerShape]
    standing: list[TagStatus]
    verdicts: list[VerdictShape]
    ledger: list[LedgerEntry] = from_path("edits", description="Newest first.")


_QUERY = (
    "Only items that all of these match: words of tags or names, `-word`,"
    ' `"living room"`, `tag:cat>0.9`, `name:img`, `folder:2024/italy`, `type:video`, `size:>10mb`,'
    " `library:photos`, `section:Holidays`, `untagged`, `failed`, `pending`."
)


class NewVerdict(Body):
    """What you say of a tag on an item."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "dog", "verdict": "no"}})

    name: Word = Field(description="The tag's full name.")
    verdict: Literal["yes", "no"] = Field(
        description="yes: the item is to have it. no: it never is; it is removed where TigerTag"
        " wrote it."
    )
    field: Literal["tag", "label", "genre", "collection"] | None = Field(
        default=None, description="Where the tag is or goes to; null: where the library has it."
    )


class ItemsQuery(SectionPaging):
    tag: Text = Field(default="", description="Only items with this tag: its full name.")
    q: Text = Field(default="", description=_QUERY)


class CountsQuery(Input):
    library: Text = Field(default="", description="Only of this library: its id.")
    section: Text = Field(default="", description="Only of this section: its id or title.")
    q: Text = Field(default="", description=_QUERY)


class FoundTag(TagName):
    """A tag, with the number of items that were found and have it."""

    items: int = Field(description="Those on which it is decided, or in the library.")
    written: int = Field(description="Those of them on which TigerTag wrote it, and it is present.")


class FoundShape(Shape):
    """How many items a search finds, and the tags on them."""

    items: int
    is_more: bool = Field(description="Whether there are more: they are not counted to the end.")
    counted: int = Field(description="The tags are those of so many items, the first.")
    tags: list[FoundTag] = Field(description="The 50 most frequent, most items first.")


class SimilarQuery(Input):
    limit: Limit = Field(default=24, description="How many at most.")


class SimilarShape(Shape):
    """An item that looks like another."""

    item: ItemShape = from_path("card")
    similarity: float = Field(description="The cosine of what a network made of both; 1: the same.")


class ItemPath(BaseModel):
    item_id: Id = Field(description="The item's id.")


class VerdictPath(ItemPath):
    verdict_id: Id = Field(description="The verdict's id; see the item's `verdicts`.")


class FramePath(ItemPath):
    at_ms: Milliseconds = Field(description="One of an answer's `frames`, in milliseconds.")


@item_routes.get("/items", ShapeList[ItemShape], 404)
def list_items(query: ItemsQuery) -> Response:
    """List the scanned items, with the tags decided last."""
    return sent(ShapeList[ItemShape], browsing.items(state.core(), **query.arguments()))


@item_routes.get("/items/counts", FoundShape, 404)
def count_items(query: CountsQuery) -> Response:
    """Count the items that a search finds, and the tags on them."""
    return sent(FoundShape, browsing.counts(state.core(), **query.model_dump()))


@item_routes.get(_ITEM, ItemDetailShape, 404)
def get_item(path: ItemPath, query: Nothing) -> Response:
    """Return everything about an item: tags with reasons, answers, tag status, edits."""
    return sent(ItemDetailShape, browsing.item(state.core(), path.item_id))


@item_routes.get(f"{_ITEM}/similar", ShapeList[SimilarShape], 404, 409)
def list_similar(path: ItemPath, query: SimilarQuery) -> Response:
    """List the items that look most like one, the likest first.

    409: no local classifier has seen the item as it is now.
    """
    near = similar.similar(state.core(), path.item_id, limit=query.limit)
    return sent(ShapeList[SimilarShape], Page(near))


@item_routes.post(f"{_ITEM}/verdicts", {200: VerdictShape}, 400, 404, 413, 415)
def say_verdict(path: ItemPath, body: NewVerdict, query: Nothing) -> Response:
    """Say that a tag belongs to an item, or that it does not, whatever engines and rules say.

    It takes the place of what you said of that tag before, and applies from the section's next scan
    on: `"mode": "decide"` needs no picture and runs no engine.
    """
    yes, field = body.verdict == "yes", TagField(body.field) if body.field else None
    said = verdicts.say(state.core(), path.item_id, body.name, yes=yes, field=field)
    return sent(VerdictShape, said)


@item_routes.delete(f"{_ITEM}/verdicts/<int:verdict_id>", 404)
def withdraw_verdict(path: VerdictPath, query: Nothing) -> Response:
    """Withdraw a verdict, as if it had never been given."""
    verdicts.withdraw(state.core(), path.item_id, path.verdict_id)
    return nothing()


@item_routes.get(f"{_ITEM}/thumbnail", _THUMBNAIL, 404, 409, 502)
def get_thumbnail(path: ItemPath, query: Nothing) -> Response:
    """Return a small JPEG of an item; its short side is 256 px at most."""
    core, item_id = state.core(), path.item_id
    etag = thumbnails.thumbnail_etag(core, item_id)
    return cached_jpeg(etag, lambda: thumbnails.thumbnail(core, item_id))


@item_routes.get(f"{_ITEM}/frames/<int:at_ms>.jpg", _THUMBNAIL, 404, 409, 502)
def get_frame(path: FramePath, query: Nothing) -> Response:
    """Return a small JPEG of an analysed frame; its short side is 256 px at most."""
    core, item_id, at_ms = state.core(), path.item_id, path.at_ms
    etag = thumbnails.frame_etag(core, item_id, at_ms)
    return cached_jpeg(etag, lambda: thumbnails.frame(core, item_id, at_ms))


class ProblemShape(Shape):
    """An error of an engine, or of the library, about one item.

    It ends when the engine answers, or the item is written, changes or is gone.
    """

    id: int
    item: ItemShape = from_path("card")
    engine: str = Field(description="The engine that failed; empty: reading or writing the item.")
    reason: str
    since: datetime = Field(description="When it first occurred.")
    again: bool = Field(description="Whether it is retried automatically.")
    ignored: bool = Field(description="Whether it is hidden until the item changes.")
    tries: int = Field(description="How often it failed; 0: a retry was requested.")
    retry_at: datetime | None = Field(
        description="Scans of schedules and hooks do not retry it before. Your own scans do."
    )
    given_up: bool = Field(
        description=f"Whether it failed {problems.MOST_TRIES} times, so that it is not retried"
        " automatically any more."
    )


class ProblemGroupShape(Shape):
    """Problems of one engine with the same reason."""

    problem_id: int = Field(description="The oldest of them; see `GET /problems?like=`.")
    engine: str = Field(description="Empty: reading or writing the items.")
    reason: str
    problems: int = Field(description="How many there are.")
    given_up: int = Field(description="Of these, how many are not retried automatically any more.")


class RetriedShape(Shape):
    """The problems that are retried now."""

    problems: int = Field(description="How many.")
    scans: list[int] = Field(description="The scans that retry them, one a section.")
    waiting: list[str] = Field(
        description="Why a section's retries wait for its next scan, such as one that is running."
    )


class ProblemsQuery(SectionPaging):
    ignored: Flag = Field(default=False, description="true: the ignored problems instead.")
    like: GivenId | None = Field(
        default=None, description="Only those with the engine and the reason of this problem."
    )


class GroupsQuery(Input):
    library: Text = Field(default="", description="Only of this library: its id.")
    section: Text = Field(default="", description="Only of this section: its id or title.")


class RetryBody(OptionalBody):
    """Which problems to retry. Nothing: all that are not ignored."""

    engine: Text | None = Field(default=None, description="Only of this engine; empty: none.")
    reason: Sentence | None = Field(default=None, description="Only those with this reason.")
    library: Text = Field(default="", description="Only of this library: its id.")
    section: Text = Field(default="", description="Only of this section: its id or title.")


class ProblemPath(BaseModel):
    problem_id: Id = Field(description="The problem's id.")


@problem_routes.get("/problems", ShapeList[ProblemShape], 404)
def list_problems(query: ProblemsQuery) -> Response:
    """List the unsolved problems of items, from all scans."""
    return sent(ShapeList[ProblemShape], problems.listed(state.core(), **query.arguments()))


@problem_routes.get("/problems/reasons", ShapeList[ProblemGroupShape], 404)
def list_problem_reasons(query: GroupsQuery) -> Response:
    """List the reasons of the unsolved problems, the most frequent first; 50 at most."""
    groups = problems.by_reason(state.core(), library=query.library, section=query.section)
    return sent(ShapeList[ProblemGroupShape], Page(groups))


@problem_routes.post("/problems/retry", {200: RetriedShape}, 400, 404, 413, 415)
def retry_problems(body: RetryBody, query: Nothing) -> Response:
    """Retry problems now, those too that were given up; the count of tries starts anew.

    A paid engine's calls are reserved from its budget. Tags are written only in sections where all
    of these problems come from scans that write.
    """
    return _retried(retries.retry_all(state.core(), **body.model_dump()))


@problem_routes.post(f"{_PROBLEM}/retry", {200: RetriedShape}, 400, 404, 413, 415)
def retry_problem(path: ProblemPath, body: NoFields, query: Nothing) -> Response:
    """Retry one problem now; the count of tries starts anew."""
    return _retried(retries.retry(state.core(), [path.problem_id]))


def _retried(retried: Retried) -> Response:
    state.get().worker.wake()
    return sent(RetriedShape, retried)


@problem_routes.post(f"{_PROBLEM}/ignore", {200: ProblemShape}, 400, 404, 413, 415)
def ignore_problem(path: ProblemPath, body: NoFields, query: Nothing) -> Response:
    """Hide a problem from the list and all counts until its item changes."""
    return sent(ProblemShape, problems.ignore(state.core(), path.problem_id))


@problem_routes.post(f"{_PROBLEM}/show", {200: ProblemShape}, 400, 404, 413, 415)
def show_problem(path: ProblemPath, body: NoFields, query: Nothing) -> Response:
    """Show an ignored problem again."""
    return sent(ProblemShape, problems.ignore(state.core(), path.problem_id, ignored=False))
