"""Lines of cron: read, put in words, and the moments at which they fire in a time zone.

APScheduler's trigger walks a wall clock that knows no daylight saving; the clocks' changes are
dealt with here. (Asked in a zone that sets its clocks back, it returns 02:30 there for ever.)
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from heapq import heappop, heappush, merge

from tigertag.errors import RequestError
from tigertag.text import did_you_mean

EXAMPLE = "0 2 * * *"
"""Every night at two."""

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d{1,4}))?", re.ASCII)
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a line: its name, its least and greatest number, and words for numbers."""

    name: str
    least: int
    most: int
    example: str
    pattern: str
    words: Mapping[str, int]

    @property
    def period(self) -> int:
        """After how many numbers it begins anew."""
        return 7 if self.words is _WEEKDAYS else self.most - self.least + 1


_WEEKDAYS = {day[:3].lower(): at for at, day in enumerate(_DAYS)}
_FIELDS = (
    _Field("minute", 0, 59, "*/15", "[0-5]?[0-9]", {}),
    _Field("hour", 0, 23, "2", "[01]?[0-9]|2[0-3]", {}),
    _Field("day of the month", 1, 31, "1", "0?[1-9]|[12][0-9]|3[01]", {}),
    _Field(
        *("month", 1, 12, "jan", f"0?[1-9]|1[0-2]|{'|'.join(_MONTHS)}"),
        {name: at for at, name in enumerate(_MONTHS, 1)},
    ),
    # Cron's Sunday is 0 and 7 alike.
    _Field("day of the week", 0, 7, "sun", f"[0-7]|{'|'.join(_WEEKDAYS)}", _WEEKDAYS),
)


def _list_pattern(number: str) -> str:
    part = rf"(\*|({number})(-({number}))?)(/[1-9][0-9]?)?"
    return f"{part}(,{part})*"


