"""When a nightly backup is due, with daylight saving; which old ones are kept."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tigertag.services import nights

BERLIN = ZoneInfo("Europe/Berlin")
AT = time(2, 30)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        ("2026-06-10 00:29", "2026-06-09 00:30", "2026-06-10 00:30"),
        ("2026-06-10 00:30", "2026-06-10 00:30", "2026-06-11 00:30"),
        # In spring 02:30 is left out: 01:30 UTC is 03:30.
        ("2026-03-29 01:29", "2026-03-28 01:30", "2026-03-29 01:30"),
        ("2026-03-29 01:30", "2026-03-29 01:30", "2026-03-30 00:30"),
        # In autumn it comes twice: at 00:30 and at 01:30 UTC.
        ("2026-10-25 00:30", "2026-10-25 00:30", "2026-10-26 01:30"),
        ("2026-10-25 01:30", "2026-10-25 00:30", "2026-10-26 01:30"),
    ],
)
def test_each_date_has_one_backup(now: str, last: str, following: str) -> None:
    assert nights.last(at(now), AT, BERLIN) == at(last)
    assert nights.following(at(now), AT, BERLIN) == at(following)


def test_the_newest_seven_days_and_four_weeks_are_kept() -> None:
    made = {Path(f"{day}"): at("2026-06-30 00:30") - timedelta(days=day) for day in range(60)}
    kept = made.keys() - {*nights.surplus(made, BERLIN)}
    # 30 June is a Tuesday: the newest of each of the last four weeks are it and three Sundays.
    assert sorted(int(path.name) for path in kept) == [0, 1, 2, 3, 4, 5, 6, 9, 16]


def test_two_backups_of_a_day_count_as_one_day() -> None:
    made = {Path(f"{hour}"): at("2026-06-10 20:00") - timedelta(hours=hour) for hour in (0, 1)}
    assert nights.surplus(made, BERLIN) == [Path("1")]
