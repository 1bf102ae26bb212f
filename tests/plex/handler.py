"""One request to the fake Plex server, and its answer on the wire."""

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.media_server import HTML, MediaHandler, Reply
from tests.plex import edits, listing, xml
from tests.plex.answers import XML, Refused, answer, whole
from tests.wire import reason

if TYPE_CHECKING:
    from tests.plex.server import PlexServer

_LONGEST_URL = 8192


class Handler(MediaHandler):
    empty = Reply(XML)
    stamp = "X-Plex-Protocol: 1.0\r\n"

    @property
    def plex(self) -> "PlexServer":
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        line = f"{self.command} {self.path}"
        if not self._proper():
            self.send(self.refusal(400))
            return
        fault = self.plex.faults.take(line)
        self.plex.log.append(line)
        if self.headers.get("X-Plex-Token") != self.plex.token:
            self.send(self.refusal(401))
        elif len(self.path) > _LONGEST_URL:
            self.send(self.refusal(414))
        elif fault == "whole":
            self.send(whole(self.plex, self.path.partition("?")[0]))
        else:
            self.meet(fault)

    def _proper(self) -> bool:
        """Whether this is a request that a client of Plex sends."""
        if self.plex.token in unquote(self.path) or "x-plex-token" in self.path.lower():
            self.plex.violations.append("a token was sent in a URL")
            return False
        if self.headers.get("Content-Length", "0") != "0":
            self.plex.violations.append(f"{self.command} {self.path} had a body")
            return False
        return True

    def answered(self) -> Reply:
        path, _mark, query = self.path.partition("?")
        try:
            return answer(self.plex, f"{self.command} {path}", query, dict(self.headers))
        except Refused as exc:
            return _page(exc.status)
        except edits.Nonsense as exc:
            self.plex.violations.append(str(exc))
            return _page(400)

    def refusal(self, status: int) -> Reply:
        wait = self.plex.retry_after
        return replace(_page(status), headers={"Retry-After": wait} if wait else {})

    def maintenance(self) -> Reply:
        return Reply(XML, xml.MAINTENANCE.encode(), 503)

    def spoilt(self, body: bytes, fault: str) -> bytes:
        return listing.spoilt(body, fault)


def _page(status: int) -> Reply:
    return Reply(HTML, xml.refusal(status, reason(status)), status)
