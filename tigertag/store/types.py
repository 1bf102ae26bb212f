"""Column types that refuse the same on SQLite, which knows no lengths, as on PostgreSQL."""

from math import isfinite
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Dialect, TypeDecorator
from sqlalchemy.types import TypeEngine

from tigertag import bounds
from tigertag.errors import Unstorable

_LONGEST_PROSE = 4000


class _Plain(TypeDecorator[Any]):
    """What is compared with a column is not kept in it: it may be longer, and is not found."""

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return self.impl_instance


class String(_Plain):
    """Text of at most so many characters."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        longest = self.impl_instance.length  # type: ignore[attr-defined]
        if value is not None and longest is not None and len(value) > longest:
            raise Unstorable(f"A text of {len(value)} characters is too long: {longest} are kept.")
        return value


class Text(_Plain):
    """Text of any length."""

    impl = sa.Text
    cache_ok = True


class Prose(_Plain):
    """What people read, such as a server's words: what cannot be kept of it is left out."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else bounds.cut(value, _LONGEST_PROSE)


class Integer(_Plain):
    """A whole number of 32 bits."""

    impl = sa.Integer
    cache_ok = True

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return sa.BigInteger()

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and not -bounds.LARGEST - 1 <= value <= bounds.LARGEST:
            raise Unstorable("A number is too large to be kept.")
        return value


class BigInteger(_Plain):
    """A whole number of 64 bits."""

    impl = sa.BigInteger
    cache_ok = True


class Float(_Plain):
    """A finite number."""

    impl = sa.Float
    cache_ok = True


def check(value: Any) -> None:
    """Raise `Unstorable` for what one of the databases does not take, whatever the column."""
    if isinstance(value, str):
        if not bounds.is_text(value):
            raise Unstorable("A text holds a NUL, or half of a surrogate pair.")
    elif isinstance(value, float):
        if not isfinite(value):
            raise Unstorable("A number is not finite.")
    elif isinstance(value, int) and abs(value) > bounds.LARGEST_SIZE:
        raise Unstorable("A number is too large to be kept.")
