"""The tables. Each says in its comment what a row is; docs/architecture.md draws them.

Its column types refuse the same on SQLite, which knows no lengths, as on PostgreSQL.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    Table,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from tigertag import bounds
from tigertag.errors import Unstorable

_LONGEST_PROSE = 4000

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class _Plain(TypeDecorator[Any]):
    """What is compared with a column is not kept in it: it may be longer, and is not found."""

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return self.impl_instance


class String(_Plain):
    """Text of at most so many characters."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        longest = self.impl_instance.length  # type: ignore[attr-defined]
        if value is not None and longest is not None and len(value) > longest:
            raise Unstorable(f"A text of {len(value)} characters is too long: {longest} are kept.")
        return value


class Text(_Plain):
    """Text of any length."""

    impl = sa.Text
    cache_ok = True


class Prose(_Plain):
    """What people read, such as a server's words: what cannot be kept of it is left out."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else bounds.cut(value, _LONGEST_PROSE)


class Integer(_Plain):
    """A whole number of 32 bits."""

    impl = sa.Integer
    cache_ok = True

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return sa.BigInteger()

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and not -bounds.LARGEST - 1 <= value <= bounds.LARGEST:
            raise Unstorable("A number is too large to be kept.")
        return value


class BigInteger(_Plain):
    """A whole number of 64 bits."""

    impl = sa.BigInteger
    cache_ok = True


class Float(_Plain):
    """A finite number."""

    impl = sa.Float
    cache_ok = True


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes, kept as UTC; a naive one is refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def _one_of(column: str, *values: str) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def _table(name: str, *parts: SchemaItem, comment: str, **options: Any) -> Table:
    """A table of rows with a number, `id`, unless columns of its own are its key."""
    has_key = any(isinstance(part, Column) and part.primary_key for part in parts)
    number = () if has_key else (Column("id", Integer, primary_key=True),)
    return Table(name, metadata, *number, *parts, comment=comment, **options)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of those rows alone that a condition holds for."""
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


ACTIVE = ("queued", "running", "paused")
"""A section has at most one scan in these."""
UNENDED = (*ACTIVE, "waiting")
FINAL = ("done", "failed", "cancelled")
WORK = (
    *("queued", "done", "failed", "retryable", "waiting", "postponed", "deferred"),
    *("spared", "skipped"),
)
NOTICE_LEVELS = ("info", "success", "warning", "failure")
NOTICE_STATES = ("waiting", "sending", "sent", "dropped")
BATCH = ("filling", "sealed", "submitting", "submitted", "collected", "done")
EVENT_LEVELS = ("info", "warning", "error")
EVENT_SOURCES = (
    *("scan", "write", "engine", "library", "schedule", "hook", "notice", "backup"),
    *("sign-in", "system"),
)

sections = _table(
    "sections",
    Column("library", String(64), nullable=False),
    Column("key", String(1024), nullable=False),
    Column("title", String(1024), nullable=False),
    Column("canary", String(16), nullable=False, server_default="none"),
    Column("canary_until", Float, nullable=False, server_default="0"),
    Column("source", String(256), nullable=False, server_default=""),
    Column("canary_by", String(64), nullable=False, server_default=""),
    Column("mounts", Text, nullable=False, server_default=""),
    UniqueConstraint("library", "key"),
    _one_of("canary", "none", "claimed", "passed"),
    comment="A part of a library that has been scanned. canary: the state of its first write.",
)

