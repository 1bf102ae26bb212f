"""One request to the fake server, and its answer."""

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from tests.media_server import HTML, MediaHandler, Reply
from tests.mediabrowser import answers, signs
from tests.mediabrowser.answers import Asked, File, Refused
from tests.mediabrowser.spec import Operation
from tests.wire import reason

if TYPE_CHECKING:
    from tests.mediabrowser.server import MediaServer

_LONGEST_URL = 16_384
_JSON = "application/json; charset=utf-8"
_SPAN = re.compile(r"bytes=(\d+)-(\d*)")
_NOBODY = "GET /System/Info/Public"


class Handler(MediaHandler):
    empty = Reply(_JSON)
    body = b""

    @property
    def media(self) -> "MediaServer":
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        line = f"{self.command} {self.path}"
        if self.media.key in unquote(self.path) or signs.IN_URL.search(self.path):
            self.media.violations.append("a key was sent in a URL")
            self.send(_page(400))
            return
        fault = self.media.faults.take(line)
        self.media.log.append(line)
        if len(self.path) > _LONGEST_URL:
            self.send(_page(414))
        else:
            self.meet(fault)

    def refusal(self, status: int) -> Reply:
        return _page(status)

    def spoilt(self, body: bytes, fault: str) -> bytes:
        return answers.spoilt(body, fault)

    def answered(self) -> Reply:
        path, _mark, query = self.path.partition("?")
        if self.media.emby and path.lower().startswith("/emby/"):
            path = path[len("/emby") :]
        found = self.media.spec.find(self.command, unquote(path))
        if found is None:
            return self._unknown(path)
        operation, match = found
        pairs = parse_qsl(query, keep_blank_values=True)
        problems = list(self.media.spec.problems(operation, match, pairs, self.body))
        if problems:
            self.media.violations += problems
            return _page(400)
        if operation.name != _NOBODY and not signs.is_signed(self.media, dict(self.headers)):
            return _page(401)
        self.media.counts[operation.name] += 1
        told = {name.lower(): value for name, value in pairs}
        return self._answer(operation, Asked(match.groupdict(), told, self.body))

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
            return Reply(status=204)
        self.media.violations += self.media.spec.of_answer(told, operation.answer)
        return Reply(_JSON, json.dumps(told, ensure_ascii=False).encode())

    def _file(self, file: File) -> Reply:
        span = _SPAN.fullmatch(self.headers.get("Range", "")) if file.ranges else None
        if span is None:
            return Reply(file.kind, file.body)
        size, start = len(file.body), int(span[1])
        if start >= size:
            return Reply(status=416, headers={"Content-Range": f"bytes */{size}"})
        end = min(size, int(span[2]) + 1) if span[2] else size
        headers = {"Content-Range": f"bytes {start}-{end - 1}/{size}", "ETag": f'"{file.etag}"'}
        return Reply(file.kind, file.body[start:end], 206, headers)


def _page(status: int) -> Reply:
    page = f"<html><body><h1>{status} {reason(status)}</h1></body></html>"
    return Reply(HTML, page.encode(), status)
