"""Counters: sums that only ever grow, also when the history that they count is dropped.

Prometheus takes a counter that falls for a restart, and would count twice what was counted before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

from sqlalchemy import select

from tigertag.store import schema
from tigertag.store.database import Db, insert_or_add, sums_at_end

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
    """Add to counters at the end of the transaction of what is counted.

    All processes add to the same few rows, so none holds one for longer than it takes to commit.
    """
    sums = sums_at_end(db, _write)
    for place, value in more.items():
        sums[place] = sums.get(place, 0.0) + float(value)


def _write(db: Db, sums: Sums) -> None:
    rows = [
        {"name": name, "label": label, "value": value}
        for (name, label), value in sums.items()
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
