"""What a server's answer, or the lack of one, means as an error. No message carries a secret."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from tigertag.errors import HttpError
from tigertag.wording import bare_url

OK, PARTIAL, RANGE_REFUSED = 200, 206, 416
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class Passing(HttpError):
    """The server did not answer as it should; another try may help."""


def check(response: requests.Response, url: str) -> None:
    """Raise `HttpError` unless there is a body to take, or a range that was refused."""
    status = response.status_code
    if status in (OK, PARTIAL, RANGE_REFUSED):
        return
    message = f"{bare_url(url)} answered {status} {response.reason or ''}".rstrip() + "."
    error = Passing if status in _PASSING_STATUS else HttpError
    raise error(message, status=status, retry_after_s=retry_after_s(response))


@contextmanager
def mapped(url: str) -> Iterator[None]:
    """Turn requests' errors into ours.

    Only the system's error is chained: requests' own messages carry the whole address.
    """
    try:
        yield
    except (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
    ) as exc:
        raise Passing(f"{bare_url(url)} {_what_happened(exc)}.") from _root(exc)
    except requests.TooManyRedirects:
        raise HttpError(f"{bare_url(url)} sends from one address to another without end.") from None
    except requests.RequestException:
        raise HttpError(f"{bare_url(url)} cannot be loaded, or leads where nothing can.") from None


def _what_happened(exc: requests.RequestException) -> str:
    if isinstance(exc, requests.Timeout):
        return "did not answer in time"
    if isinstance(exc, requests.exceptions.ChunkedEncodingError):
        return "cut the connection"
    root = _root(exc)
    return f"cannot be reached ({root.strerror})" if root and root.strerror else "cannot be reached"


def _root(exc: BaseException) -> OSError | None:
    """Return the system's error beneath requests' and urllib3's."""
    if isinstance(exc, OSError) and not isinstance(exc, requests.RequestException):
        return exc
    below = exc.__cause__ or exc.__context__
    return None if below is None else _root(below)


def retry_after_s(response: requests.Response) -> float | None:
    """Read Retry-After: seconds or a date (RFC 9110, 10.2.3)."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
