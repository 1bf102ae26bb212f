"""The packages that only learning needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from tigertag.errors import RequestError
from tigertag.plugins import EXTRA_OF, missing


@contextmanager
def told_if_missing() -> Iterator[None]:
    """Raises `RequestError`, which says what to install, where a package cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] not in EXTRA_OF:
            raise
        raise RequestError(f"Genres can be neither learned nor measured: {missing(exc)}") from exc
