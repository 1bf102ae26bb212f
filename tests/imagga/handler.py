"""One request to the fake Imagga, and its answer."""

import re
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.imagga.picture import NoPicture, Telltale, uploaded
from tests.service import HTML, Route, ServiceHandler, find_route

if TYPE_CHECKING:
    from tests.imagga.server import ImaggaServer

_LONGEST_BODY = 20_000_000
_SWITCHES = ("verbose", "decrease_parents")
_TAGS_ASK = {"image_upload_id", "limit", "threshold", "language", *_SWITCHES}
_PAGE = b"<!DOCTYPE html><html><head><title>504</title></head><body>Gateway Time-out</body></html>"

Answer = tuple[int, dict[str, Any]]


class Refused(Exception):
    """The service answers with this status."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


class Handler(ServiceHandler):
    @property
    def imagga(self) -> "ImaggaServer":
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def serve(self) -> None:
        if self.path == "/_counts":
            self.send(200, self.imagga.counts())
            return
        body = self._body()
        self._note(body)
        found = self._route()
        if not self._knows_you():
            self._refuse(401, "Authorization required")
        elif found is None:
            self._refuse(404, "There is no such endpoint")
        else:
            self._counted(*found, body)

    def _counted(self, at: str, answer: Callable[..., Answer], rest: str, body: bytes) -> None:
        """Answer as one of those under way at once, until the answer is ready, not until sent."""
        fault = self.imagga.faults.take(at)
        if fault == "dropped":
            self.close_connection = True
            return
        with self.imagga.under_way(at) as allowed:
            status, told = self._answered(answer, rest, body, at, fault, allowed=allowed)
        self._tell(status, told, fault)

    def _answered(
        self,
        answer: Callable[..., Answer],
        rest: str,
        body: bytes,
        at: str,
        fault: int | str | None,
        *,
        allowed: bool,
    ) -> Answer:
        try:
            if not allowed:
                raise Refused(429, "Too many requests at once")
            if isinstance(fault, int):
                raise Refused(fault, self.imagga.says)
            time.sleep(self.imagga.latency(at))
            return answer(self, rest, body)
        except Refused as exc:
            return exc.status, _status("error", exc.text)

    def _tell(self, status: int, told: dict[str, Any], fault: int | str | None) -> None:
        if isinstance(fault, int) and not self.imagga.speaks_json:
            self.send(status, _PAGE, kind=HTML)
        elif fault == "html":
            self.send(200, _PAGE, kind=HTML)
        elif fault == "malformed":
            self.send(200, {"result": {}} | _status("success"))
        elif fault == "slow":
            self.keep_silent()
        else:
            self.send(status, told, share=0.5 if fault == "cut" else 1.0)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LONGEST_BODY:
            self.close_connection = True
            return b""
        return self.rfile.read(int(length))

    def _note(self, body: bytes) -> None:
        self.imagga.note(f"{self.command} {self.path}", body)
        if self.command != "POST" and body:
            self.imagga.violations.append(f"{self.command} {self.path} had a body")
        if self.imagga.secret in unquote(self.path):
            self.imagga.violations.append("a secret was sent in a URL")

    def _knows_you(self) -> bool:
        kind, _space, told = self.headers.get("Authorization", "").partition(" ")
        try:
            given = b64decode(told, validate=True).decode() if kind == "Basic" else ""
        except (NotBase64, ValueError):
            return False
        return given == f"{self.imagga.key}:{self.imagga.secret}"

    def _route(self) -> tuple[str, Callable[..., Answer], str] | None:
        line = f"{self.command} {urlsplit(self.path).path}"
        found = find_route(_ROUTES, line)
        if found is None:
            return None
        at, match, answer = found
        return at, answer, unquote(match[1] or "") if match.groups() else ""

    def _query(self, known: set[str]) -> dict[str, str]:
        pairs = parse_qsl(urlsplit(self.path).query, keep_blank_values=True)
        unknown = {name for name, _value in pairs} - known
        if unknown or len(dict(pairs)) < len(pairs):
            self.imagga.violations.append(f"{self.path} asks what nobody can ask")
            raise Refused(400, f"Unknown: {unknown}")
        return dict(pairs)

    def _upload(self, _rest: str, body: bytes) -> Answer:
        try:
            picture = uploaded(self.headers.get("Content-Type", ""), body)
            upload = self.imagga.keep(picture)
        except Telltale as exc:
            self.imagga.violations.append(str(exc))
            raise Refused(400, str(exc)) from exc
        except NoPicture as exc:
            raise Refused(400, f"This is no image: {exc}") from exc
        return 200, {"result": {"upload_id": upload}} | _status("success")

    def _tags(self, tagger: str, _body: bytes) -> Answer:
        asked = self._query(_TAGS_ASK)
        limit, language = asked.get("limit", "-1"), asked.get("language", "en")
        if any(asked.get(name, "0") not in ("0", "1") for name in _SWITCHES):
            raise Refused(400, "A switch is 0 or 1")
        if not re.fullmatch(r"-1|[1-9][0-9]*", limit):
            raise Refused(400, f"limit is {limit}")
        if language not in self.imagga.languages:
            raise Refused(400, f"Unsupported language {language}")
        if tagger and tagger not in self.imagga.taggers:
            raise Refused(404, f"There is no tagger {tagger}")
        tags = self.imagga.tagged(asked.get("image_upload_id", ""), language)
        shown = tags if limit == "-1" else tags[: int(limit)]
        return 200, {"result": {"tags": shown}} | _status("success")

    def _delete(self, upload: str, _body: bytes) -> Answer:
        self.imagga.forget(upload)
        return 200, {"result": {"upload_id": upload}} | _status("success")

    def _usage(self, _rest: str, _body: bytes) -> Answer:
        if self._query({"concurrency", "history"}).get("concurrency", "0") not in ("0", "1"):
            raise Refused(400, "concurrency is 0 or 1")
        return 200, {"result": self.imagga.usage()} | _status("success")

    def _refuse(self, status: int, text: str) -> None:
        self.send(status, _status("error", text))


def _status(kind: str, text: str = "") -> dict[str, Any]:
    return {"status": {"text": text, "type": kind}}


_ROUTES: tuple[Route[Callable[..., Answer]], ...] = (
    (r"GET /v2/tags(?:/([^/]+))?", "tags", Handler._tags),
    (r"POST /v2/uploads", "uploads", Handler._upload),
    (r"DELETE /v2/uploads/([^/]+)", "delete", Handler._delete),
    (r"GET /v2/usage", "usage", Handler._usage),
)
