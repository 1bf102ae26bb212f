"""A real HTTP server that gives parts of one file, and misbehaves as it is told."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.wire import Wire


class PartServer(Wire):
    """`asked` gathers the Range headers; `habit` is "", "whole", "cut" or "elsewhere".

    These are a server that knows no ranges, one that hangs up in the middle, and one that sends
    another part than was asked for.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(0, _Answer)
        self.body = body
        self.etag = '"1"'
        self.habit = ""
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/film"


class _Answer(BaseHTTPRequestHandler):
    server: PartServer

    def do_GET(self) -> None:
        asked, body = self.headers.get("Range", ""), self.server.body
        self.server.asked.append(asked)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
        if wanted is None or self.server.habit == "whole":
            return self._send(200, body, {})
        start, end = int(wanted[1]), min(int(wanted[2]) + 1, len(body))
        if start >= len(body):
            return self._send(416, b"", {"Content-Range": f"bytes */{len(body)}"})
        start += self.server.habit == "elsewhere"
        told = f"bytes {start}-{end - 1}/{len(body)}"
        return self._send(206, body[start:end], {"Content-Range": told})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        sent = {"Content-Length": str(len(body)), "ETag": self.server.etag} | headers
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.server.habit == "cut" else body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def serving(body: bytes) -> Iterator[PartServer]:
    with PartServer(body) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()
