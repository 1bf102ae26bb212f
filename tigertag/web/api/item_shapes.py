"""All that is known of an item, as answers show it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from tigertag import model
from tigertag.model import Evidence, Kind, Label, Shown, TagOwnership, TagRef
from tigertag.services import views
from tigertag.services.views import Answered, Stands
from tigertag.store.ledger import EditRow
from tigertag.web.api.shapes import NEXT, Item, ItemFacts, Shape, TagName, facts


class Box(Shape):
    """A rectangle in fractions of the upright picture."""

    left: float
    top: float
    right: float
    bottom: float


class Said(Shape):
    """A label: what an engine said."""

    name: str
    confidence: float
    kind: Kind
    concept: str | None = Field(description="A WordNet 3.0 id such as n02121620.")
    box: Box | None = Field(description="Where; null: the whole picture.")
    at_s: float | None = Field(description="When, in a video.")

    @classmethod
    def of(cls, label: Label) -> "Said":
        return cls.model_validate(label, from_attributes=True)


class Why(Shape):
    """A label that speaks for a tag, and whose it is."""

    engine: str
    model: str
    label: Said

    @classmethod
    def of(cls, evidence: Evidence) -> "Why":
        return cls(engine=evidence.engine, model=evidence.model, label=Said.of(evidence.label))


class WhyTag(Shape):
    """A tag that was decided, and why."""

    field: model.Field
    name: str
    confidence: float
    kind: Kind
    concept: str | None
    why: list[Why]

    @classmethod
    def of(cls, tag: model.Tag) -> "WhyTag":
        return cls(
            field=tag.field,
            name=tag.name,
            confidence=tag.confidence,
            kind=tag.kind,
            concept=tag.concept,
            why=[Why.of(one) for one in tag.because],
        )


class Answer(Shape):
    """All that an engine said of the item once."""

    engine: str
    fingerprint: str = Field(description="What the answer depends on; changes with the model.")
    model: str
    current: bool = Field(description="Whether it speaks of the item as it is now.")
    revision: str
    labels: list[Said]
    frames: list[float] = Field(
        description="The seconds of a video that were looked at one by one; each label is of one."
    )
    remainder: float | None = Field(description="The probability that the labels leave out.")
    cost_usd: float
    took_s: float
    answered_at: datetime

    @classmethod
    def of(cls, answered: Answered) -> "Answer":
        answer = answered.answer
        return cls(
            engine=answer.engine,
            fingerprint=answer.fingerprint,
            model=answer.model,
            current=answered.current,
            revision=answered.revision,
            labels=[Said.of(one) for one in answer.labels],
            frames=list(answer.frames),
            remainder=answer.remainder,
            cost_usd=answer.cost_usd,
            took_s=answer.took_s,
            answered_at=answered.answered_at,
        )


class StandingTag(Shape):
    """How a tag of TigerTag's stands on the item.

    ours: written, there. kept: put back by an undo. held: taken off by an undo. tombstone: the user
    took it off, it stays off.
    """

    field: model.Field
    name: str
    state: TagOwnership
    since: datetime

    @classmethod
    def of(cls, stands: Stands) -> "StandingTag":
        return cls.model_validate(stands, from_attributes=True)


class LedgerEntry(Shape):
    """An edit, with the tags before and after. `after` is null until the item was read again."""

    id: int
    scan: int
    kind: Literal["scan", "apply", "undo", "redo"]
    state: str = Field(description="planned, sent, verified or failed.")
    adds: list[TagName]
    removes: list[TagName]
    before: list[TagName]
    after: list[TagName] | None
    planned_at: datetime
    reason: str = Field(description="Why it failed; empty if it did not.")

    @classmethod
    def of(cls, edit: EditRow) -> "LedgerEntry":
        return cls.model_validate(
            {
                "id": edit.id,
                "scan": edit.scan_id,
                "kind": edit.kind,
                "state": edit.state,
                "adds": _names(edit.adds),
                "removes": _names(edit.removes),
                "before": _tags(edit.before),
                "after": _tags(edit.after),
                "planned_at": edit.planned_at,
                "reason": edit.reason,
            }
        )


def _names(refs: tuple[TagRef, ...]) -> list[TagName]:
    return [TagName.of(ref) for ref in refs]


def _tags(shown: Shown | None) -> list[TagName] | None:
    return None if shown is None else _names(shown.tags)


class ItemDetail(ItemFacts):
    """All that is known of an item."""

    revision: str = Field(description="Changes with the picture or video, never with its tags.")
    reason: str = Field(
        description="Why it could not be looked at or written to, or is left alone; empty when all"
        " is well."
    )
    tags: list[WhyTag] = Field(description="Those last decided, with their why.")
    answers: list[Answer]
    standing: list[StandingTag]
    ledger: list[LedgerEntry] = Field(description="The newest first.")

    @classmethod
    def of(cls, detail: views.ItemDetail) -> "ItemDetail":
        return cls(
            **facts(detail.card),
            revision=detail.card.item.revision,
            reason=detail.reason,
            tags=[WhyTag.of(one) for one in detail.tags],
            answers=[Answer.of(one) for one in detail.answers],
            standing=[StandingTag.of(one) for one in detail.standing],
            ledger=[LedgerEntry.of(one) for one in detail.edits],
        )


class Items(Shape):
    items: list[Item]
    next: str | None = NEXT
