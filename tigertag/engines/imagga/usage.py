"""What Imagga tells of an account. All of it may be missing, and some may be in any shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Self

_MILLISECONDS = 1e11


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls a month, calls made, calls at once, the month's end; None: no limit, or not told."""

    limit: int | None = None
    used: int | None = None
    at_once: int | None = None
    ends: datetime | None = None

    @classmethod
    def read(cls, told: Mapping[str, object]) -> Self:
        """Read the `result` of GET /usage."""
        concurrency = told.get("concurrency")
        most = concurrency.get("max") if isinstance(concurrency, Mapping) else None
        limit, used = _whole(told.get("monthly_limit")), _whole(told.get("monthly_processed"))
        at_once = _whole(most)
        return cls(
            limit=limit if limit and limit > 0 else None,
            used=used if used is not None and used >= 0 else None,
            at_once=at_once if at_once and at_once > 0 else None,
            ends=moment(told.get("billing_period_end")),
        )


def moment(told: object) -> datetime | None:
    """Read an ISO date or time, UTC unless it says otherwise, or seconds since 1970."""
    number = _number(told)
    try:
        if number is not None:
            seconds = number / 1000 if number > _MILLISECONDS else number
            return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
        read = datetime.fromisoformat(str(told).strip())
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _whole(told: object) -> int | None:
    number = _number(told)
    return None if number is None else int(number)


def _number(told: object) -> float | None:
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:
        number = float(told)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None
