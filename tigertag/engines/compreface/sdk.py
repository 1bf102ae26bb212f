"""The package `compreface-sdk`, made safe; docs/adr/0013-compreface-sdk-made-safe.md says how."""

import re
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

import requests

from tigertag.engines.http.concurrency import ConcurrencyLimiter
from tigertag.engines.http.errors import Fault, Meaning, Service, checked, json_of, send_once
from tigertag.errors import EngineError

NO_FACE, SEVERAL_FACES, TOO_BIG = "28", "31", 413
_KEY_REFUSED = {(400, "20"), (400, "26"), (404, "10")}
"""Status and code: the key is missing, no UUID, or unknown or of another kind of service."""

_UNKNOWN_KEY = "10"
_ANY_FAULT_OF_ITS_OWN = "0"
_LATER = frozenset({408, 425, 429})
_APPENGINE = "urllib3.contrib.appengine"
_FACES = "/api/v1/recognition/faces"
_ONE_FACE_OR_SUBJECT = re.compile(r"/api/v1/recognition/(?:faces|subjects)/([^/?#]+)")

T = TypeVar("T")


def meaning(fault: Fault) -> Meaning:
    """CompreFace answers in JSON with a code; what answers 404 without one is something else."""
    status = fault.status
    if status is None or 200 <= status < 300 or status >= 500 or status in _LATER:
        return "later"
    if status in (401, 403) or (status, fault.code) in _KEY_REFUSED:
        return "credentials"
    if status < 400 or (status == 404 and not fault.code):
        return "address"
    return "refused now" if fault.code == _ANY_FAULT_OF_ITS_OWN else "refused"


@dataclass(frozen=True, slots=True)
class SdkTransport:
    """Stands for `requests` while the SDK makes one request.

    Each goes through our session, a single time, with its timeouts. The key is in a header alone.
    Raises `EngineError`, as `service` has it.
    """

    service: Service
    session: requests.Session
    limiter: ConcurrencyLimiter
    address: str
    params: dict[str, int] = field(default_factory=dict)

    def get(self, url: str, **parts: Any) -> Any:
        return self._json("GET", url, parts)

    def post(self, url: str, **parts: Any) -> Any:
        return self._json("POST", url, parts)

    def delete(self, url: str, **parts: Any) -> Any:
        """Delete one face or one subject, which may be gone already: never a collection."""
        path = _ONE_FACE_OR_SUBJECT.fullmatch(url.removeprefix(self.address))
        if path is None or not unquote(path[1]).strip(". "):
            raise AssertionError("a collection of faces must never be deleted")
        return self._json("DELETE", url, parts)

    def picture(self, image_id: str, *, key: str) -> bytes:
        """Return a picture as it was sent; empty where CompreFace keeps none."""
        url = f"{self.address}{_FACES}/{image_id}/img"
        with self.service.translating():
            return self._sent(requests.Request("GET", url, headers={"x-api-key": key})).content

    def _json(self, method: str, url: str, parts: Mapping[str, Any]) -> Any:
        with self.service.translating():
            try:
                response = self._sent(requests.Request(method, url, params=self.params, **parts))
            except Fault as fault:
                if method == "DELETE" and fault.status == 404 and fault.code != _UNKNOWN_KEY:
                    return _SdkResponse({})
                raise
            body = json_of(response)
            if body is None:
                raise Fault("answered something that is not JSON", response.status_code)
        return _SdkResponse(body)

    def _sent(self, request: requests.Request) -> requests.Response:
        return checked(send_once(self.session, self.limiter, request), _code_of)


class _SdkResponse(NamedTuple):
    """What the SDK takes from an answer."""

    body: Any

    def json(self) -> Any:
        return self.body


def _code_of(body: Any) -> tuple[str, str]:
    code = body.get("code") if isinstance(body, dict) else None
    return (f"code {code}", str(code)) if isinstance(code, int) else ("", "")


def call(transport: SdkTransport, method: Callable[[], T]) -> T:
    """Call a method of the SDK; its requests go through a transport. Raises `EngineError`."""
    refusal = _sdk().exceptions.IncorrectFieldException
    token = _TRANSPORT.set(transport)
    try:
        return method()
    except refusal as exc:  # It is a BaseException, which nobody else would catch.
        raise EngineError(f"The CompreFace SDK refused the request: {exc}") from exc
    finally:
        _TRANSPORT.reset(token)


def recognition(domain: str, port: int, key: str) -> Any:
    """Return the SDK's RecognitionService. Sends nothing."""
    return _sdk().CompreFace(domain, str(port)).init_face_recognition(key)


class _RequestsProxy:
    """What the SDK's modules find under the name `requests`: the transport of this thread.

    Where there is none, another user of the SDK in this process gets what he expects.
    """

    def __getattr__(self, name: str) -> Any:
        transport = _TRANSPORT.get()
        return getattr(requests if transport is None else transport, name)


_TRANSPORT: ContextVar[SdkTransport | None] = ContextVar("compreface_transport", default=None)
_PROXY = _RequestsProxy()
_LOCK = Lock()


def _sdk() -> ModuleType:
    with _LOCK:
        return _imported()


@cache
def _imported() -> ModuleType:
    """Import the SDK; requests-toolbelt 0.9.1 wants a module that urllib3 2 has no more."""
    is_missing = _APPENGINE not in sys.modules and find_spec(_APPENGINE) is None
    if is_missing:
        sys.modules[_APPENGINE] = ModuleType(_APPENGINE)
    try:
        sdk = import_module("compreface")
    finally:
        if is_missing:
            del sys.modules[_APPENGINE]
    for name, module in list(sys.modules.items()):
        if name.startswith("compreface.client.") and hasattr(module, "requests"):
            module.requests = _PROXY  # type: ignore[attr-defined]
    return sdk
