"""What a browser asked for, as the services take it."""

from flask import request

from tigertag.errors import RequestError

_LONGEST = 512
_LARGEST_ID = 2**31 - 1


def by_htmx() -> bool:
    """Whether htmx asks, for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def text(name: str) -> str:
    """Return a field of the form or of the query, "" when it is not given.

    Raises `RequestError` when it is longer than any word may be.
    """
    value = request.values.get(name, "").replace("\0", "").strip()
    if len(value) > _LONGEST:
        raise RequestError(f"{name} has {_LONGEST} letters at most.")
    return value


def cursor() -> str | None:
    return text("cursor") or None


def number(name: str) -> int:
    """Return a field that holds an id. Raises `RequestError`."""
    value = text(name)
    if not (value.isascii() and value.isdigit() and int(value[:12]) <= _LARGEST_ID):
        raise RequestError(f"{name} must be a number, not {value[:40]!r}.")
    return int(value)


def place() -> tuple[str, str]:
    """Return library and section of the field `in`, "library/section"; "" is everywhere."""
    library, _slash, section = text("in").partition("/")
    return library, section
