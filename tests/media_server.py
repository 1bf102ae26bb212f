"""What the fake media servers do alike: faults on demand, and answers on the wire."""

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.server_faults import Faults
from tests.wire import FakeHandler, FakeServer, reason

HTML = "text/html"
SIGN_IN = b"<!DOCTYPE html><html><head><title>Sign in</title><body>Who are you?<br>"


@dataclass(frozen=True, slots=True)
class Reply:
    kind: str = HTML
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def half(self) -> "Reply":
        return replace(self, body=self.body[: len(self.body) // 2])


class FakeMediaServer(FakeServer):
    """`log`: the methods, paths and queries of the requests; `counts`: how many of each kind."""

    habits: Any

    def __init__(self, port: int, handler: type["MediaHandler"]) -> None:
        super().__init__(port, handler)
        self.silence_s = 1.0
        self.faults = Faults()
        self.counts: Counter[str] = Counter()
        self.log: deque[str] = deque(maxlen=100_000)

    def fail(
        self, kind: int | str, *, at: str = "", after: int = 0, times: float = float("inf")
    ) -> None:
        """Let requests fail whose `METHOD /path?query` holds `at`.

        `kind` is a status, "maintenance" (503), "html" or "empty" (both 200), "garbled" (an answer
        that ends too early), "reset" (in the middle of the body), "silent" (an answer that comes
        too late), for lists "short", "twice" (an item) or "cut" (no items), and for spans of files
        on Plex "whole" (all of it). The first `after` requests that match are served, the next
        `times` fail; `mend()` ends all that.
        """
        self.faults.add(kind, at=at, after=after, times=times)

    def mend(self) -> None:
        self.faults.clear()


class MediaHandler(FakeHandler):
    """One request to a fake media server, and its answer.

    `empty`: an answer with nothing in it. `stamp`: a header line of each answer.
    """

    empty: Reply
    stamp = ""

    @property
    def fake(self) -> FakeMediaServer:
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def answered(self) -> Reply:
        """Answer the request, as a server does that is well."""
        raise NotImplementedError

    def refusal(self, status: int) -> Reply:
        raise NotImplementedError

    def maintenance(self) -> Reply:
        return self.refusal(503)

    def spoilt(self, body: bytes, fault: str) -> bytes:
        """Return the body of a list with this fault."""
        raise NotImplementedError

    def meet(self, fault: int | str | None) -> None:
        """Send the answer, with the fault that the request meets."""
        match fault:
            case None:
                self.send(self.answered())
            case int():
                self.send(self.refusal(fault))
            case "maintenance":
                self.send(self.maintenance())
            case "html":
                self.send(Reply(HTML, SIGN_IN))
            case "empty":
                self.send(self.empty)
            case "silent":
                time.sleep(self.fake.silence_s)
                self.close_connection = True
            case "garbled":
                self.send(self.answered().half())
            case "reset":
                reply = self.answered()
                self.send(reply.half(), length=len(reply.body) + 1)
                self.reset()
            case _:
                reply = self.answered()
                self.send(replace(reply, body=self.spoilt(reply.body, fault)))

    def send(self, reply: Reply, *, length: int | None = None) -> None:
        headers = dict(reply.headers)
        if reply.status != 204:
            headers["Content-Type"] = reply.kind
            headers["Content-Length"] = str(len(reply.body) if length is None else length)
        if self.close_connection:
            headers["Connection"] = "close"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {reply.status} {reason(reply.status)}\r\n{self.stamp}{lines}\r\n"
        self.wfile.write(head.encode("latin-1") + reply.body)
