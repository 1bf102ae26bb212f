"""Lines of cron: what they mean, when they fire where clocks change, and what is wrong with one."""

import re
from datetime import UTC, datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from tigertag import cron
from tigertag.errors import RequestError

BERLIN = ZoneInfo("Europe/Berlin")


def fires(line: str, after: str, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    """The next moments, in UTC, without the year and the seconds."""
    start = datetime.fromisoformat(after).replace(tzinfo=zone)
    times = cron.parse(line).times(start, zone)
    return [f"{moment:%m-%d %H:%M}" for moment in islice(times, count)]


@pytest.mark.parametrize(
    ("line", "field", "hint"),
    [
        ("61 2 * * *", "minute '61'", "0 to 59"),
        ("0 24 * * *", "hour '24'", "0 to 23"),
        ("0 2 0 * *", "day of the month '0'", "1 to 31"),
        ("0 2 * 13 *", "month '13'", "1 to 12"),
        ("0 2 * * 8", "day of the week '8'", "0 to 7"),
        ("0 2 * * mo", "day of the week 'mo'", "did you mean 'mon'?"),
        ("0 2 * jan-foo *", "month 'foo'", "1 to 12"),
        ("0 2 * * sunday", "day of the week 'sunday'", "did you mean 'sun'?"),
        ("*/0 2 * * *", "minute '*/0'", "step of 0"),
        ("0 2 L * *", "day of the month 'L'", "1 to 31"),
        ("0 2, * * *", "hour ''", "not understood"),
        ("0 2 * *", "4 fields", "needs 5"),
        ("0 0 2 * * *", "6 fields", "needs 5"),
        ("", "0 fields", "needs 5"),
        ("0 ² * * *", "hour '²'", "not understood"),
    ],
)
def test_a_line_that_is_wrong_names_its_field_and_gives_an_example(
    line: str, field: str, hint: str
) -> None:
    with pytest.raises(RequestError) as error:
        cron.parse(line)
    message = str(error.value)
    assert all(text in message for text in (field, hint, cron.EXAMPLE))


@pytest.mark.parametrize("line", ["0 2 31 2 *", "0 2 30,31 feb *", "0 2 31 2,4,6,9,11 */2"])
def test_a_line_that_never_fires_is_refused(line: str) -> None:
    with pytest.raises(RequestError, match="never fires"):
        cron.parse(line)


def test_a_leap_day_is_waited_for() -> None:
    assert fires("0 12 29 2 *", "2026-01-01T00:00", 2) == ["02-29 11:00", "02-29 11:00"]


def test_a_time_that_the_clocks_skip_fires_once() -> None:
    assert fires("30 2 * * *", "2026-03-28T12:00", 2) == ["03-29 01:30", "03-30 00:30"]
    assert fires("30 2,3 * * *", "2026-03-28T12:00", 2) == ["03-29 01:30", "03-30 00:30"]


def test_a_time_that_comes_twice_fires_once() -> None:
    expected = ["10-25 00:30", "10-26 01:30", "10-27 01:30"]
    assert fires("30 2 * * *", "2026-10-24T12:00", 3) == expected


def test_the_second_of_two_equal_times_is_not_fired_at() -> None:
    between = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    after = next(cron.parse("30 2 * * *").times(between, BERLIN))
    assert after == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_each_hour_fires_in_both_of_two_equal_hours() -> None:
    expected = ["10-24 23:00", "10-25 00:00", "10-25 01:00", "10-25 02:00"]
    assert fires("0 * * * *", "2026-10-25T00:30", 4) == expected
    half = [f"10-25 0{hour}:{minute}" for hour in range(3) for minute in ("00", "30")]
    assert fires("*/30 * * * *", "2026-10-25T01:45", 6) == half


def test_each_hour_fires_on_through_a_skipped_one() -> None:
    half = ["03-29 00:30", "03-29 01:00", "03-29 01:30", "03-29 02:00"]
    assert fires("*/30 * * * *", "2026-03-29T01:15", 4) == half


def test_a_zone_that_changes_by_half_an_hour_or_at_midnight_keeps_the_order() -> None:
    for zone, day in (("Australia/Lord_Howe", "2026-04-04"), ("Africa/Cairo", "2026-04-23")):
        start = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))
        times = list(islice(cron.parse("*/15 * * * *").times(start, ZoneInfo(zone)), 96 * 2))
        assert {(later - time).seconds for time, later in pairwise(times)} == {900}


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("0 12 * * 0", ["01-04", "01-11"]),
        ("0 12 * * 7", ["01-04", "01-11"]),
        ("0 12 * * SUN", ["01-04", "01-11"]),
        ("0 12 * * fri-mon", ["01-02", "01-03", "01-04", "01-05", "01-09"]),
        ("0 12 * * fri-mon/2", ["01-02", "01-04", "01-09"]),
        ("0 12 30-2 * *", ["01-02", "01-30", "01-31", "02-01"]),
        ("0 12 * * 5-7", ["01-02", "01-03", "01-04", "01-09"]),
        ("0 12 3 * mon", ["01-03", "01-05", "01-12"]),
        ("0 12 */2 * mon", ["01-05", "01-19", "02-09"]),
        ("@weekly", ["01-03", "01-10"]),
    ],
)
def test_days_are_counted_as_cron_does(line: str, days: list[str]) -> None:
    fired = fires(line, "2026-01-01T13:00", len(days))
    assert [moment.partition(" ")[0] for moment in fired] == days


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 2 * * *", "every night at 02:00"),
        ("30 14 * * *", "every day at 14:30"),
        ("0 8,20 * * *", "every day at 08:00 and 20:00"),
        ("0 3 * * 0", "every Sunday at 03:00"),
        ("0 3 * * mon,thu,sun", "every Monday, Thursday and Sunday at 03:00"),
        ("5 1 * * 1-5", "Monday to Friday at 01:05"),
        ("0 2 1 * *", "on the 1st of each month at 02:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * *", "every minute"),
        ("@hourly", "every hour"),
        ("20 * * * *", "every hour at 20 past"),
        ("0 2 1 1 *", "at the times of '0 2 1 1 *'"),
        ("1,2 3 * * *", "at the times of '1,2 3 * * *'"),
        ("0 2 1 * 1", "at the times of '0 2 1 * 1'"),
    ],
)
def test_the_usual_lines_have_words(line: str, words: str) -> None:
    assert cron.in_words(cron.parse(line)) == words


def test_what_the_pattern_allows_is_understood() -> None:
    pattern = re.compile(cron.PATTERN)
    for line in ("@daily", "*/15 22-4 1,15 jan-mar sun", "59 23 31 12 7", "00 02 01 01 0/2"):
        assert pattern.match(line)
        cron.parse(line)
    for line in ("60 * * * *", "* * 0 * *", "*/0 * * * *", "0 2 * *", "* * * 13 *"):
        assert not pattern.match(line)
