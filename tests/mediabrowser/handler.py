"""One request to the fake server, and its answer."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from tests.mediabrowser import answers, signs
from tests.mediabrowser.answers import Asked, File, Refused
from tests.mediabrowser.spec import Operation
from tests.wire import FakeHandler, reason

if TYPE_CHECKING:
    from tests.mediabrowser.server import MediaServer

_LONGEST_URL = 16_384
_JSON, _HTML = "application/json; charset=utf-8", "text/html"
_SPAN = re.compile(r"bytes=(\d+)-(\d*)")
_NOBODY = "GET /System/Info/Public"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    kind: str = _HTML
    body: bytes = b""
    headers: Mapping[str, str] | None = None


class Handler(FakeHandler):
    @property
    def media(self) -> "MediaServer":
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        line = f"{self.command} {self.path}"
        if self.media.key in unquote(self.path) or signs.IN_URL.search(self.path):
            self.media.violations.append("a key was sent in a URL")
            self._send(_page(400))
            return
        fault = self.media.faults.take(line)
        self.media.log.append(line)
        if len(self.path) > _LONGEST_URL:
            self._send(_page(414))
        elif isinstance(fault, int):
            self._send(_page(fault))
        elif fault is not None:
            self._misbehave(fault, body)
        else:
            self._send(self._answered(body))

    def _answered(self, body: bytes) -> Reply:
        path, _mark, query = self.path.partition("?")
        if self.media.emby and path.lower().startswith("/emby/"):
            path = path[len("/emby") :]
        found = self.media.spec.find(self.command, unquote(path))
        if found is None:
            return self._unknown(path)
        operation, match = found
        pairs = parse_qsl(query, keep_blank_values=True)
        problems = list(self.media.spec.problems(operation, match, pairs, body))
        if problems:
            self.media.violations += problems
            return _page(400)
        if operation.name != _NOBODY and not signs.is_signed(self.media, dict(self.headers)):
            return _page(401)
        self.media.counts[operation.name] += 1
        told = {name.lower(): value for name, value in pairs}
        return self._answer(operation, Asked(match.groupdict(), told, body))

    def _unknown(self, path: str) -> Reply:
        """An edit that the server's document does not know is none that TigerTag may send."""
        if self.command == "POST":
            self.media.violations.append(f"POST {path} is not for TigerTag")
        return _page(404)

    def _answer(self, operation: Operation, asked: Asked) -> Reply:
        try:
            told = answers.OF[re.sub(r"{\w+}", "{}", operation.name)](self.media, asked)
        except Refused as exc:
            return _page(exc.status)
        if isinstance(told, File):
            return self._file(told)
        if told is None:
            return Reply(204)
        self.media.violations += self.media.spec.of_answer(told, operation.answer)
        return Reply(200, _JSON, json.dumps(told, ensure_ascii=False).encode())

    def _file(self, file: File) -> Reply:
        span = _SPAN.fullmatch(self.headers.get("Range", "")) if file.ranges else None
        if span is None:
            return Reply(200, file.kind, file.body)
        size, start = len(file.body), int(span[1])
        if start >= size:
            return Reply(416, headers={"Content-Range": f"bytes */{size}"})
        end = min(size, int(span[2]) + 1) if span[2] else size
        headers = {"Content-Range": f"bytes {start}-{end - 1}/{size}", "ETag": f'"{file.etag}"'}
        return Reply(206, file.kind, file.body[start:end], headers)

    def _misbehave(self, fault: str, body: bytes) -> None:
        match fault:
            case "maintenance":
                self._send(_page(503))
            case "html":
                page = b"<!DOCTYPE html><html><head><title>Sign in</title><body>Who are you?<br>"
                self._send(Reply(200, _HTML, page))
            case "empty":
                self._send(Reply(200, _JSON))
            case "silent":
                time.sleep(self.media.silence_s)
                self.close_connection = True
            case "garbled":
                reply = self._answered(body)
                self._send(Reply(reply.status, reply.kind, reply.body[: len(reply.body) // 2]))
            case "reset":
                self._reset(self._answered(body))
            case _:
                reply = self._answered(body)
                self._send(Reply(reply.status, reply.kind, answers.spoilt(reply.body, fault)))

    def _reset(self, reply: Reply) -> None:
        half = Reply(reply.status, reply.kind, reply.body[: len(reply.body) // 2])
        self._send(half, length=len(reply.body) + 1)
        self.reset()

    def _send(self, reply: Reply, *, length: int | None = None) -> None:
        headers = dict(reply.headers or {})
        if reply.status != 204:
            headers["Content-Type"] = reply.kind
            headers["Content-Length"] = str(len(reply.body) if length is None else length)
        if self.close_connection:
            headers["Connection"] = "close"
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {reply.status} {reason(reply.status)}\r\n{told}\r\n"
        self.wfile.write(head.encode("latin-1") + reply.body)


def _page(status: int) -> Reply:
    page = f"<html><body><h1>{status} {reason(status)}</h1></body></html>"
    return Reply(status, _HTML, page.encode())
