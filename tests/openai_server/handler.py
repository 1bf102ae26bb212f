"""One request to the fake server, and its answer."""

import json
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.openai_server import multipart
from tests.openai_server.chat import completion
from tests.openai_server.holdings import page
from tests.openai_server.refusals import Refused, injected, no_model, out_of_money, wrong_key
from tests.service import HTML, Route, ServiceHandler, find_route

if TYPE_CHECKING:
    from tests.openai_server.server import OpenAIServer

_BLOCK = 64 * 1024
_MOST_JSON = 60_000_000
Answer = dict[str, Any]


class Handler(ServiceHandler):
    @property
    def openai(self) -> "OpenAIServer":
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def serve(self) -> None:
        parts = urlsplit(self.path)
        self.query = dict(parse_qsl(parts.query))
        self._length = int(self.headers.get("Content-Length") or 0)
        if self.path == "/_counts":
            self.send(200, self.openai.told())
            return
        found = _found(f"{self.command} {parts.path}", batches=self.openai.habits.batches)
        kind = found[0] if found else "unknown"
        with self.openai.lock:
            self.openai.counts[kind] += 1
            self.openai.log.append(f"{self.command} {self.path}")
            self.openai.headers.append(dict(self.headers))
        fault = self.openai.faults.take(kind)
        if isinstance(fault, int) or fault == "quota":
            self._drain()
            refused = injected(fault) if isinstance(fault, int) else out_of_money()
            self.send(refused.status, refused.body)
        elif fault == "dropped":
            self._drain()
            self.close_connection = True
        elif found is not None and kind == "content" and fault in (None, "cut"):
            self._stream(found[1], share=0.5 if fault else 1.0)
        else:
            self._answer(found, fault)

    def _answer(self, found: "_Found | None", fault: int | str | None) -> None:
        try:
            self._check_key()
            if found is None:
                raise Refused(404, f"Invalid URL ({self.command} {self.path})")
            status, body = 200, found[2](self, found[1])
        except Refused as exc:
            status, body = exc.status, exc.body
        self._drain()
        match fault:
            case "lost":
                self.close_connection = True
            case "cut":
                self.send(status, body, share=0.5)
            case "html":
                self.send(200, b"<!DOCTYPE html><title>Sign in</title>", kind=HTML)
            case "empty":
                self.send(200, {})
            case "slow":
                self.keep_silent()
            case _:
                self.send(status, body)

    def _check_key(self) -> None:
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.openai.key in unquote(self.path):
            self.openai.violations.append("a key was sent in a URL")
        if self.openai.habits.checks_key and key != self.openai.key:
            raise wrong_key(key)

    def _json(self) -> Any:
        if self._length > _MOST_JSON:
            raise Refused(413, "The request is too large.")
        body = self.rfile.read(self._length)
        self._length = 0
        try:
            found = json.loads(body)
        except ValueError as exc:
            raise Refused(400, "We could not parse the JSON body of your request.") from exc
        if self.path.endswith("/chat/completions"):
            self.openai.bodies.append(body)
        return found

    def _drain(self) -> None:
        while self._length > 0 and (block := self.rfile.read(min(_BLOCK, self._length))):
            self._length -= len(block)

    def chat(self, _found: re.Match[str]) -> Answer:
        with self.openai.chats.counted() as now:
            until = time.monotonic() + self.openai.latency_s
            body = self._json()
            if self.openai.allowed_at_once is not None and now > self.openai.allowed_at_once:
                raise Refused(429, "Rate limit reached", code="rate_limit_exceeded")
            answer = completion(self.openai, body)
            time.sleep(max(0.0, until - time.monotonic()))
            return answer

    def model(self, found: re.Match[str]) -> Answer:
        snapshot = self.openai.snapshot(unquote(found[1]))
        if not self.openai.habits.lists:
            raise Refused(404, "File Not Found")
        if snapshot is None:
            raise no_model(found[1])
        return _model(found[1])

    def models(self, _found: re.Match[str]) -> Answer:
        if not self.openai.habits.lists:
            raise Refused(404, "File Not Found")
        return {"object": "list", "data": [_model(one) for one in self.openai.models]}

    def upload(self, _found: re.Match[str]) -> Answer:
        file = self.openai.new_file("batch")
        kind = self.headers.get("Content-Type", "")
        with file.path.open("wb") as to:
            form = multipart.read(self.rfile, self._length, kind, to.write)  # type: ignore[arg-type]
        self._length = 0
        if form.fields != {"purpose": "batch"} or not form.filename:
            raise Refused(400, "Invalid value for 'purpose', or no file", param="purpose")
        file.name = form.filename
        self.openai.keep(file)
        return file.shown()

    def files(self, _found: re.Match[str]) -> Answer:
        purpose = self.query.get("purpose")
        with self.openai.lock:
            kept = [one for one in self.openai.files.values() if purpose in (None, one.purpose)]
            kept = kept[::-1] if self.query.get("order", "desc") == "desc" else kept
            return page([one.shown() for one in kept], self.query, most=10_000)

    def delete(self, found: re.Match[str]) -> Answer:
        self.openai.forget(found[1])
        return {"id": found[1], "object": "file", "deleted": True}

    def start(self, _found: re.Match[str]) -> Answer:
        told = self._json()
        if told.get("endpoint") != "/v1/chat/completions" or told.get("completion_window") != "24h":
            raise Refused(400, "Invalid value for 'endpoint' or 'completion_window'")
        metadata = told.get("metadata") or {}
        if any(len(name) > 64 or len(value) > 512 for name, value in metadata.items()):
            raise Refused(400, "Invalid 'metadata'", param="metadata")
        return self.openai.started(told.get("input_file_id", ""), metadata).shown()

    def batches(self, _found: re.Match[str]) -> Answer:
        with self.openai.lock:
            newest_first = list(self.openai.batches.values())[::-1]
            return page([one.shown() for one in newest_first], self.query, most=100)

    def batch(self, found: re.Match[str]) -> Answer:
        self._existing(found[1])
        if self.openai.batch_delay_s is None:
            self.openai.validate(found[1])
        return self.openai.batches[found[1]].shown()

    def cancel(self, found: re.Match[str]) -> Answer:
        with self.openai.lock:
            self._existing(found[1])
            one = self.openai.batches[found[1]]
            if one.has_ended:
                message = f"Cannot cancel a batch with status '{one.status}'."
                raise Refused(409, message, code="invalid_status")
            self.openai.validate(found[1])
            one.status = "cancelling"
            return one.shown()

    def content(self, _found: re.Match[str]) -> Answer:
        """What comes with a fault; a file's own content is streamed."""
        return {"object": "content"}

    def _existing(self, batch: str) -> None:
        if batch not in self.openai.batches:
            raise Refused(404, f"No batch found with id '{batch}'.")

    def _stream(self, found: re.Match[str], *, share: float) -> None:
        file = self.openai.files.get(found[1])
        try:
            self._check_key()
            if file is None:
                raise Refused(404, f"No such File object: {found[1]}", param="id")
        except Refused as exc:
            self.send(exc.status, exc.body)
            return
        size = file.path.stat().st_size
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.close_connection = self.close_connection or share < 1
        left = round(size * share)
        with file.path.open("rb") as content:
            while left and (block := content.read(min(_BLOCK, left))):
                left -= len(block)
                self.wfile.write(block)


