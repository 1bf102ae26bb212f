"""Who may sign in: credentials, sign-in links, and attempts that failed. All secrets are hashed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, text

from tigertag.store import schema
from tigertag.store.database import Db, any_where, insert_if_absent, insert_one, insert_or_replace

_credentials = schema.credentials
_links = schema.links
_sessions = schema.sessions
_attempts = schema.attempts


@dataclass(frozen=True, slots=True)
class Credential:
    hash: str
    changed_at: datetime


def credential(db: Db, kind: str) -> Credential | None:
    columns = (_credentials.c.hash, _credentials.c.changed_at)
    row = db.execute(select(*columns).where(_credentials.c.kind == kind)).one_or_none()
    return None if row is None else Credential(*row)


def put_credential(db: Db, kind: str, hash: str, now: datetime) -> None:
    row = {"kind": kind, "hash": hash, "changed_at": now}
    insert_or_replace(db, _credentials, [row], key=["kind"])


def put_first_credential(db: Db, kind: str, hash: str, now: datetime) -> bool:
    """Keep a credential where there is none yet; False when there is one."""
    insert_if_absent(db, _credentials, [{"kind": kind, "hash": hash, "changed_at": now}])
    kept = credential(db, kind)
    return kept is not None and kept.hash == hash


def add_link(db: Db, hash: str, *, until: datetime, now: datetime) -> None:
    db.execute(delete(_links).where(_links.c.until < now))
    db.execute(_links.insert().values(hash=hash, until=until))


def use_link(db: Db, hash: str, *, now: datetime) -> bool:
    """Use up a link; False when there is none, or it is too old."""
    where = (_links.c.hash == hash, _links.c.until >= now)
    return db.execute(delete(_links).where(*where)).rowcount == 1


def add_session(db: Db, hash: str, *, until: datetime, now: datetime) -> None:
    db.execute(delete(_sessions).where(_sessions.c.until < now))
    db.execute(_sessions.insert().values(hash=hash, until=until))


def has_session(db: Db, hash: str, *, now: datetime) -> bool:
    return any_where(db, _sessions.c.hash == hash, _sessions.c.until >= now)


def end_session(db: Db, hash: str) -> None:
    db.execute(delete(_sessions).where(_sessions.c.hash == hash))


def count_alone(db: Db) -> None:
    """Let nobody else count attempts until this transaction ends; SQLite has one writer anyway."""
    if db.dialect.name == "postgresql":
        db.execute(text("LOCK TABLE attempts IN EXCLUSIVE MODE"))


def attempt(db: Db, kind: str, address: str, now: datetime, *, since: datetime) -> int:
    """Take down an attempt, which counts as failed until it is withdrawn; forget old ones."""
    db.execute(delete(_attempts).where(_attempts.c.at < since))
    return insert_one(db, _attempts, {"kind": kind, "address": address, "at": now})


def attempts(db: Db, kind: str, address: str | None = None) -> tuple[int, datetime | None]:
    """Return how many attempts failed lately, and when the first of them did."""
    statement = select(func.count(), func.min(_attempts.c.at)).where(_attempts.c.kind == kind)
    if address is not None:
        statement = statement.where(_attempts.c.address == address)
    count, first = db.execute(statement).one()
    return count, first


def withdraw(db: Db, kind: str, address: str) -> None:
    """Forget the attempts from an address: one has succeeded."""
    where = (_attempts.c.kind == kind, _attempts.c.address == address)
    db.execute(delete(_attempts).where(*where))


def forget_attempts(db: Db) -> None:
    """Forget all attempts: there is a new password."""
    db.execute(delete(_attempts))