PATTERN = f"^({'|'.join(_SHORT)}|{' '.join(_list_pattern(field.pattern) for field in _FIELDS)})$"
"""What a line looks like, for machines; `parse` takes capitals and more blanks, too."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A line of cron that was understood; the numbers that each of its fields allows.

    `either_day`: the day of the month or that of the week is enough, as cron has it where neither
    begins with `*`.
    """

    line: str
    minutes: Sequence[int]
    hours: Sequence[int]
    days: Sequence[int]
    months: Sequence[int]
    weekdays: Sequence[int]
    either_day: bool

    def times(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Yield the moments, in UTC, at which it fires in this zone after another, in order.

        What would fire in an hour that the clocks skip fires an hour later. In an hour that comes
        twice it fires once, unless it fires in each hour.
        """
        last = after.astimezone(UTC)
        start = last + min(_offsets(last, zone))
        moments: list[datetime] = []
        for wall in self._wall_times(start.replace(tzinfo=None)):
            for moment in self._moments(wall, zone):
                heappush(moments, moment)
            # No later time on the wall can be before this.
            safe = wall.replace(tzinfo=UTC) - max(_offsets(wall.replace(tzinfo=UTC), zone))
            while moments and moments[0] <= safe:
                moment = heappop(moments)
                if moment > last:
                    yield moment
                    last = moment

    def _moments(self, wall: datetime, zone: tzinfo) -> Iterator[datetime]:
        first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        yield first.astimezone(UTC)
        comes_twice = (second.utcoffset() or _DAY) < (first.utcoffset() or _DAY)
        if comes_twice and len(self.hours) == 24:
            yield second.astimezone(UTC)

    def _wall_times(self, start: datetime) -> Iterator[datetime]:
        """Yield the times of a wall clock, from `start` on."""
        fields = {
            "month": _listed(self.months),
            "hour": _listed(self.hours),
            "minute": _listed(self.minutes),
        }
        day = {"day": _listed(self.days)}
        weekday = {"day_of_week": ",".join(_DAYS[each][:3].lower() for each in self.weekdays)}
        if self.either_day:
            return merge(_walk(fields | day, start), _walk(fields | weekday, start))
        return _walk(fields | day | weekday, start)


def parse(line: str) -> Cron:
    """Read a line. Raises `RequestError`, which names the field and gives an example."""
    parts = _SHORT.get(line.strip().casefold(), line).split()
    if len(parts) != len(_FIELDS):
        raise RequestError(
            f"{line!r} is not a line of cron: it has {len(parts)} fields, and needs 5 (minute,"
            f" hour, day of the month, month, day of the week), such as {EXAMPLE!r}."
        )
    minutes, hours, days, months, weekdays = (
        _numbers(field, part, line) for field, part in zip(_FIELDS, parts, strict=True)
    )
    weekdays = sorted({each % 7 for each in weekdays})
    either_day = not parts[2].startswith("*") and not parts[4].startswith("*")
    if not either_day and not any(days[0] <= _LONGEST_MONTHS[month - 1] for month in months):
        raise RequestError(
            f"{line!r} never fires: no month {parts[3]} has a day {parts[2]}. Use another"
            f" day, such as {EXAMPLE!r}, which is every night."
        )
    return Cron(" ".join(line.split()), minutes, hours, days, months, weekdays, either_day)


def _numbers(field: _Field, text: str, line: str) -> list[int]:
    numbers: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _wrong(field, part, line, "is not understood")
        star, first, last, step = match.groups()
        least = field.least if star else _number(field, first, line)
        most = least if star is None and last is None and step is None else field.most
        if last is not None:
            most = _number(field, last, line)
        if step is not None and int(step) == 0:
            raise _wrong(field, part, line, "has a step of 0")
        # From Friday to Monday, or from 22 to 4 o'clock: on beyond the last and the first.
        around = field.period if most < least else 0
        numbers.update(_within(field, at) for at in range(least, most + around + 1, int(step or 1)))
    return sorted(numbers)


def _within(field: _Field, number: int) -> int:
    return number if number <= field.most else number - field.period


def _number(field: _Field, text: str, line: str) -> int:
    word = text.casefold()
    number = int(word) if word.isdecimal() and len(word) < 4 else field.words.get(word, -1)
    if not field.least <= number <= field.most:
        hint = did_you_mean(text, field.words).removesuffix(".") if field.words else ""
        raise _wrong(field, text, line, f"is not from {field.least} to {field.most}{hint}")
    return number


def _wrong(field: _Field, part: str, line: str, what: str) -> RequestError:
    end = "" if what.endswith("?") else ";"
    return RequestError(
        f"{line!r} is not a line of cron: the {field.name} {part!r} {what}{end} it may be"
        f" {field.example!r}, and the whole line {EXAMPLE!r}."
    )


def _offsets(moment: datetime, zone: tzinfo) -> tuple[timedelta, timedelta]:
    """How far the zone's clocks are ahead of UTC, the day before and the day after."""
    nearby = (moment - _DAY, moment + _DAY)
    before, after = (each.astimezone(zone).utcoffset() or timedelta() for each in nearby)
    return before, after


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _walk(fields: Mapping[str, str], start: datetime) -> Iterator[datetime]:
    # It takes a quarter of a second to import, and most commands have no use for it.
    from apscheduler.triggers.cron import CronTrigger

    trigger = CronTrigger(**fields, second=0, timezone=UTC)
    following = partial(trigger.get_next_fire_time, None)
    at = following(start.replace(tzinfo=UTC))
    while at is not None:
        yield at.replace(tzinfo=None)
        at = following(at + _TICK)


def in_words(cron: Cron) -> str:
    """Say when it fires, without the time zone: "every night at 02:00"; else the line itself."""
    every_date = len(cron.months) == 12 and len(cron.days) == 31 and not cron.either_day
    every_day = every_date and len(cron.weekdays) == 7
    if every_day and len(cron.hours) == 24:
        return _in_each_hour(cron)
    if len(cron.minutes) > 1 or len(cron.hours) > 4:
        return f"at the times of {cron.line!r}"
    clock = _and([f"{hour:02}:{cron.minutes[0]:02}" for hour in cron.hours])
    if every_day:
        return f"every {'night' if cron.hours[-1] < 6 else 'day'} at {clock}"
    if every_date:
        return f"{_weekdays(cron.weekdays)} at {clock}"
    if len(cron.days) == 1 and len(cron.months) == 12 and len(cron.weekdays) == 7:
        return f"on the {_ordinal(cron.days[0])} of each month at {clock}"
    return f"at the times of {cron.line!r}"


def _in_each_hour(cron: Cron) -> str:
    step = 60 // len(cron.minutes)
    if list(cron.minutes) == list(range(0, 60, step)) and 60 % step == 0:
        named = {1: "every minute", 60: "every hour"}
        return named.get(step, f"every {step} minutes")
    if len(cron.minutes) == 1:
        return f"every hour at {cron.minutes[0]} past"
    return f"at the times of {cron.line!r}"


def _weekdays(weekdays: Sequence[int]) -> str:
    if list(weekdays) == [1, 2, 3, 4, 5]:
        return "Monday to Friday"
    # The week begins on Monday where it is read.
    names = [_DAYS[each] for each in sorted(weekdays, key=lambda day: (day - 1) % 7)]
    return f"every {_and(names)}"


def _ordinal(number: int) -> str:
    teens = 11 <= number % 100 <= 13
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
