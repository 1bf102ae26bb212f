"""A real HTTP server on the loopback that serves one file, and misbehaves as it is told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FlakyServer(ThreadingHTTPServer):
    """`faults` are taken one a request, oldest first: a status to answer, or "cut" in the middle.

    "page" answers as a proxy does that wants a sign-in; "endless" never says how much there is;
    "drip" sends a byte now and then.
    `asked` gathers the Range that each request had.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.body = body
        self.etag = '"1"'
        self.ranges = True
        self.location = ""
        self.retry_after = ""
        self.faults: list[int | str] = []
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights.bin"


class _Answer(BaseHTTPRequestHandler):
    server: FlakyServer

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.asked.append(asked)
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if isinstance(fault, int):
            self._refuse(fault)
        elif fault == "page":
            self._answer_page()
        elif fault == "drip":
            self._drip()
        elif fault == "endless":
            self._answer_without_end()
        else:
            self._serve(self._start(asked), cut=fault == "cut")

    def _start(self, asked: str) -> int:
        goes_on = self.server.ranges and self.headers.get("If-Range") == self.server.etag
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and goes_on else 0

    def _refuse(self, status: int, *, content_range: str = "") -> None:
        self.send_response(status)
        headers = {
            "Retry-After": self.server.retry_after,
            "Location": self.server.location,
            "Content-Range": content_range,
            "Content-Length": "0",
        }
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()

    def _answer_page(self) -> None:
        page = b"<html>Please sign in.</html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.send_header("ETag", self.server.etag)
        self.end_headers()
        self.close_connection = True
        with suppress(ConnectionError):
            for byte in self.server.body:
                self.wfile.write(bytes([byte]))
                time.sleep(0.005)

    def _answer_without_end(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with suppress(ConnectionError):
            while True:
                self.wfile.write(b"?" * 65536)

    def _serve(self, start: int, *, cut: bool) -> None:
        body = self.server.body
        if start >= len(body):
            self._refuse(416, content_range=f"bytes */{len(body)}")
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", self.server.etag)
        self.end_headers()
        rest = body[start:]
        self.wfile.write(rest[: len(rest) // 2] if cut else rest)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def serving(body: bytes) -> Iterator[FlakyServer]:
    server = FlakyServer(body)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
