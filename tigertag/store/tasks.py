"""Background tasks: which process runs one now, when it is due again, how its last run ended."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, update

from tigertag.store import schema
from tigertag.store.database import Db, as_type, insert_if_absent, insert_or_replace, now_s

_tasks = schema.tasks


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task. `due_at`: seconds since the epoch; `problem`: why its last run failed, else ""."""

    name: str
    due_at: float
    started_at: datetime | None
    ended_at: datetime | None
    problem: str


def claim(db: Db, name: str, *, owner: str, lease_s: float) -> bool:
    """Take a task that is due and that nobody runs; False: it is not due, or another has it."""
    insert_if_absent(db, _tasks, [{"name": name}])
    due = (_tasks.c.name == name, _tasks.c.due_at <= now_s(), _tasks.c.lease_until < now_s())
    values = {"owner": owner, "lease_until": now_s() + lease_s, "started_at": datetime.now(UTC)}
    return db.execute(update(_tasks).where(*due).values(**values)).rowcount == 1


def is_due(db: Db, name: str) -> bool:
    """Whether `claim` may take it: a look that writes nothing."""
    waits = (_tasks.c.due_at > now_s()) | (_tasks.c.lease_until >= now_s())
    return db.scalar(select(_tasks.c.name).where(_tasks.c.name == name, waits)) is None


def renew(db: Db, name: str, *, owner: str, lease_s: float) -> None:
    """Prolong our claim; one that ran out and was taken by another stays lost."""
    mine = (_tasks.c.name == name, _tasks.c.owner == owner)
    db.execute(update(_tasks).where(*mine).values(lease_until=now_s() + lease_s))


def finish(db: Db, name: str, *, owner: str, again_in_s: float, problem: str) -> None:
    """Note how a run ended, and when the next is due."""
    mine = (_tasks.c.name == name, _tasks.c.owner == owner)
    values = {"lease_until": 0.0, "due_at": now_s() + again_in_s, "problem": problem}
    db.execute(update(_tasks).where(*mine).values(ended_at=datetime.now(UTC), **values))


def note(db: Db, name: str, problem: str) -> None:
    """Note a run of a task that nobody claims."""
    row = {"name": name, "ended_at": datetime.now(UTC), "problem": problem}
    insert_or_replace(db, _tasks, [row], key=("name",))


def every(db: Db) -> dict[str, TaskRow]:
    return {row.name: as_type(TaskRow, row) for row in db.execute(select(_tasks))}
