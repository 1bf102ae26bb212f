"""Requests to Imagga's API v2, and what its answers mean. Facts: https://docs.imagga.com"""

from random import uniform
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from tigertag.contracts import Http
from tigertag.engines.imagga.options import Options
from tigertag.engines.imagga.usage import Usage
from tigertag.errors import AuthFailed
from tigertag.net import retry_after_s
from tigertag.remote.gate import Gate
from tigertag.remote.once import Passing, once
from tigertag.text import bare_url, tidy

MOST_AT_ONCE = 32
_UNAUTHORIZED, _TOO_MANY = 401, 429
_REFUSALS = frozenset({400, 403, 404, 406, 410, 413, 415, 422})
_CROWDED_S = 1.0


class Refused(Exception):
    """Imagga refused this request, for good. `why` is what it said, if anything."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why


class Client:
    """Sends each request once, and none beyond what the gate lets in. Thread-safe.

    Each method raises `Refused`, `AuthFailed`, and `Passing` for what may pass.
    """

    def __init__(self, engine: str, options: Options, http: Http, gate: Gate) -> None:
        self._settings = f"ENGINE_{engine.upper()}"
        self._options = options
        self._gate = gate
        self._session = http.session()
        self._session.auth = HTTPBasicAuth(
            options.api_key.get_secret_value().encode(),
            options.api_secret.get_secret_value().encode(),
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=MOST_AT_ONCE))

    @property
    def host(self) -> str:
        """The name of the host that pictures leave for."""
        return urlsplit(self._options.api_url).hostname or ""

    def upload(self, jpeg: bytes) -> str:
        """Return the id of the upload."""
        image = {"image": ("image.jpg", jpeg, "image/jpeg")}
        answer, result = self._result("POST", "/uploads", files=image)
        upload = result.get("upload_id")
        if not isinstance(upload, str) or not upload:
            raise self._odd(answer, "without the id of the upload")
        return upload

    def tags(self, upload: str) -> dict[str, Any]:
        """Return the `result`, whatever is in it."""
        tagger = self._options.tagger
        asked: dict[str, str | int] = {"image_upload_id": upload, "limit": self._options.limit}
        asked["language"] = self._options.language
        path = f"/tags/{quote(tagger, safe='')}" if tagger else "/tags"
        return self._result("GET", path, params=asked)[1]

    def delete(self, upload: str) -> None:
        """Delete an upload; one that is gone already is no matter."""
        try:
            self._sent("DELETE", f"/uploads/{quote(upload, safe='')}", first=True)
        except Refused as exc:
            if exc.status != requests.codes.not_found:
                raise

    def usage(self) -> Usage:
        """Read the account's usage; what the answer lacks is None."""
        return Usage.read(self._result("GET", "/usage", params={"concurrency": 1})[1])

    def _result(
        self, method: str, path: str, **parts: Any
    ) -> tuple[requests.Response, dict[str, Any]]:
        answer = self._sent(method, path, **parts)
        told = _json(answer)
        if told is None:
            raise self._odd(answer, "with something that is not JSON")
        result = told.get("result")
        return answer, result if isinstance(result, dict) else {}

    def _sent(
        self, method: str, path: str, *, first: bool = False, **parts: Any
    ) -> requests.Response:
        request = requests.Request(method, self._options.api_url + path, **parts)
        answer = once(self._session, self._gate, request, first=first)
        if 200 <= answer.status_code < 300:
            return answer
        raise self._error(answer)

    def _error(self, answer: requests.Response) -> Exception:
        status = answer.status_code
        if status == _UNAUTHORIZED:
            return AuthFailed(
                "Imagga refused the credentials (401); what was answered is kept. Check"
                f" {self._settings}_API_KEY and {self._settings}_API_SECRET."
            )
        if status in _REFUSALS:
            return Refused(status, self._why(answer))
        wait_s = retry_after_s(answer)
        if status == _TOO_MANY:
            wait_s = uniform(0.5, 1.5) * _CROWDED_S if wait_s is None else wait_s
        return Passing(
            f"{_place(answer)} answered {status}{self._why(answer)}; what was answered is kept."
            " It is asked again later"
            + (f"; check {self._settings}_API_URL." if 300 <= status < 500 else "."),
            in_doubt=status >= 500,
            status=status,
            retry_after_s=wait_s,
        )

    def _odd(self, answer: requests.Response, how: str) -> Passing:
        return Passing(
            f"{_place(answer)} answered {how}; what was answered is kept. It is asked again"
            f" later; check {self._settings}_API_URL.",
            in_doubt=True,
            status=answer.status_code,
        )

    def _why(self, answer: requests.Response) -> str:
        """Return what the server says, as " (…)", with no secret in it."""
        status = (_json(answer) or {}).get("status")
        said = status.get("text") if isinstance(status, dict) else None
        text = tidy(said) if isinstance(said, str) else ""
        for secret in (self._options.api_key, self._options.api_secret):
            text = text.replace(secret.get_secret_value(), "***")
        return f" ({text.rstrip('.')})" if text else ""


def _place(answer: requests.Response) -> str:
    return bare_url(answer.url)


def _json(answer: requests.Response) -> dict[str, Any] | None:
    try:
        told = answer.json()
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
