"""The nights of backups: when one is due, and which of the old ones are kept."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path

DAYS, WEEKS = 7, 4
"""How many nightly backups are kept: of the newest days, and of the newest weeks."""


def last(now: datetime, at: time, zone: tzinfo) -> datetime:
    """Return the last time, not after `now`, that clocks of the zone showed `at`.

    By the date: an hour that comes twice in autumn counts once; one that is left out in spring
    counts as the hour after it.
    """
    today = now.astimezone(zone).date()
    moment = _moment(today, at, zone)
    return moment if moment <= now else _moment(today - timedelta(days=1), at, zone)


def following(now: datetime, at: time, zone: tzinfo) -> datetime:
    """Return the next such time after `now`."""
    today = now.astimezone(zone).date()
    moment = _moment(today, at, zone)
    return moment if moment > now else _moment(today + timedelta(days=1), at, zone)


def _moment(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


def surplus(made: Mapping[Path, datetime], zone: tzinfo) -> list[Path]:
    """Return the backups that are neither the last of one of the newest days nor of the weeks."""
    days: dict[object, Path] = {}
    weeks: dict[object, Path] = {}
    newest_first = sorted(made, key=lambda path: made[path], reverse=True)
    for path in newest_first:
        local = made[path].astimezone(zone)
        days.setdefault(local.date(), path)
        weeks.setdefault(local.isocalendar()[:2], path)
    kept = {*list(days.values())[:DAYS], *list(weeks.values())[:WEEKS]}
    return [path for path in newest_first if path not in kept]
