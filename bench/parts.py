"""A file behind HTTP that gives parts of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread

import requests

from tests.wire import Wire
from tigertag.net.ranges import Ask

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@contextmanager
def served(path: Path) -> Iterator[Ask]:
    """Serve a file; yield what asks for a part of it."""
    size = path.stat().st_size

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = _RANGE.fullmatch(self.headers["Range"])
            assert asked is not None
            first, last = int(asked[1]), min(int(asked[2]), size - 1)
            with path.open("rb") as file:
                file.seek(first)
                body = file.read(last + 1 - first)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: object) -> None:
            """Say nothing."""

    server = Wire(0, Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}/film"
    with requests.Session() as session:
        yield lambda part: session.get(address, headers={"Range": part}, stream=True, timeout=10)
    server.shutdown()
    server.server_close()
    thread.join()
