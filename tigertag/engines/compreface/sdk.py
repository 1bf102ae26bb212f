"""The package `compreface-sdk`, made safe; docs/adr/0013-compreface-sdk-made-safe.md says how."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import unquote

import requests

from tigertag.errors import AuthFailed, EngineError
from tigertag.net import retry_after_s
from tigertag.remote.gate import Gate
from tigertag.remote.once import Passing, once

NO_FACE, SEVERAL_FACES, TOO_BIG = 28, 31, 413
_KEY_REFUSED = {(400, 20), (400, 26), (404, 10)}  # missing, no UUID, unknown or another service's
_LATER = {408, 425, 429}
_APPENGINE = "urllib3.contrib.appengine"
_FACES = "/api/v1/recognition/faces"
_ONE = re.compile(r"/api/v1/recognition/(?:faces|subjects)/([^/?#]+)")

T = TypeVar("T")


class Refused(EngineError):
    """CompreFace will not do this: its status and its code."""

    def __init__(self, address: str, *, status: int, code: int | None) -> None:
        self.status = status
        self.code = code
        super().__init__(f"CompreFace at {address} refuses it ({self.told}).")

    @property
    def told(self) -> str:
        return _told(self.status, self.code)

    @property
    def may_pass(self) -> bool:
        """Whether it is what CompreFace says of any fault of its own (400, code 0)."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the SDK takes from an answer."""

    said: Any

    def json(self) -> Any:
        return self.said


@dataclass(frozen=True, slots=True)
class Door:
    """Stands for `requests` while the SDK makes one request.

    Each goes through our session, a single time, with its timeouts; an answer that is not what was
    asked for raises `Passing`, `AuthFailed` or `Refused`. The key is in a header alone.
    """

    session: requests.Session
    gate: Gate
    address: str
    key_setting: str
    params: Mapping[str, str | int] = field(default_factory=dict)

    def get(self, url: str, **parts: Any) -> Answer:
        return self._ask("GET", url, parts)

    def post(self, url: str, **parts: Any) -> Answer:
        return self._ask("POST", url, parts)

    def delete(self, url: str, **parts: Any) -> Answer:
        """Delete one face or one subject: never a collection."""
        one = _ONE.fullmatch(url.removeprefix(self.address))
        if one is None or not unquote(one[1]).strip(". "):
            raise AssertionError("a collection of faces must never be deleted")
        return self._ask("DELETE", url, parts)

    def picture(self, image_id: str, *, key: str) -> bytes:
        """Return a picture as it was sent; empty where CompreFace keeps none."""
        url = f"{self.address}{_FACES}/{image_id}/img"
        request = requests.Request("GET", url, headers={"x-api-key": key})
        response = once(self.session, self.gate, request)
        self._check(response)
        return response.content

    def _ask(self, method: str, url: str, parts: Mapping[str, Any]) -> Answer:
        request = requests.Request(method, url, params=dict(self.params), **parts)
        response = once(self.session, self.gate, request)
        self._check(response)
        said = _json(response)
        if said is None:
            message = f"CompreFace at {self.address} answered what is no JSON."
            raise Passing(message, in_doubt=True, status=response.status_code)
        return Answer(said)

    def _check(self, response: requests.Response) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        said = _json(response)
        code = said.get("code") if isinstance(said, dict) else None
        code = code if isinstance(code, int) else None
        if status in (401, 403) or (status, code) in _KEY_REFUSED:
            raise AuthFailed(
                f"CompreFace at {self.address} refuses the key: {self.key_setting} must be the key"
                " of one of its *recognition* services."
            )
        if status >= 500 or status in _LATER:
            raise Passing(
                f"CompreFace at {self.address} answered {_told(status, code)}.",
                in_doubt=status >= 500,
                status=status,
                retry_after_s=retry_after_s(response),
            )
        deleting = response.request.method == "DELETE"
        if status < 400 or (status == 404 and code is None and not deleting):
            raise EngineError(
                f"What answers at {self.address} is not CompreFace ({status}); see the engine's"
                " API_URL and API_PORT."
            )
        raise Refused(self.address, status=status, code=code)


@contextmanager
def through(door: Door) -> Iterator[None]:
    """Let the SDK's requests of this thread, in this block, go through a door."""
    token = _DOOR.set(door)
    try:
        yield
    finally:
        _DOOR.reset(token)


def asked(door: Door, call: Callable[[], T]) -> T:
    """Make one call of the SDK through a door. Raises `EngineError`."""
    refusal = _sdk().exceptions.IncorrectFieldException
    try:
        with through(door):
            return call()
    except refusal as exc:  # It is a BaseException, which nobody else would catch.
        raise EngineError(f"The CompreFace SDK refused it: {exc}") from exc


def service(domain: str, port: int, key: str) -> Any:
    """Return the SDK's RecognitionService. Asks nothing."""
    return _sdk().CompreFace(domain, str(port)).init_face_recognition(key)


class _Routed:
    """What the SDK's modules find under the name `requests`: the door of this thread.

    Where there is none, it is another user of the SDK in this process, who gets what he expects.
    """

    def __getattr__(self, name: str) -> Any:
        door = _DOOR.get()
        return getattr(requests if door is None else door, name)


_DOOR: ContextVar[Door | None] = ContextVar("compreface_door", default=None)
_ROUTED = _Routed()
_LOCK = Lock()


def _sdk() -> Any:
    with _LOCK:
        return _made_safe()


@cache
def _made_safe() -> ModuleType:
    sdk = _imported()
    for name, module in list(sys.modules.items()):
        if name.startswith("compreface.client.") and hasattr(module, "requests"):
            module.requests = _ROUTED  # type: ignore[attr-defined]
    return sdk


def _imported() -> ModuleType:
    """Import the SDK; requests-toolbelt 0.9.1 wants a module that urllib3 2 has no more."""
    if _APPENGINE in sys.modules or find_spec(_APPENGINE) is not None:
        return import_module("compreface")
    sys.modules[_APPENGINE] = ModuleType(_APPENGINE)
    try:
        return import_module("compreface")
    finally:
        del sys.modules[_APPENGINE]


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _told(status: int, code: object) -> str:
    return f"{status}, code {code}" if isinstance(code, int) else str(status)
