"""A session of `requests` with this program's manners, and what its errors mean.

No message carries a secret.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError, SSLError

from tigertag import __version__
from tigertag.errors import HttpError
from tigertag.net.retry import RetryPolicy
from tigertag.text import bare_url, looks_secret

OK, PARTIAL, RANGE_REFUSED = 200, 206, 416

_CONNECTIONS = 8
# A POST or PATCH that got no answer may have been carried out: a second one could do it twice.
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_RETRY_STATUS = frozenset({408, 425, 429, 502, 503, 504})
_TRANSIENT_STATUS = _RETRY_STATUS | {500}
_NO_ANSWER = (requests.ConnectionError, requests.Timeout, ChunkedEncodingError)


class TransientHttpError(HttpError):
    """The server did not answer as it should; another try may help."""


class _Retryable(Exception):
    """The server answered that another try may help."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class Session(requests.Session):
    """It times out, tries again, and takes no secret to another host. Thread-safe.

    A request whose method is among `repeatable` is sent again when there was no answer, when the
    answer was cut, and when its status is 408, 425, 429, 502, 503 or 504, after the time that the
    server asks for; the last such answer is returned. With `repeats_timeouts` off, a request that
    reached the server and got no answer in time is not sent again. What `requests` raises comes
    through. The body of an answer that is streamed is the caller's business. At most 8 connections
    a host are open.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        headers: Mapping[str, str],
        *,
        repeatable: Collection[str] = REPEATABLE,
        repeats_timeouts: bool = True,
    ) -> None:
        super().__init__()
        self._policy = policy
        self._repeatable = frozenset(repeatable)
        self._repeats_timeouts = repeats_timeouts
        self.headers["User-Agent"] = f"TigerTag/{__version__}"
        self.headers.update(headers)
        self.max_redirects = 10
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS, pool_block=True))

    def request(
        self, method: str | bytes, url: str | bytes, *args: Any, **options: Any
    ) -> requests.Response:
        if options.get("timeout") is None:
            options["timeout"] = self._policy.timeout_s
        request = super().request
        if str(method).upper() not in self._repeatable:
            return request(method, url, *args, **options)

        def attempt() -> requests.Response:
            response = request(method, url, *args, **options)
            if response.status_code in _RETRY_STATUS:
                raise _Retryable(response)
            return response

        try:
            return self._policy.run(attempt, self._again)
        except _Retryable as exc:
            return exc.response

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a prepared request, once; it times out, too."""
        if options.get("timeout") is None:
            options["timeout"] = self._policy.timeout_s
        return super().send(request, **options)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Drop, when redirected to another host, secrets that `requests` does not know as such."""
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
        if self.should_strip_auth(response.request.url, prepared_request.url):  # type: ignore[no-untyped-call]
            for name in [name for name in prepared_request.headers if looks_secret(name)]:
                del prepared_request.headers[name]

    def _again(self, exc: Exception) -> bool | float:
        if isinstance(exc, _Retryable):
            exc.response.close()
            return self._policy.after(retry_after_s(exc.response))
        if isinstance(exc, requests.ReadTimeout) and not self._repeats_timeouts:
            return False
        return isinstance(exc, _NO_ANSWER) and not isinstance(exc, SSLError)


def check(response: requests.Response, url: str) -> None:
    """Raise `HttpError` unless there is a body to take, or a range that was refused."""
    status = response.status_code
    if status in (OK, PARTIAL, RANGE_REFUSED):
        return
    message = f"{bare_url(url)} answered {status} {response.reason or ''}".rstrip() + "."
    error = TransientHttpError if status in _TRANSIENT_STATUS else HttpError
    raise error(message, status=status, retry_after_s=retry_after_s(response))


@contextmanager
def mapped_errors(url: str) -> Iterator[None]:
    """Turn requests' errors into ours.

    Only the system's error is chained: requests' own messages carry the whole address.
    """
    try:
        yield
    except _NO_ANSWER as exc:
        raise TransientHttpError(f"{bare_url(url)} {_what_happened(exc)}.") from _root(exc)
    except requests.TooManyRedirects:
        raise HttpError(f"{bare_url(url)} redirects without end.") from None
    except requests.RequestException:
        raise HttpError(
            f"{bare_url(url)} cannot be loaded, or redirects to an address that cannot."
        ) from None


def _what_happened(exc: requests.RequestException) -> str:
    if isinstance(exc, requests.Timeout):
        return "did not answer in time"
    if isinstance(exc, ChunkedEncodingError):
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
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
