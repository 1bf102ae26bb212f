"""Scans and what they change, as answers show them."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from tigertag import contracts
from tigertag.services import views
from tigertag.services.scans import Status
from tigertag.web.api.forecast_shapes import Forecast, Spared
from tigertag.web.api.shapes import NEXT, Item, Shape, SureTag, TagName

Mode = Literal["changed", "new", "force", "decide", "forecast"]
ForecastOf = Literal["changed", "new", "force"]
Write = Literal["preview", "apply"]
Kind = Literal["scan", "apply", "undo", "redo"]
State = Literal["queued", "running", "paused", "waiting", "done", "failed", "cancelled"]


class Counts(Shape):
    """How many items, except for adds, removes (tags) and asked (answers of engines)."""

    listed: int = Field(description="Shown by the library so far.")
    unchanged: int = Field(description="Of these, those with nothing to do.")
    todo: int
    done: int
    failed: int
    problems: int = Field(
        description="Items of the section that have problems now, whichever scan met them."
    )
    adds: int = Field(description="Tags to be added, or added.")
    removes: int = Field(description="Tags to be removed, or removed.")
    changed: int = Field(description="Items with tags to be added or removed.")
    asked: int = Field(description="Answers that engines gave.")
    left_alone: int = Field(description="Of those done, items that bear one of SKIP_TAGS.")

    @classmethod
    def of(cls, status: Status) -> "Counts":
        return cls(
            listed=status.scan.listed,
            unchanged=status.scan.unchanged,
            todo=status.todo,
            done=status.done,
            failed=status.failed,
            problems=status.problems,
            adds=status.adds,
            removes=status.removes,
            changed=status.changed,
            asked=status.asked,
            left_alone=status.left_alone,
        )


class LeftOut(Shape):
    """Files or folders that a listing left out for one reason."""

    reason: contracts.LeftOutReason
    count: int
    examples: list[str] = Field(description="A few of them, below the library's folder.")

    @classmethod
    def of(cls, one: contracts.LeftOut) -> "LeftOut":
        return cls(reason=one.reason, count=one.count, examples=list(one.examples))


class Scan(Shape):
    """A run over a section. done, failed and cancelled are final."""

    id: int
    state: State
    kind: Kind
    mode: Mode
    forecast_of: ForecastOf | None = Field(description="The mode that a forecast counts for.")
    write: Write
    library: str
    section: str = Field(description="The section's id.")
    section_title: str
    engines: list[str] = Field(description="Empty: all.")
    source: int | None = Field(description="The scan that this one applies or undoes.")
    counts: Counts
    items_per_s: float
    eta_s: float | None = Field(description="Seconds left; null while that cannot be told.")
    error: str = Field(description="Why it failed; empty if it did not.")
    missing: int = Field(
        description="Known items that it did not find, if it failed because they are so many;"
        " a scan with `accept_missing` takes them as gone."
    )
    left_out: list[LeftOut] = Field(description="What its listing left out, and why.")
    waiting: dict[str, str] = Field(description="Engines that cannot answer now, and why.")
    waits: dict[str, str] = Field(description="What it waits for by itself, by engine.")
    due_at: datetime | None = Field(description="When it goes on; null: now, or it has ended.")
    spared: dict[str, Spared] = Field(description="What engines were not asked, by engine.")
    forecast: Forecast | None = Field(description="What a forecast that is done has counted.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, status: Status) -> "Scan":
        scan = status.scan
        return cls.model_validate(
            {
                "id": scan.id,
                "state": scan.state,
                "kind": scan.kind,
                "mode": "forecast" if scan.is_forecast else scan.mode,
                "forecast_of": scan.mode if scan.is_forecast else None,
                "write": scan.write,
                "library": scan.section.library,
                "section": scan.section.id,
                "section_title": scan.section.title,
                "engines": list(scan.engines),
                "source": scan.source_id,
                "counts": Counts.of(status),
                "items_per_s": round(status.items_per_s, 2),
                "eta_s": None if status.eta_s is None else round(status.eta_s, 1),
                "error": scan.error,
                "missing": scan.missing,
                "left_out": [LeftOut.of(one) for one in status.left_out],
                "waiting": dict(status.waiting),
                "waits": dict(status.waits),
                "due_at": status.due_at,
                "spared": {name: Spared.of(one) for name, one in status.spared.items()},
                "forecast": None if status.forecast is None else Forecast.of(status.forecast),
                "created_at": scan.created_at,
                "started_at": scan.started_at,
                "finished_at": scan.finished_at,
            }
        )


class Scans(Shape):
    items: list[Scan]
    next: str | None = NEXT


class Change(Shape):
    """What a scan does to an item. `reason` says why it failed."""

    item: Item
    state: Literal["todo", "done", "failed"]
    adds: list[SureTag]
    removes: list[TagName]
    reason: str
    again: bool = Field(description="Whether it failed, and the next scan tries it again.")

    @classmethod
    def of(cls, change: views.Change) -> "Change":
        return cls.model_validate(
            {
                "item": Item.of(change.card),
                "state": change.state,
                "adds": [SureTag.of(one) for one in change.adds],
                "removes": [TagName.of(one) for one in change.removes],
                "reason": change.reason,
                "again": change.again,
            }
        )


class Changes(Shape):
    items: list[Change]
    next: str | None = NEXT
