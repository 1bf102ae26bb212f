"""Imagga's API v2: what can be set, its requests, and its answers. Facts: https://docs.imagga.com"""

import unicodedata
from collections.abc import Mapping
from functools import partial
from math import isfinite
from random import uniform
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import requests
from pydantic import AfterValidator, ConfigDict, Field, SecretStr, field_validator
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from tigertag.contracts import Http
from tigertag.engines.http import ServiceOptions, checked_address
from tigertag.engines.http.concurrency import ConcurrencyLimiter
from tigertag.engines.http.errors import (
    Fault,
    Meaning,
    RequestRefused,
    Service,
    checked,
    json_of,
    send_once,
)
from tigertag.engines.imagga.account import AccountUsage
from tigertag.model import Label
from tigertag.text import tidy

IMAGGA = "https://api.imagga.com/v2"
MOST_AT_ONCE = 32
FORBIDDEN, NOT_FOUND, _TOO_MANY = 403, 404, 429
_REFUSALS = frozenset({400, FORBIDDEN, NOT_FOUND, 406, 410, 413, 415, 422})
_TOO_MANY_WAIT_S = 1.0


class Options(ServiceOptions):
    """The engine's own options; docs/engines/imagga.md explains each."""

    model_config = ConfigDict(str_strip_whitespace=True)

    api_key: Annotated[SecretStr, Field(min_length=1)]
    api_secret: Annotated[SecretStr, Field(min_length=1)]
    api_url: Annotated[str, AfterValidator(partial(checked_address, example=IMAGGA))] = IMAGGA
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})?$")] = "en"
    tagger: str = ""
    limit: Annotated[int, Field(ge=-1)] = 50

    @field_validator("tagger")
    @classmethod
    def _is_a_name(cls, tagger: str) -> str:
        if tagger in (".", "..") or any(unicodedata.category(letter) == "Cc" for letter in tagger):
            raise ValueError("it must be the id of a tagger")
        return tagger

    @field_validator("limit")
    @classmethod
    def _is_not_zero(cls, limit: int) -> int:
        if limit == 0:
            raise ValueError("it must be 1 or more, or -1 for all")
        return limit


def meaning(fault: Fault) -> Meaning:
    """Of the statuses Imagga documents only these are for good; 403 and 404 depend on more."""
    if fault.status == 401:
        return "credentials"
    return "refused" if fault.status in _REFUSALS else "later"


class ImaggaClient:
    """Sends each request once, and none beyond what the limiter allows. Thread-safe.

    Each method raises `RequestRefused`, `AuthFailed`, and `ServiceUnavailable`.
    """

    def __init__(
        self, engine: str, options: Options, http: Http, limiter: ConcurrencyLimiter
    ) -> None:
        stem = f"ENGINE_{engine.upper()}_"
        place = "" if options.api_url == IMAGGA else f" at {urlsplit(options.api_url).netloc}"
        self.service = Service(
            f"Imagga{place}",
            meaning,
            credentials=f"{stem}API_KEY and {stem}API_SECRET",
            address=f"{stem}API_URL",
            request=f"{stem}API_URL",
        )
        self._options = options
        self._limiter = limiter
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
        upload = self._result("POST", "/uploads", files=image).get("upload_id")
        if not isinstance(upload, str) or not upload:
            raise self.service.error(Fault("answered without the id of the upload", 200))
        return upload

    def tags(self, upload: str) -> dict[str, Any]:
        """Return the `result`, whatever is in it."""
        options = self._options
        query: dict[str, str | int] = {"image_upload_id": upload, "limit": options.limit}
        query["language"] = options.language
        path = f"/tags/{quote(options.tagger, safe='')}" if options.tagger else "/tags"
        return self._result("GET", path, params=query)

    def delete(self, upload: str) -> None:
        """Delete an upload; it may be gone already."""
        try:
            self._send("DELETE", f"/uploads/{quote(upload, safe='')}", urgent=True)
        except RequestRefused as exc:
            if exc.fault.status != NOT_FOUND:
                raise

    def usage(self) -> AccountUsage:
        """Read the account's usage; what the answer lacks is None."""
        return AccountUsage.model_validate(self._result("GET", "/usage", params={"concurrency": 1}))

    def _result(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        body = json_of(self._send(method, path, **parts))
        if not isinstance(body, dict):
            raise self.service.error(Fault("answered something that is not JSON", 200))
        result = body.get("result")
        return result if isinstance(result, dict) else {}

    def _send(
        self, method: str, path: str, *, urgent: bool = False, **parts: Any
    ) -> requests.Response:
        request = requests.Request(method, self._options.api_url + path, **parts)
        with self.service.translating():
            response = send_once(self._session, self._limiter, request, urgent=urgent)
            try:
                return checked(response, self._explain)
            except Fault as fault:
                if fault.status == _TOO_MANY and fault.retry_after_s is None:
                    fault.retry_after_s = uniform(0.5, 1.5) * _TOO_MANY_WAIT_S
                raise

    def _explain(self, body: Any) -> tuple[str, str]:
        """Return what the server says, with no secret in it, and no code."""
        status = body.get("status") if isinstance(body, dict) else None
        text = status.get("text") if isinstance(status, dict) else None
        text = tidy(text) if isinstance(text, str) else ""
        for secret in (self._options.api_key, self._options.api_secret):
            text = text.replace(secret.get_secret_value(), "***")
        return text.rstrip("."), ""


def labels(
    result: Mapping[str, object], language: str, *, at_s: float | None
) -> tuple[Label, ...] | None:
    """Return the labels out of the `result` of GET /tags, surest first; None where it has none.

    `{"tags": [{"confidence": 61.4, "tag": {"en": "mountain"}}]}`, of 100; the key is the language.
    """
    tags = result.get("tags")
    if not isinstance(tags, list):
        return None
    readable = [label for entry in tags if (label := _label(entry, language, at_s))]
    if tags and not readable:
        return None
    return tuple(sorted(readable, key=lambda label: -label.confidence))


def _label(entry: object, language: str, at_s: float | None) -> Label | None:
    """Return the label with its name in this language, or with the only name that there is."""
    match entry:
        case {"confidence": int() | float() as percent, "tag": dict() as names}:
            only = next(iter(names.values())) if len(names) == 1 else None
            name = names.get(language, only)
            name = name.strip() if isinstance(name, str) else ""
            if name and isfinite(percent) and not isinstance(percent, bool):
                return Label(name, min(1.0, max(0.0, percent / 100)), at_s=at_s)
    return None
