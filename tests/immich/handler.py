"""One request to the fake server, and its answer."""

import gzip
import json
import re
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from tests.immich import routes
from tests.immich.asked import Asked
from tests.immich.files import File
from tests.immich.holdings import Key
from tests.immich.pool import Severed
from tests.immich.refusals import MISSING, Refused, denied, invalid, wrong_type
from tests.media_server import MediaHandler, Reply

if TYPE_CHECKING:
    from tests.immich.server import ImmichServer

JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_API = "/api"
_SPAN = re.compile(r"bytes=(\d*)-(\d*)")
_KEY_IN_URL = re.compile(r"[?&]apiKey=", re.IGNORECASE)
_LONGEST_BODY = 10 << 20
_PACKED_FROM = 1_024
_GZIP = b"\x1f\x8b"


class Handler(MediaHandler):
    empty = Reply(JSON)
    body = b""

    @property
    def server_(self) -> "ImmichServer":
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    @property
    def stamp(self) -> str:  # type: ignore[override]
        date = formatdate(self.server_.now(), usegmt=True)
        return f"Date: {date}\r\nX-Correlation-Id: fake{id(self):x}\r\n"

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if _KEY_IN_URL.search(self.path):
            self.server_.blame_for("a key was sent in a URL, where it lands in logs")
        if self.headers.get("Cookie"):
            self.server_.blame_for("a cookie was sent, which comes before the key")
        line = re.sub(r"(?<=apiKey=)[^&]+", "(secret)", f"{self.command} {self.path}")
        self.server_.log.append(line)
        try:
            self.meet(self.server_.faults.take(line))
        except Severed:
            self.close_connection = True

    def refusal(self, status: int) -> Reply:
        return _json({"message": "Internal server error" if status == 500 else "Odd"}, status)

    def spoilt(self, body: bytes, fault: str) -> bytes:
        """A page with a fault: shorter than asked, an asset twice, or none of its assets."""
        is_packed = body.startswith(_GZIP)
        page = json.loads(gzip.decompress(body) if is_packed else body)
        items = page["assets"]["items"]
        match fault:
            case "short":
                page["assets"]["items"] = items[: max(1, len(items) // 2)]
            case "twice":
                page["assets"]["items"] = [*items, *items[:1]]
            case "cut":
                page["assets"]["items"] = []
        made = json.dumps(page).encode()
        return gzip.compress(made, 1) if is_packed else made

    def answered(self) -> Reply:
        path, _mark, query = self.path.partition("?")
        if path == "/.well-known/immich":
            return _json({"api": {"endpoint": _API}})
        found = None
        if path.startswith(f"{_API}/"):
            found = routes.find(self.command, unquote(path[len(_API) :]))
        if found is None:
            return _json({"message": f"Cannot {self.command} {path}"}, 404)
        route, parts = found
        if len(self.body) > _LONGEST_BODY:
            return _json({"message": "request entity too large"}, 413)
        if route.database:
            self.server_.pool.wait()
        self.server_.counts[route.name] += 1
        try:
            body = self._body()
            key = self._key(route.permission, query)
            asked = Asked(key, parts, dict(parse_qsl(query)), body)
            made = route.answer(self.server_, asked)
        except Refused as exc:
            return _json(exc.body, exc.status)
        return self._reply(made, route.status)

    def _key(self, permission: str, query: str) -> Key:
        """Whose request it is. A session is looked at before the key."""
        server = self.server_
        if permission == routes.OPEN:
            return Key("", "", "", (), 0.0)
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if bearer:
            if bearer not in server.sessions:
                raise Refused(401, "Invalid user token")
            return Key("", "", server.sessions[bearer], (), 0.0)
        secret = self.headers.get("x-api-key") or dict(parse_qsl(query)).get("apiKey")
        if not secret:
            raise Refused(401, "Authentication required")
        key = server.keys.get(secret)
        if key is None:
            raise Refused(401, "Invalid API key")
        if permission and not key.may(permission):
            raise denied(permission)
        return key

    def _body(self) -> Any:
        """The body: JSON is read before the key is looked at, and checked after."""
        if not self.body:
            return {} if self.command in ("GET", "HEAD") else NoObject(MISSING)
        if "json" not in self.headers.get("Content-Type", ""):
            return dict(parse_qsl(self.body.decode("utf-8", "replace")))
        try:
            body = json.loads(self.body)
        except ValueError as exc:
            raise Refused(400, "Unexpected end of JSON input") from exc
        return body if isinstance(body, dict) else NoObject(body)

    def _reply(self, made: Any, status: int) -> Reply:
        if isinstance(made, File):
            return self._file(made)
        if status == 204:
            return Reply(status=204)
        return self._packed(_json(made, status))

    def _packed(self, reply: Reply) -> Reply:
        if "gzip" not in self.headers.get("Accept-Encoding", ""):
            return reply
        if len(reply.body) < _PACKED_FROM:
            return reply
        headers = {**reply.headers, "Vary": "Accept-Encoding", "Content-Encoding": "gzip"}
        return Reply(reply.kind, gzip.compress(reply.body, 1), reply.status, headers)

    def _file(self, file: File) -> Reply:
        """A file or a span of it. One past the end is a 404, with the file's size."""
        if file.location:
            text = f"Found. Redirecting to {file.location}".encode()
            return Reply(_TEXT, text, 302, {"Location": file.location})
        if self.headers.get("If-None-Match") == file.etag:
            return Reply(file.kind, b"", 304, file.headers)
        size = len(file.body)
        span = _SPAN.fullmatch(self.headers.get("Range", "")) if self.server_.ranges else None
        if span is None or not (span[1] or span[2]):
            return Reply(file.kind, file.body, 200, file.headers)
        start = int(span[1]) if span[1] else max(0, size - int(span[2]))
        end = min(size, int(span[2]) + 1) if span[1] and span[2] else size
        if start >= size:
            headers = file.headers | {"Content-Range": f"bytes */{size}"}
            return Reply(f"{file.kind}; charset=utf-8", b'{"message":"Not Found"}', 404, headers)
        headers = file.headers | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
        return Reply(file.kind, file.body[start:end], 206, headers)

    def send(self, reply: Reply, *, length: int | None = None) -> None:
        if self.command == "HEAD":
            reply, length = Reply(reply.kind, b"", reply.status, reply.headers), len(reply.body)
        super().send(reply, length=length)


class NoObject(dict[str, Any]):
    """A body that is none, or no object: whoever looks for something in it is refused."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self._value = value

    def get(self, _name: str, _default: Any = None) -> Any:
        raise invalid(wrong_type([], "object", self._value))

    def __contains__(self, _name: object) -> bool:
        raise invalid(wrong_type([], "object", self._value))


def _json(made: Any, status: int = 200) -> Reply:
    text = made if isinstance(made, str) else json.dumps(made, ensure_ascii=False)
    return Reply(JSON, text.encode(), status)
