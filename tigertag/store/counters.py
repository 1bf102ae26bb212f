"""Counters: sums that only ever grow, also when the history that they count is dropped.

Prometheus takes a counter that falls for a restart, and would count twice what was counted before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

from sqlalchemy import select

from tigertag.store import schema
from tigertag.store.database import Db, insert_or_add

Name = Literal[
    # By engine: items with an answer, the time that took, items that it failed at,
    "answers",
    "answer_s",
    "failures",
    # requests that left for its service, calls of its quota, money, calls of unknown result.
    "calls",
    "units",
    "cost_usd",
    "lost_calls",
    # By the state in which they ended: scans, the time they took, and edits.
    "scans",
    "scan_s",
    "edits",
]
Sums = Mapping[tuple[Name, str], float]

_counters = schema.counters


def add(db: Db, more: Sums) -> None:
    """Add to counters, in the transaction of what is counted: as its last statement.

    All processes add to the same few rows, so whoever holds one should commit soon.
    """
    rows = [
        {"name": name, "label": label, "value": float(value)}
        # In one order, or two transactions could wait for each other.
        for (name, label), value in sorted(more.items())
        if value > 0
    ]
    insert_or_add(db, _counters, rows, key=("name", "label"), add="value")


def results(ended: Iterable[tuple[str, bool, float]]) -> Sums:
    """Return what results count: (engine, whether it answered, how long that took)."""
    sums: dict[tuple[Name, str], float] = defaultdict(float)
    for engine, is_answer, took_s in ended:
        sums["answers" if is_answer else "failures", engine] += 1
        if is_answer:
            sums["answer_s", engine] += took_s
    return sums


def every(db: Db) -> dict[tuple[str, str], float]:
    """Return all counters, by name and label."""
    return {(row.name, row.label): row.value for row in db.execute(select(_counters))}
