"""What the interfaces show: items, tags, previews. All are frozen; times are UTC-aware.

Lists come by parts: a cursor names the last row of a part, and means nothing to who gets it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from tigertag.errors import RequestError
from tigertag.model import Answer, Item, Section, Tag, TagRef, fold
from tigertag.store.ledger import EditRow

T = TypeVar("T")

_LARGEST_CURSOR = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. `next`: the cursor of the part after it, None at the end."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A tag that was decided for an item, without its why."""

    field: str
    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class ItemCard:
    """An item as a list shows it. `tags` are those last decided, surest first."""

    id: int
    item: Item
    section: Section
    gone: bool = False
    tags: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class SimilarItem:
    """An item that looks like another. `similarity`: 1 for the same picture."""

    card: ItemCard
    similarity: float


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A decision that one look would settle: a word, and how sure its engine is of it.

    `threshold`: the confidence from which on it is a tag. `contradicted`: engines disagree.
    """

    card: ItemCard
    name: str
    engine: str
    confidence: float
    threshold: float
    is_tagged: bool
    contradicted: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """What an engine could not do for an item, or its library (`engine` is "").

    `again`: it is tried again by itself, by a scan that a schedule or hook starts not before
    `retry_at`, and by any that a user starts. `tries`: how often it failed. `given_up`: it might
    pass, but failed too often. `ignored`: the user has left it out until the item changes.
    """

    id: int
    card: ItemCard
    engine: str
    reason: str
    since: datetime
    again: bool
    ignored: bool = False
    tries: int = 1
    retry_at: datetime | None = None
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """Problems of one engine ("": the library) with the same reason; some may be given up.

    `problem_id`: the oldest of them.
    """

    problem_id: int
    engine: str
    reason: str
    problems: int
    given_up: int


@dataclass(frozen=True, slots=True)
class Retried:
    """How many problems are tried again, by which scans; `waiting`: why others have to wait."""

    problems: int
    scans: tuple[int, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """What an engine said of an item once. `current`: of the item as it is now."""

    answer: Answer
    revision: str
    current: bool
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Stands:
    """How a word of ours stands on an item: ours, kept, held or tombstone (see `TagOwnership`)."""

    field: str
    name: str
    state: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What the user said of a tag on an item: `verdict` is yes or no."""

    id: int
    field: str
    name: str
    verdict: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ItemDetail:
    """All that is known of an item. `tags` with their why; `edits` the newest first.

    `reason`: why it could not be looked at or written to as it is now, or is `left_alone`; "" when
    all is well.
    """

    card: ItemCard
    tags: tuple[Tag, ...]
    answers: tuple[Answered, ...]
    standing: tuple[Stands, ...]
    edits: tuple[EditRow, ...]
    reason: str = ""
    left_alone: bool = False
    verdicts: tuple[Said, ...] = ()

    def said_of(self, tag: Tag) -> Said | None:
        """What the user said of a tag, if anything."""
        field, word = tag.ref.word
        return next((s for s in self.verdicts if (s.field, fold(s.name)) == (field, word)), None)


@dataclass(frozen=True, slots=True)
class TagCount:
    """A word: the items for which it is decided, and on how many of them it stands as ours."""

    field: str
    name: str
    items: int
    written: int


@dataclass(frozen=True, slots=True)
class SearchCounts:
    """How many items a search finds, and the tags on them.

    `is_more`: there are more than `items`. `tags` are those of the first `counted` items: a tag's
    `items` have it, decided or in the library, and its `written` in the library.
    """

    items: int
    is_more: bool
    counted: int
    tags: tuple[TagCount, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a preview would do to an item, or what a scan did.

    `reason` says why it failed, `again` whether the next scan then tries it again.
    """

    card: ItemCard
    state: str
    adds: tuple[Named, ...] = ()
    removes: tuple[TagRef, ...] = ()
    reason: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class BlockedWord:
    """A word was blocked: the items of the preview that lost it, and the rule, if it is one."""

    items: int
    rule_id: int | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """An item whose tags a rule changes."""

    card: ItemCard
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule would change, told from stored answers.

    `bearing`: items for which its word is decided now; `looked_at`: how many items were decided
    anew to tell, `changed` of them differently.
    """

    bearing: int
    looked_at: int
    changed: int
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small JPEG of an item. `etag` changes with the picture."""

    jpeg: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the user should know. `level`: ok, notice, warning or error."""

    source: str
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class LibraryView:
    """A configured library and its sections as they were last seen.

    `problem` says why it cannot be used now, "" if it can; `checked_at` is None until it was tried.
    `advice`: a line for each thing that its owner should know of how it is set up.
    """

    id: str
    name: str
    sections: tuple["SectionView", ...] = ()
    problem: str = ""
    checked_at: datetime | None = None
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section. `items` is 0 until it has been listed; `written` whether we ever wrote to it.

    `problems`: how many of its items have problems that are not solved.
    """

    section: Section
    items: int = 0
    written: bool = False
    active_scan: int | None = None
    newest_scan: int | None = None
    problems: int = 0


@dataclass(frozen=True, slots=True)
class EngineView:
    """A configured engine.

    `status`: ready, off, failing (it cannot be used) or stopped (it could not go on when it was
    asked last); `reason` says why it is not ready, `until` when a stopped one is tried again by
    itself. `notice`: what it tells of itself, such as its quota. `use`: what it took this month.
    `knows_faces`: faces can be enrolled with it.
    """

    id: str
    name: str
    status: str
    reason: str = ""
    local: bool = True
    min_confidence: float = field(default=0.0)
    until: datetime | None = None
    notice: str = ""
    paid: bool = False
    only_uncertain: bool = False
    knows_faces: bool = False
    use: "MonthOfUse | None" = None


@dataclass(frozen=True, slots=True)
class MonthOfUse:
    """What an engine took this month (UTC), reservations included, and what it may take.

    Limits are None where there are none. `in_doubt`: calls that count as spent though nobody knows
    what came of them. `item_cost_usd`: what an item costs, about; None: not known.
    """

    engine: str
    units: int
    cost_usd: float
    units_limit: int | None
    usd_limit: float | None
    renews_at: datetime
    in_doubt: int = 0
    item_cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class DayOfUse:
    """What an engine took on a day (UTC, `2026-11-21`)."""

    engine: str
    day: str
    units: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Departure:
    """A picture that left the machine. `card` is None where it is of no library: `name` says what.

    `state`: open (under way, or in doubt), settled, or lost (it counts as spent).
    """

    id: int
    engine: str
    card: ItemCard | None
    name: str
    host: str
    size_bytes: int
    units: int
    cost_usd: float
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of trying an engine, in one line."""

    engine: str
    ok: bool
    line: str


def cursor_number(cursor: str | None) -> int | None:
    """Return what a cursor holds. Raises `RequestError` when it is none of ours."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and int(cursor) <= _LARGEST_CURSOR):
        raise RequestError("This is not a cursor; take it from `next` of the list before.")
    return int(cursor)


def cut_page(rows: Sequence[T], limit: int, *, after: Callable[[T], int]) -> Page[T]:
    """Make a page of `limit` rows out of one row more, if there is one more."""
    some = rows[:limit]
    more = len(rows) > limit
    return Page(tuple(some), str(after(some[-1])) if more and some else None)
