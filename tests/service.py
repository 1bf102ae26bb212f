"""What the fakes of services do alike: routes, answers on the wire, requests counted at once."""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

from tests.wire import FakeHandler, reason

HTML = "text/html"

M = TypeVar("M", bound=Callable[..., Any])
Route = tuple[str, str, M]
"""A pattern for "METHOD /path", what such requests are called, and the method that answers."""


def find_route(routes: Sequence[Route[M]], line: str) -> tuple[str, re.Match[str], M] | None:
    for pattern, kind, method in routes:
        match = re.fullmatch(pattern, line)
        if match:
            return kind, match, method
    return None


class AtOnce:
    """Counts requests that are under way; `most` is how many ever were at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = Lock()

    @contextmanager
    def counted(self) -> Iterator[int]:
        """Count one; give how many there are now, with it."""
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            now = self.now
        try:
            yield now
        finally:
            with self._lock:
                self.now -= 1


class ServiceHandler(FakeHandler):
    """One request to a fake service. `server.fake` has `silence_s` and `retry_after`."""

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def do_DELETE(self) -> None:
        self.serve()

    def serve(self) -> None:
        raise NotImplementedError

    def send(
        self, status: int, body: Any, *, kind: str = "application/json", share: float = 1.0
    ) -> None:
        """Send an answer, bytes or what becomes JSON; less than all of it cuts the connection."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.close_connection = self.close_connection or share < 1
        headers = {"Content-Type": kind, "Content-Length": str(len(content))}
        if status >= 400 and (wait := self.server.fake.retry_after):  # type: ignore[attr-defined]
            headers["Retry-After"] = wait
        if self.close_connection:
            headers["Connection"] = "close"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} {reason(status)}\r\n{lines}\r\n".encode("latin-1")
        self.wfile.write(head + content[: round(len(content) * share)])

    def keep_silent(self) -> None:
        """Answer too late, and not at all."""
        time.sleep(self.server.fake.silence_s)  # type: ignore[attr-defined]
        self.close_connection = True
