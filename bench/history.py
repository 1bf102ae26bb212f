"""Scans of a small library, one a day, with what is too old pruned every tenth day.

A database that keeps 90 days must not grow after that: `python -m bench.history [scans]`.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from tests.colours import COLOURS
from tests.world import World
from tigertag.contracts import Failed
from tigertag.errors import Conflict
from tigertag.services import events, history, scans
from tigertag.services.scans import Request
from tigertag.store import schema, space

SCANS, PHOTOS, DAYS, PRUNE_EVERY = 2000, 60, 90, 10
CYCLE = 40
"""Days after which all comes again; databases are compared at the same day of it."""
_TABLES = (
    *(schema.scans, schema.chunks, schema.decisions, schema.work, schema.edits, schema.events),
    *(schema.answers, schema.standing, schema.tags, schema.problems, schema.items),
)
_TIMES = (
    *("scans.created_at", "scans.started_at", "scans.finished_at"),
    *("events.at", "problems.retry_at"),
)


class Life:
    """A library that is scanned every day. The clock moves by moving back what has happened."""

    def __init__(self, root: Path, *, photos: int, cycle: int, keep_days: int) -> None:
        self._cycle, self._keep_days = cycle, keep_days
        self.world = World(root, f"sqlite:///{root}/tigertag.db")
        for number in range(photos):
            self.world.picture(f"{number:03}.png", list(COLOURS)[number % 2])
        # One picture that fails for a passing reason, every time.
        self.world.picture("busy.png", "blue")
        self.world.engine.fails["blue"] = Failed("", "It was busy.", retryable=True)
        self.prune_s = 0.0
        self.last_write = 0

    def day(self, number: int) -> None:
        """A scheduled scan a night; a user's own scan, and all decided again, now and then."""
        if number % self._cycle == self._cycle - 1:
            self._scan("changed", reason="")
        elif number % self._cycle == self._cycle // 2 - 1:
            self._scan("decide", reason="schedule weekly")
        else:
            self._scan("new", reason="schedule nightly")
        events.record(self.world.core, "info", "scan", f"day {number}")
        self._move_clock(1)
        if number % PRUNE_EVERY == 0:
            began = time.perf_counter()
            history.prune(self.world.core, days=self._keep_days)
            self.prune_s = max(self.prune_s, time.perf_counter() - began)

    def _scan(self, mode: str, *, reason: str) -> None:
        request = Request("photos", None, mode, "apply", reason=reason)
        status = self.world.run(scans.start(self.world.core, request))
        if status.adds or status.removes:
            self.last_write = status.scan.id

    def _move_clock(self, days: int) -> None:
        with self.world.store.write() as db:
            for name in _TIMES:
                table, column = name.split(".")
                moved = f"strftime('%Y-%m-%d %H:%M:%f', {column}, '-{days} days') || '000'"
                where = f"WHERE {column} IS NOT NULL"
                db.exec_driver_sql(f"UPDATE {table} SET {column} = {moved} {where}")

    def rows(self) -> dict[str, int]:
        with self.world.store.read() as db:
            counts = {
                table.name: db.scalar(sa.select(sa.func.count()).select_from(table))
                for table in _TABLES
            }
        return {name: count or 0 for name, count in counts.items()}

    def used_bytes(self) -> int:
        used = space.of(self.world.store)
        return 0 if used is None else used.size_bytes

    def undo_of_an_old_scan_is_refused(self) -> bool:
        try:
            scans.undo(self.world.core, 1)
        except Conflict as exc:
            return "KEEP_DAYS" in str(exc)
        return False

    def undo_of_a_young_scan_works(self) -> bool:
        self.world.picture("new.png", "red")
        self._scan("changed", reason="")
        return self.world.undo(self.last_write).removes == 1


def measure(
    root: Path, number: int, *, photos: int = PHOTOS, cycle: int = CYCLE, keep_days: int = DAYS
) -> dict[str, float]:
    """Scan so many times; compare what is there once the first days are too old, and at last."""
    life = Life(root, photos=photos, cycle=cycle, keep_days=keep_days)
    settled = 4 * cycle
    seen: list[tuple[dict[str, int], int]] = []
    for day in range(number):
        life.day(day)
        if day >= settled and day % cycle == 0:
            seen.append((life.rows(), life.used_bytes()))
    (early, early_bytes), (late, late_bytes) = seen[0], seen[-1]
    figures: dict[str, float] = {
        "history_rows_more": sum(late.values()) - sum(early.values()),
        "history_scans_kept": late["scans"],
        "history_bytes_early": early_bytes,
        "history_bytes_late": late_bytes,
        "history_prune_s": round(life.prune_s, 2),
        "history_old_undo_refused": life.undo_of_an_old_scan_is_refused(),
        "history_young_undo_works": life.undo_of_a_young_scan_works(),
    }
    life.world.close()
    return figures


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else SCANS
    with tempfile.TemporaryDirectory(prefix="tigertag-history-") as folder:
        print(json.dumps(measure(Path(folder), number)))


if __name__ == "__main__":
    main()
