"""A session of `requests` with this program's manners."""

from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tigertag import __version__
from tigertag.net.faults import retry_after_s
from tigertag.net.patience import Patience
from tigertag.wording import looks_secret

_CONNECTIONS = 8
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_LATER = frozenset({408, 425, 429, 502, 503, 504})


class _Later(Exception):
    """The server answered that another try may help."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class Session(requests.Session):
    """It times out, tries again, and takes no secret to another host. Thread-safe.

    A GET, HEAD, OPTIONS, PUT or DELETE is sent again when there was no answer, when the answer was
    cut, and when its status is 408, 425, 429, 502, 503 or 504, after the time that the server asks
    for; the last such answer is returned. What `requests` raises comes through. The body of an
    answer that is streamed is the caller's business. At most 8 connections a host are open.
    """

    def __init__(self, patience: Patience, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._patience = patience
        self.headers["User-Agent"] = f"TigerTag/{__version__}"
        self.headers.update(headers)
        self.max_redirects = 10
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS, pool_block=True))

    def request(
        self, method: str | bytes, url: str | bytes, *args: Any, **options: Any
    ) -> requests.Response:
        if options.get("timeout") is None:
            options["timeout"] = (self._patience.connect_s, self._patience.read_s)
        if str(method).upper() not in _REPEATABLE:
            return super().request(method, url, *args, **options)
        try:
            for attempt in self._patience.attempts_at(self._again):
                with attempt:
                    response = super().request(method, url, *args, **options)
                    if response.status_code in _LATER:
                        raise _Later(response)
        except _Later as exc:
            return exc.response
        return response

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a prepared request, once; it times out, too."""
        if options.get("timeout") is None:
            options["timeout"] = (self._patience.connect_s, self._patience.read_s)
        return super().send(request, **options)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Leave at home, when redirected to another host, what `requests` knows to be no secret."""
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
        if self.should_strip_auth(response.request.url, prepared_request.url):  # type: ignore[no-untyped-call]
            for name in [one for one in prepared_request.headers if looks_secret(one)]:
                del prepared_request.headers[name]

    def _again(self, exc: Exception) -> bool | float:
        if isinstance(exc, _Later):
            exc.response.close()
            return self._patience.heeds(retry_after_s(exc.response))
        if isinstance(exc, requests.exceptions.SSLError):
            return False
        return isinstance(
            exc,
            requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError,
        )
