"""Where notices arrive: a web server for Apprise's `json://`, and a mail server."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.free_port import free_port


@dataclass
class WebSink:
    """Takes messages as JSON. `status`: how it answers; `hangs_s`: for how long it does not."""

    port: int
    messages: list[dict[str, Any]] = field(default_factory=list)
    tries: int = 0
    status: int = 200
    hangs_s: float = 0.0

    @property
    def url(self) -> str:
        return f"json://bob:hunter2@127.0.0.1:{self.port}/secret-token"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]


@contextmanager
def web_sink() -> Iterator[WebSink]:
    sink = WebSink(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = sink.status
            sink.tries += 1
            time.sleep(sink.hangs_s)
            if status == 200:
                sink.messages.append(json.loads(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sink.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()


@dataclass
class MailSink:
    """Takes mails: (recipient, subject, text)."""

    port: int
    mails: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}/anna@example.org?from=tigertag@example.org"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body(("plain", "html"))
        assert body is not None
        self.mails.append((envelope.rcpt_tos[0], str(mail["Subject"]), body.get_content()))
        return "250 OK"


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    sink = MailSink(free_port())
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
