"""The server, by plexapi: one way to ask it, and each answer read or refused."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import Element, ParseError, fromstring

import plexapi.server
import requests
from plexapi.utils import parseXMLString

from tigertag import __version__
from tigertag.libraries.mediaserver.bodies import body
from tigertag.libraries.mediaserver.device import device
from tigertag.libraries.mediaserver.faults import Refused
from tigertag.libraries.plex.faults import OK, Wording, no_file

_PATIENCE_S = (5.0, 60.0)
_OPENING_S = (5.0, 15.0)
_SPANS = frozenset({206, 416})


def headers(library: str, token: str) -> dict[str, str]:
    """The headers that name this program to the server: the same for a library on a host."""
    return {
        "X-Plex-Token": token,
        "X-Plex-Client-Identifier": device(library),
        "X-Plex-Product": "TigerTag",
        "X-Plex-Version": __version__,
        "X-Plex-Device-Name": f"TigerTag ({library})",
        "X-Plex-Provides": "controller",
    }


class Server(plexapi.server.PlexServer):
    """plexapi's server, but strict: it asks through `query` alone, and that is replaced.

    plexapi's own takes a missing answer for an answer, raises TypeError for a status that has no
    name, puts addresses and answers into messages, and a token into addresses if its configuration
    file says so. Raises `LibraryError`.
    """

    def __init__(self, url: str, session: requests.Session, wording: Wording, token: str) -> None:
        self._wording = wording
        try:
            super().__init__(url, token, session, timeout=_OPENING_S)  # type: ignore[no-untyped-call]
        except (TypeError, ValueError, AttributeError):
            raise wording.strange() from None
        self._timeout = _PATIENCE_S
        self.id: str = self.machineIdentifier or ""
        if not self.id:
            raise wording.strange()

    def url(self, key: str, includeToken: bool | None = None) -> str:
        """Return the address of a key: never with the token, which travels in a header."""
        return f"{self._baseurl}{key}"

    def query(
        self,
        key: str,
        method: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Any = None,
        timeout: Any = None,
        **kwargs: Any,
    ) -> Element:
        """Return the root of what Plex answers."""
        with self._wording.reaching():
            response = (method or self._session.get)(
                self.url(key),
                headers=dict(headers or {}),
                params=params,
                timeout=timeout or self._timeout,
                **kwargs,
            )
        self._check(response, response.content)
        return self._read(response)

    def page(self, key: str, *, start: int, size: int) -> Element:
        """Return `size` entries from `start` on, or as many as Plex thinks fit."""
        paging = {"X-Plex-Container-Start": str(start), "X-Plex-Container-Size": str(size)}
        return self.query(key, headers=paging)

    def put(self, key: str) -> None:
        """Send an edit; the answer says nothing of what came of it."""
        with self._wording.reaching():
            response = self._session.put(self.url(key), timeout=self._timeout)
        self._check(response, response.content)

    def load(self, key: str, *, limit_bytes: int) -> bytes:
        """Return a file. Raises `Unreadable` where it is cut, too large or too slow."""
        with self._wording.reaching():
            response = self._session.get(self.url(key), stream=True, timeout=self._timeout)
        with response:
            self._check(response)
            return body(response, limit_bytes=limit_bytes)

    @contextmanager
    def ranged(self, key: str, span: str) -> Iterator[requests.Response]:
        """Ask for a span of a file, as `net.ranges` wants it. Raises `ItemError`."""
        headers = {"Range": span, "Accept-Encoding": "identity"}
        with self._wording.reaching():
            response = self._session.get(
                self.url(key), headers=headers, stream=True, timeout=self._timeout
            )
        with response:
            try:
                if response.status_code not in _SPANS:
                    self._check(response)
            except Refused as exc:
                raise no_file(exc) from exc
            yield response

    def _check(self, response: requests.Response, body: bytes = b"") -> None:
        if response.status_code not in OK:
            raise self._wording.refusal(response, body=body)

    def _read(self, response: requests.Response) -> Element:
        if not response.content.strip():
            raise self._wording.empty()
        root = _parsed(response)
        if root is None and response.content.lstrip().startswith((b"<?xml", b"<MediaContainer")):
            raise self._wording.broken_off()
        if root is None or root.tag != "MediaContainer":
            raise self._wording.strange()
        return root


def _parsed(response: requests.Response) -> Element | None:
    """Read XML, also such that holds characters that XML forbids; None: it is none."""
    try:
        return fromstring(response.content)
    except ParseError:
        response.encoding = "utf-8"
    try:
        cleaned: Element | None = parseXMLString(response.text)
    except ParseError:
        return None
    return cleaned