items = _table(
    "items",
    Column("section_id", ForeignKey("sections.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(2048), nullable=False),
    Column("revision", String(256), nullable=False),
    Column("stamp", String(256)),
    Column("media", String(16), nullable=False),
    Column("title", String(1024), nullable=False),
    Column("size_bytes", BigInteger),
    Column("settled", String(64), nullable=False, server_default=""),
    Column("refreshed", String(256), nullable=False, server_default=""),
    Column("seen_scan", Integer, nullable=False, server_default="0"),
    Column("gone", Boolean, nullable=False, server_default=text("false")),
    Column("sought", Text, nullable=False, server_default=""),
    Column("within", Text, nullable=False, server_default=""),
    Column("file", String(64), nullable=False, server_default=""),
    Column("content", String(64), nullable=False, server_default=""),
    UniqueConstraint("section_id", "key"),
    Index(None, "size_bytes"),
    _partial("ix_items_file", "file", where="file != ''"),
    # Every listing marks each item as seen: with room on its page that touches no index.
    postgresql_with={"fillfactor": 50},
    comment="A photo or video. settled: the signature with which nothing is left to be done.",
)

answers = _table(
    "answers",
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("revision", String(256), nullable=False),
    Column("engine", String(64), nullable=False),
    Column("fingerprint", String(256), nullable=False),
    Column("sampler", String(64), nullable=False),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("model", String(256), nullable=False),
    Column("labels", Text, nullable=False),
    Column("remainder", Float),
    Column("cost_usd", Float, nullable=False),
    Column("took_s", Float, nullable=False),
    Column("frames", Text, nullable=False, server_default=""),
    Column("answered_at", UtcDateTime, nullable=False),
    UniqueConstraint(
        "item_id", "engine", "revision", "fingerprint", "sampler", "round", name="uq_answers_once"
    ),
    comment="All that an engine said of an item; immutable. round: the forced scan, or 0.",
)

scans = _table(
    "scans",
    Column("section_id", ForeignKey("sections.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("write", String(16), nullable=False),
    Column("engines", Text, nullable=False, server_default=""),
    Column("source_id", ForeignKey("scans.id", ondelete="SET NULL")),
    Column("state", String(16), nullable=False),
    Column("listed", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
    Column("error", Prose, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("resumed_at", UtcDateTime),
    Column("resumed_from", Integer, nullable=False, server_default="0"),
    Column("finished_at", UtcDateTime),
    Column("summary", Text, nullable=False, server_default=""),
    Column("forecast", Text, nullable=False, server_default=""),
    Column("without", Text, nullable=False, server_default=""),
    Column("accept_missing", Boolean, nullable=False, server_default=text("false")),
    Column("missing", Integer, nullable=False, server_default="0"),
    Column("left_out", Text, nullable=False, server_default=""),
    Column("reason", String(256), nullable=False, server_default=""),
    Column("announced", Boolean, nullable=False, server_default=false()),
    Column("pruned", Boolean, nullable=False, server_default=text("false")),
    Column("agreed", Text, nullable=False, server_default=""),
    _one_of("kind", "scan", "apply", "undo", "redo"),
    _one_of("mode", "changed", "force", "decide", "new", "sample", "retry"),
    _one_of("write", "preview", "apply"),
    _one_of("state", *UNENDED, *FINAL),
    _partial("ix_scans_unannounced", "state", where="NOT announced"),
    _partial(
        "ix_scans_active",
        "section_id",
        where="state IN ('queued', 'running', 'paused')",
        unique=True,
    ),
    comment="One run over a section. At most one is active a section.",
)

chunks = _table(
    "chunks",
    Column("scan_id", ForeignKey("scans.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False, server_default="queued"),
    Column("owner", String(128), nullable=False, server_default=""),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Float, nullable=False, server_default="0"),
    Column("queue", String(16), nullable=False, server_default="default"),
    Column("size", Integer, nullable=False, server_default="0"),
    Column("sent_at", Float, nullable=False, server_default="0"),
    Column("leased_at", Float, nullable=False, server_default="0"),
    Column("taken_over_at", Float, nullable=False, server_default="0"),
    _one_of("kind", "list", "items", "batch", "groups"),
    _one_of("state", "queued", "leased", "done"),
    Index(None, "scan_id", "state", "id"),
    _partial(
        "ix_chunks_unsent", "scan_id", "queue", "id", where="state = 'queued' AND sent_at = 0"
    ),
    _partial("ix_chunks_sent", "scan_id", "queue", where="sent_at > 0"),
    _partial("ix_chunks_leased", "owner", where="state = 'leased'"),
    comment="Items that are worked on together, or the listing; leased by token.",
)

decisions = _table(
    "decisions",
    Column("scan_id", ForeignKey("scans.id", ondelete="CASCADE"), nullable=False),
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("chunk_id", ForeignKey("chunks.id", ondelete="CASCADE"), nullable=False),
    Column("state", String(16), nullable=False, server_default="todo"),
    Column("revision", String(256), nullable=False, server_default=""),
    Column("settles", String(64), nullable=False, server_default=""),
    Column("tags", Text, nullable=False, server_default="[]"),
    Column("adds", Text, nullable=False, server_default="[]"),
    Column("removes", Text, nullable=False, server_default="[]"),
    Column("add_count", Integer, nullable=False, server_default="0"),
    Column("remove_count", Integer, nullable=False, server_default="0"),
    Column("reason", Prose, nullable=False, server_default=""),
    Column("unblocked", Text, nullable=False, server_default=""),
    UniqueConstraint("scan_id", "item_id"),
    _one_of("state", "todo", "done", "failed"),
    Index(None, "chunk_id"),
    Index(None, "item_id"),
    _partial("ix_decisions_changes", "scan_id", "item_id", where="add_count + remove_count > 0"),
    _partial("ix_decisions_blocked", "scan_id", "item_id", where="unblocked <> ''"),
    comment="What a scan decided of an item: its tags, and the edit that they ask for.",
)

tags = _table(
    "tags",
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("field", String(16), nullable=False),
    Column("word", String(512), nullable=False),
    Column("name", String(512), nullable=False),
    Column("confidence", Float, nullable=False),
    Index(None, "item_id"),
    Index(None, "word", "field", "item_id"),
    comment="A tag that the newest scan decided for an item, found by its case-folded word.",
)

work = _table(
    "work",
    Column("scan_id", ForeignKey("scans.id", ondelete="CASCADE"), nullable=False),
    Column("chunk_id", ForeignKey("chunks.id", ondelete="CASCADE"), nullable=False),
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("engine", String(64), nullable=False),
    Column("revision", String(256), nullable=False),
    Column("fingerprint", String(256), nullable=False),
    Column("sampler", String(64), nullable=False, server_default=""),
    Column("state", String(16), nullable=False, server_default="queued"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("reason", Prose, nullable=False, server_default=""),
    Column("batch_id", ForeignKey("batches.id", ondelete="SET NULL")),
    UniqueConstraint("scan_id", "item_id", "engine"),
    _one_of("state", *WORK),
    Index(None, "chunk_id"),
    Index(None, "item_id"),
    Index(None, "batch_id", "item_id"),
    comment="One item that one engine has to be asked about.",
)

problems = _table(
    "problems",
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("engine", String(64), nullable=False),
    Column("revision", String(256), nullable=False),
    Column("reason", Prose, nullable=False),
    Column("again", Boolean, nullable=False),
    Column("writing", Boolean, nullable=False),
    Column("ignored", Boolean, nullable=False),
    Column("scan_id", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False, server_default="1"),
    Column("retry_at", UtcDateTime),
    Column("fingerprint", String(256), nullable=False, server_default=""),
    UniqueConstraint("item_id", "engine"),
    comment="What an engine or the library (engine '') could not do for an item.",
)

batches = _table(
    "batches",
    Column("scan_id", ForeignKey("scans.id", ondelete="CASCADE"), nullable=False),
    Column("chunk_id", ForeignKey("chunks.id", ondelete="CASCADE"), nullable=False),
    Column("engine", String(64), nullable=False),
    Column("home", String(64), nullable=False),
    Column("state", String(16), nullable=False, server_default="filling"),
    Column("token", String(64), nullable=False, server_default=""),
    Column("remote", String(256), nullable=False, server_default=""),
    Column("lines", Integer, nullable=False, server_default="0"),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("answered", Integer, nullable=False, server_default="0"),
    Column("reason", Prose, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("submitted_at", UtcDateTime),
    _one_of("state", *BATCH),
    Index(None, "chunk_id"),
    Index(None, "scan_id", "state"),
    comment="Requests that are sent as one file. token: written before they are submitted.",
)

calls = _table(
    "calls",
    Column("engine", String(64), nullable=False),
    Column("item_id", ForeignKey("items.id", ondelete="SET NULL")),
    Column("name", String(1024), nullable=False, server_default=""),
    Column("host", String(256), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("units", Integer, nullable=False),
    Column("cost_usd", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("batch_id", ForeignKey("batches.id", ondelete="SET NULL")),
    # No key: chunks go with their scan, and the log stays.
    Column("chunk_id", Integer),
    _one_of("state", "held", "open", "settled", "lost"),
    Index(None, "engine", "id"),
    Index(None, "item_id"),
    Index(None, "batch_id", "item_id"),
    # Whole: what was spent since a time is read from it alone.
    Index("ix_calls_spent", "at", "engine", "state", "batch_id", "units", "cost_usd"),
    _partial("ix_calls_doubtful", "state", "at", where="state IN ('open', 'lost')"),
    comment="A picture that leaves for a service, and what it takes; open: reserved, not settled.",
)

usage = _table(
    "usage",
    Column("engine", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("units", Integer, nullable=False),
    Column("cost_usd", Float, nullable=False),
    comment="The ledger of use: what an engine took on a day (UTC), reservations included.",
)

budgets = _table(
    "budgets",
    Column("engine", String(64), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("units", Integer, nullable=False),
    Column("cost_usd", Float, nullable=False),
    comment="What an engine took in a month (UTC), reservations included; raised by a condition.",
)

kept = _table(
    "kept",
    Column("engine", String(64), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("value", Text, nullable=False),
    Column("until", Float, nullable=False, server_default="0"),
    comment="What engines keep for themselves. until: a lease by this name holds so long.",
)

stops = _table(
    "stops",
    Column("engine", String(64), primary_key=True),
    Column("reason", Prose, nullable=False),
    Column("until", UtcDateTime),
    Column("at", UtcDateTime, nullable=False),
    Column("lasting", Boolean, nullable=False, server_default=false()),
    comment="Why an engine cannot go on, and when it is tried again.",
)

edits = _table(
    "edits",
    Column("scan_id", ForeignKey("scans.id", ondelete="RESTRICT"), nullable=False),
    Column("item_id", ForeignKey("items.id", ondelete="RESTRICT"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("adds", Text, nullable=False),
    Column("removes", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False, server_default=""),
    Column("lost", Text, nullable=False, server_default=""),
    Column("reason", Prose, nullable=False, server_default=""),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("verified_at", UtcDateTime),
    _one_of("state", "planned", "sent", "verified", "failed"),
    Index(None, "scan_id"),
    Index(None, "item_id", "state"),
    comment="The ledger: each edit, with what the library showed before and after it.",
)

standing = _table(
    "standing",
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("field", String(16), nullable=False),
    Column("word", String(512), nullable=False),
    Column("name", String(512), nullable=False),
    Column("state", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    UniqueConstraint("item_id", "field", "word"),
    _one_of("state", "ours", "kept", "held", "tombstone"),
    Index(None, "state", "word", "field"),
    comment="How tags of ours stand on an item, after all edits of the ledger.",
)

verdicts = _table(
    "verdicts",
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("revision", String(256), nullable=False),
    Column("field", String(16), nullable=False),
    Column("word", String(512), nullable=False),
    Column("name", String(512), nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("source", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("engine", String(64), nullable=False, server_default=""),
    Column("confidence", Float),
    Column("fingerprint", String(256), nullable=False, server_default=""),
    # No key: it outlives the scan's details.
    Column("scan_id", Integer),
    UniqueConstraint("item_id", "field", "word"),
    _one_of("verdict", "yes", "no"),
    _one_of("source", "hand", "review"),
    Index(None, "word", "engine"),
    Index(None, "scan_id"),
    comment="What the user said of a tag on an item. engine …: the answer it was about, if any.",
)

rules = _table(
    "rules",
    Column("action", String(16), nullable=False),
    Column("word", String(512), nullable=False),
    Column("engine", String(64), nullable=False, server_default=""),
    Column("value", String(512), nullable=False, server_default=""),
    Column("section", String(1100), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("action", "word", "engine", "section"),
    _one_of("action", "deny", "allow", "rename", "threshold"),
    sqlite_autoincrement=True,
    comment="The user's rules; they override the environment's.",
)

engines = _table(
    "engines",
    Column("id", String(64), primary_key=True),
    Column("fingerprint", String(256), nullable=False),
    Column("min_confidence", Float, nullable=False),
    Column("max_tags", Integer, nullable=False),
    Column("prefix", String(64), nullable=False),
    Column("each", Text, nullable=False, server_default=""),
    Column("withheld", Text, nullable=False, server_default=""),
    Column("models", Text, nullable=False, server_default=""),
    comment="The last settings of each engine: one that is gone keeps the tags it gave.",
)

features = _table(
    "features",
    Column("content", String(64), nullable=False),
    Column("backbone", String(256), nullable=False),
    Column("sampler", String(64), nullable=False),
    Column("file", String(256), nullable=False),
    Column("frames", Integer, nullable=False),
    Column("dimensions", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    UniqueConstraint("content", "backbone", "sampler"),
    comment="Features that are kept in a file, by what they were made of and with.",
)

feature_origins = _table(
    "feature_origins",
    Column("origin", String(1024), nullable=False),
    Column("revision", String(256), nullable=False),
    Column("content", String(64), nullable=False),
    UniqueConstraint("origin"),
    comment="Which content was found where: what has not changed is not read again.",
)

conditions = _table(
    "conditions",
    Column("kind", String(32), nullable=False),
    Column("subject", String(1200), nullable=False),
    Column("title", Prose, nullable=False),
    Column("detail", Prose, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("announced_at", UtcDateTime),
    UniqueConstraint("kind", "subject"),
    comment="What is wrong now. announced_at: when a notice of its beginning was queued.",
)

notices = _table(
    "notices",
    Column("channel", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("level", String(16), nullable=False),
    Column("title", Prose, nullable=False),
    Column("body", Prose, nullable=False),
    Column("once", String(64)),
    Column("state", String(16), nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try", UtcDateTime, nullable=False),
    Column("owner", String(64), nullable=False, server_default=""),
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("problem", Prose, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    UniqueConstraint("channel", "once"),
    Index(None, "state", "channel"),
    _one_of("level", *NOTICE_LEVELS),
    _one_of("state", *NOTICE_STATES),
    comment="A notice for one channel. once: what a channel gets only once, or NULL.",
)

credentials = _table(
    "credentials",
    Column("kind", String(16), primary_key=True),
    Column("hash", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    _one_of("kind", "password", "api_key"),
    comment="What lets a user in, hashed.",
)

links = _table(
    "links",
    Column("hash", String(64), primary_key=True),
    Column("until", UtcDateTime, nullable=False),
    comment="Sign-in links that were not used yet, hashed; each is good once.",
)

sessions = _table(
    "sessions",
    Column("hash", String(64), primary_key=True),
    Column("until", UtcDateTime, nullable=False),
    comment="Who is signed in, by hashed session ids.",
)

attempts = _table(
    "attempts",
    Column("address", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(16), nullable=False, server_default="sign-in"),
    Index(None, "address", "at"),
    Index(None, "at"),
    _one_of("kind", "sign-in", "hook"),
    comment="Secrets that were wrong lately; too many from one address are made to wait.",
)

hooks = _table(
    "hooks",
    Column("name", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("library", String(64), nullable=False, server_default=""),
    Column("section", String(1024), nullable=False, server_default=""),
    Column("write", String(16), nullable=False, server_default="preview"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime),
    Column("news", Integer, nullable=False, server_default="0"),
    Column("others", Integer, nullable=False, server_default="0"),
    UniqueConstraint("hash"),
    _one_of("write", "preview", "apply"),
    comment="An address where programs announce news. news, others: how often, and how often not.",
)

events = _table(
    "events",
    Column("at", UtcDateTime, nullable=False),
    Column("level", String(8), nullable=False),
    Column("source", String(16), nullable=False),
    Column("message", Prose, nullable=False),
    # No foreign key: the event outlives the scan's details.
    Column("scan_id", Integer),
    Index(None, "at"),
    _one_of("level", *EVENT_LEVELS),
    _one_of("source", *EVENT_SOURCES),
    comment="What happened, a line each.",
)

workers = _table(
    "workers",
    Column("name", String(128), primary_key=True),
    Column("host", String(128), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(64), nullable=False),
    Column("home", String(64), nullable=False, server_default=""),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("queues", Text, nullable=False),
    Column("libraries", Text, nullable=False),
    Column("engines", Text, nullable=False),
    Column("draining", Boolean, nullable=False, server_default=false()),
    Column("items_done", BigInteger, nullable=False, server_default="0"),
    Column("items_s", Float, nullable=False, server_default="0"),
    Column("refusals", Text, nullable=False, server_default=""),
    comment="Worker processes as they last reported; one that ends deletes its row.",
)
request_slots = _table(
    "request_slots",
    Column("engine", String(64), nullable=False),
    Column("owner", String(128), nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("urgent", Boolean, nullable=False, server_default=false()),
    Column("under_way", Boolean, nullable=False, server_default=false()),
    Index(None, "engine"),
    comment="Requests to engines' services, waiting or under way, where several machines ask.",
)
tasks = _table(
    "tasks",
    Column("name", String(64), primary_key=True),
    Column("owner", String(128), nullable=False, server_default=""),
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("due_at", Float, nullable=False, server_default="0"),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("problem", Prose, nullable=False, server_default=""),
    comment="Background tasks: who runs each now, and how its last run ended.",
)

scan_requests = _table(
    "scan_requests",
    Column("library", String(64), nullable=False),
    Column("section", String(1024), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("write", String(16), nullable=False),
    Column("engines", String(1024), nullable=False),
    Column("reason", String(256), nullable=False),
    Column("not_before", Float, nullable=False),
    Column("latest", Float, nullable=False),
    Column("problem", Prose, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("library", "section", "mode", "write", "engines"),
    _one_of("mode", "changed", "decide", "new"),
    _one_of("write", "preview", "apply"),
    comment="Scans that start by themselves once it is time and their section is free.",
)

schedules = _table(
    "schedules",
    Column("id", String(64), primary_key=True),
    Column("cron", String(256), nullable=False),
    Column("library", String(64), nullable=False),
    Column("section", String(1024), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("write", String(16), nullable=False),
    Column("engines", String(1024), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    _one_of("mode", "new", "changed", "decide"),
    _one_of("write", "preview", "apply"),
    comment="The user's schedules; they override the environment's.",
)

schedule_clocks = _table(
    "schedule_clocks",
    Column("schedule", String(64), primary_key=True),
    Column("definition", String(512), nullable=False),
    Column("dealt_with", UtcDateTime, nullable=False),
    comment="Up to when the times of each schedule have been dealt with.",
)

firings = _table(
    "firings",
    Column("schedule", String(64), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("fired_at", UtcDateTime, nullable=False),
    Column("kind", String(16), nullable=False),
    UniqueConstraint("schedule", "due_at"),
    _one_of("kind", "due", "late", "missed", "manual"),
    comment="Times of schedules that have come, and what became of each.",
)

counters = _table(
    "counters",
    Column("name", String(32), primary_key=True),
    Column("label", String(64), primary_key=True),
    Column("value", Float, nullable=False),
    comment="Sums that only grow, whatever of history is dropped: for /metrics.",
)
