"""A server of one file that speaks ranges (RFC 9110, 14), and can be made to fail."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from threading import Thread

import requests

from tests.wire import Wire
from tigertag.errors import ItemGone
from tigertag.net.ranges import RangeReader

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class Server(Wire):
    """Serves `body`, in parts if it gives `ranges`.

    After `most` requests it is gone; after `cuts` requests connections are cut.
    """

    def __init__(self, body: bytes, *, ranges: bool, most: int, cuts: int) -> None:
        super().__init__(0, _Handler)
        self.body = body
        self.ranges = ranges
        self.most = most
        self.cuts = cuts
        self.count = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/film"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.count += 1
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if self.server.count > self.server.most:
            self.answer(404, b"")
        elif asked is None or not self.server.ranges:
            self.answer(200, self.server.body)
        elif int(asked[1]) >= len(self.server.body):
            self.answer(416, b"", **{"Content-Range": f"bytes */{len(self.server.body)}"})
        else:
            self.part(int(asked[1]), min(int(asked[2]) + 1, len(self.server.body)))

    def part(self, begin: int, end: int) -> None:
        message = f"bytes {begin}-{end - 1}/{len(self.server.body)}"
        self.answer(206, self.server.body[begin:end], **{"Content-Range": message})

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        is_cut = self.server.count > self.server.cuts
        self.close_connection = is_cut
        self.wfile.write(body[: len(body) // 2] if is_cut else body)

    def log_message(self, *_told: object) -> None:
        """Say nothing."""


@contextmanager
def served(
    body: bytes, *, ranges: bool = True, most: int = 10_000, cuts: int = 10_000
) -> Iterator[tuple[Server, RangeReader]]:
    """Serve a file, and open it as a library would."""
    server = Server(body, ranges=ranges, most=most, cuts=cuts)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    with requests.Session() as session:

        @contextmanager
        def ask(part: str) -> Iterator[requests.Response]:
            with session.get(
                server.address, headers={"Range": part}, stream=True, timeout=5
            ) as response:
                if response.status_code == 404:
                    raise ItemGone("The file is no longer there.")
                yield response

        yield server, RangeReader(ask)
    server.shutdown()
    server.server_close()
    thread.join()
