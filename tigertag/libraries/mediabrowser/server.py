"""The server: one way to ask it, and each answer read or refused."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tigertag.libraries.mediabrowser.faults import OK, Wording, no_file
from tigertag.libraries.mediaserver.bodies import body
from tigertag.libraries.mediaserver.faults import Refused

Entry = Mapping[str, Any]
"""A JSON object, as the server sent it."""

_PATIENCE_S = (5.0, 60.0)
_OPENING_S = (5.0, 15.0)
_SPANS = (206, 416)


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked for: a path below the server's base, and its query."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)

    def with_(self, query: Mapping[str, str]) -> "Call":
        return Call(self.path, {**self.query, **query})


class Server:
    """Asks for JSON, pictures and videos, and posts. Thread-safe. Raises `LibraryError`."""

    def __init__(self, base: str, session: requests.Session, wording: Wording) -> None:
        self._base = base
        self._session = session
        self._wording = wording

    def get(self, call: Call, *, opening: bool = False) -> Any:
        """Return what the answer's JSON says."""
        with self._wording.reaching():
            response = self._session.get(
                self._base + call.path,
                params=call.query,
                timeout=_OPENING_S if opening else _PATIENCE_S,
            )
        self._check(response)
        return self._read(response.content)

    def entry(self, call: Call, *, opening: bool = False) -> Entry:
        """Return an answer that is one object."""
        found = self.get(call, opening=opening)
        if not isinstance(found, dict):
            raise self._wording.strange()
        return found

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Send an edit, once; the answer says nothing of what came of it."""
        with self._wording.reaching():
            response = self._session.post(
                self._base + path, json=body, timeout=_PATIENCE_S, allow_redirects=False
            )
        self._check(response)

    def load(self, call: Call, *, limit_bytes: int) -> bytes:
        """Return a file. Raises `Unreadable` where it is cut, too large or too slow."""
        with self._asked(call, {}) as response:
            self._check(response)
            return body(response, limit_bytes=limit_bytes)

    @contextmanager
    def ranged(self, call: Call, span: str) -> Iterator[requests.Response]:
        """Ask for a span of a file, as `net.ranges` wants it. Raises `ItemError`."""
        with self._asked(call, {"Range": span, "Accept-Encoding": "identity"}) as response:
            try:
                if response.status_code not in _SPANS:
                    self._check(response)
            except Refused as exc:
                raise no_file(exc) from exc
            yield response

    def _asked(self, call: Call, headers: Mapping[str, str]) -> requests.Response:
        with self._wording.reaching():
            return self._session.get(
                self._base + call.path,
                params=call.query,
                headers=headers,
                stream=True,
                timeout=_PATIENCE_S,
            )

    def _check(self, response: requests.Response) -> None:
        if response.status_code not in OK:
            raise self._wording.refusal(response)

    def _read(self, body: bytes) -> Any:
        text = body.strip()
        if not text:
            raise self._wording.empty()
        try:
            return json.loads(text)
        except ValueError:
            broken = text.startswith((b"{", b"["))
            raise (self._wording.broken_off() if broken else self._wording.strange()) from None
