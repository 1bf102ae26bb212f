"""One request to the fake Plex server, and its answer on the wire."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.plex import edits, listing, xml
from tests.plex.answers import HTML, XML, Answer, Refused, answer, whole
from tests.wire import FakeHandler, reason

if TYPE_CHECKING:
    from tests.plex.server import PlexServer

_LONGEST_URL = 8192


class Handler(FakeHandler):
    @property
    def plex(self) -> "PlexServer":
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        line = f"{self.command} {self.path}"
        if not self._proper():
            self._refuse(400)
            return
        fault = self.plex.faults.take(line)
        self.plex.log.append(line)
        if self.headers.get("X-Plex-Token") != self.plex.token:
            self._refuse(401)
        elif len(self.path) > _LONGEST_URL:
            self._refuse(414)
        elif isinstance(fault, int):
            self._refuse(fault)
        elif fault is not None:
            self._misbehave(fault)
        else:
            self._send(self._answered())

    def _proper(self) -> bool:
        """Whether this is a request that a client of Plex sends."""
        if self.plex.token in unquote(self.path) or "x-plex-token" in self.path.lower():
            self.plex.violations.append("a token was sent in a URL")
            return False
        if self.headers.get("Content-Length", "0") != "0":
            self.plex.violations.append(f"{self.command} {self.path} had a body")
            return False
        return True

    def _answered(self) -> Answer:
        path, _mark, query = self.path.partition("?")
        try:
            return answer(self.plex, f"{self.command} {path}", query, dict(self.headers))
        except Refused as exc:
            return _page(exc.status)
        except edits.Nonsense as exc:
            self.plex.violations.append(str(exc))
            return _page(400)

    def _misbehave(self, fault: str) -> None:
        match fault:
            case "maintenance":
                self._send(Answer(XML, xml.MAINTENANCE.encode(), 503))
            case "html":
                page = b"<!DOCTYPE html><html><head><title>Sign in</title><body>Who are you?<br>"
                self._send(Answer(HTML, page))
            case "empty":
                self._send(Answer(XML, b""))
            case "silent":
                time.sleep(self.plex.silence_s)
                self.close_connection = True
            case "garbled":
                told = self._answered()
                self._send(_with(told, told.body[: len(told.body) // 2]))
            case "reset":
                self._reset(self._answered())
            case "whole":
                self._send(whole(self.plex, self.path.partition("?")[0]))
            case _:
                told = self._answered()
                self._send(_with(told, listing.spoilt(told.body, fault)))

    def _reset(self, told: Answer) -> None:
        self._send(_with(told, told.body[: len(told.body) // 2]), length=len(told.body) + 1)
        self.reset()

    def _refuse(self, status: int) -> None:
        told, wait = _page(status), self.plex.retry_after
        self._send(replace(told, headers={"Retry-After": wait}) if wait else told)

    def _send(self, told: Answer, *, length: int | None = None) -> None:
        status, size = told.status, len(told.body) if length is None else length
        head = (
            f"HTTP/1.1 {status} {reason(status)}\r\nX-Plex-Protocol: 1.0\r\n"
            f"Content-Type: {told.kind}\r\nContent-Length: {size}\r\n"
        )
        head += "".join(f"{name}: {value}\r\n" for name, value in told.headers.items())
        head += "Connection: close\r\n\r\n" if self.close_connection else "\r\n"
        self.wfile.write(head.encode("latin-1") + told.body)


def _with(told: Answer, body: bytes) -> Answer:
    return Answer(told.kind, body, told.status, told.headers)


def _page(status: int) -> Answer:
    return Answer(HTML, xml.refusal(status, reason(status)), status)
