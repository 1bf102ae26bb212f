"""Lists by parts: a cursor names the last row of a part, and means nothing to who gets it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from tigertag.errors import RequestError
from tigertag.services.views import Page

T = TypeVar("T")

_MOST = 2**31 - 1


def number(cursor: str | None) -> int | None:
    """Return what a cursor holds. Raises `RequestError` when it is none of ours."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and int(cursor) <= _MOST):
        raise RequestError("This is not a cursor; take it from `next` of the list before.")
    return int(cursor)


def cut(rows: Sequence[T], limit: int, *, after: Callable[[T], int]) -> Page[T]:
    """Make a page of `limit` rows out of one row more, if there is one more."""
    some = rows[:limit]
    more = len(rows) > limit
    return Page(tuple(some), str(after(some[-1])) if more and some else None)