def _model(name: str) -> Answer:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "system"}


_Method = Callable[[Handler, re.Match[str]], Answer]
_Found = tuple[str, re.Match[str], _Method]
_ROUTES: tuple[Route[_Method], ...] = (
    (r"POST /v1/chat/completions", "chat", Handler.chat),
    (r"GET /v1/models/([\w.%-]+)", "model", Handler.model),
    (r"GET /v1/models", "models", Handler.models),
    (r"POST /v1/files", "upload", Handler.upload),
    (r"GET /v1/files", "files", Handler.files),
    (r"DELETE /v1/files/([\w-]+)", "delete", Handler.delete),
    (r"GET /v1/files/([\w-]+)/content", "content", Handler.content),
    (r"POST /v1/batches", "start", Handler.start),
    (r"GET /v1/batches", "batches", Handler.batches),
    (r"GET /v1/batches/([\w-]+)", "batch", Handler.batch),
    (r"POST /v1/batches/([\w-]+)/cancel", "cancel", Handler.cancel),
)
_OF_BATCHES = frozenset(
    {"upload", "files", "delete", "content", "start", "batches", "batch", "cancel"}
)


def _found(line: str, *, batches: bool) -> _Found | None:
    found = find_route(_ROUTES, line)
    return found if found and (batches or found[0] not in _OF_BATCHES) else None
