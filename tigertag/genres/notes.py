"""What is to be said of rows that were left out, or not taken as they stand there."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tigertag.text import count, printable

logger = logging.getLogger(__name__)

_NAMED = 3
_RUNS = 12
_REASONS = 8
_LONGEST = 80
_ALL = "LOG_LEVEL=DEBUG names each"


@dataclass(slots=True)
class _Places:
    named: list[tuple[int, str]] = field(default_factory=list)

    def first(self) -> str:
        """Name the first, and say on which lines the others are."""
        places = sorted(self.named)
        said = "; ".join(_place(line, name) for line, name in places[:_NAMED])
        rest = [line for line, _name in places[_NAMED:]]
        if not rest:
            return said
        lines = f": {_lines(rest)}" if rest[0] else ""
        return f"{said}; and {len(rest)} more{lines}"


class Notes:
    """Gathers what is to be said of rows: once for each reason, with where it holds.

    A line of 0: the row is of no file.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Places] = {}

    def left_out(self, line: int, reason: str, named: str = "") -> None:
        self._add(line, "left out", reason, named)

    def used(self, line: int, reason: str, named: str = "") -> None:
        """Say that a row was used, yet not as it stands there."""
        self._add(line, "used all the same", reason, named)

    def said(self) -> list[str]:
        """Return one line for each of the first reasons, and one for all others."""
        found = list(self._found.items())
        lines = [
            f"{count(len(places.named), 'row')} {what} ({places.first()}): {reason}"
            for (what, reason), places in found[:_REASONS]
        ]
        others = found[_REASONS:]
        if others:
            rows = sum(len(places.named) for _, places in others)
            reasons = count(len(others), "other reason")
            lines.append(f"{count(rows, 'row')} more, for {reasons}; {_ALL}.")
        return lines

    def _add(self, line: int, what: str, reason: str, named: str) -> None:
        name = printable(named)[:_LONGEST]
        logger.debug("%s: %s: %s", what, _place(line, name), reason)
        self._found.setdefault((what, reason), _Places()).named.append((line, name))


def _place(line: int, name: str) -> str:
    return ", ".join(filter(None, (f"line {line}" if line else "", name)))


def _lines(numbers: Sequence[int]) -> str:
    """[3, 4, 5, 9] → "lines 3-5, 9"."""
    runs = [f"{low}-{high}" if low < high else f"{low}" for low, high in _runs(numbers)]
    some = ", ".join(runs[:_RUNS])
    more = f" and others; {_ALL}" if len(runs) > _RUNS else ""
    return f"line{'s' if len(numbers) > 1 else ''} {some}{more}"


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    low = high = numbers[0]
    for number in numbers[1:]:
        if number > high + 1:
            yield low, high
            low = number
        high = number
    yield low, high
