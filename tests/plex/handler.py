"""One request to the fake Plex server, and its answer."""

import re
import socket
import struct
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.plex import edits, listing, xml
from tests.plex.holdings import Photo, Section, content, version
from tests.plex.transcoder import transcoded

if TYPE_CHECKING:
    from tests.plex.server import PlexServer

_LONGEST_URL = 8192
_XML, _HTML, _JPEG = "text/xml;charset=utf-8", "text/html", "image/jpeg"
_RESET = struct.pack("ii", 1, 0)
Pairs = edits.Pairs


class Refused(Exception):
    """The server answers with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 and keeps connections."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def plex(self) -> "PlexServer":
        return self.server.plex  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        line = f"{self.command} {self.path}"
        if not self._proper():
            self._refuse(400)
            return
        fault = self.plex.faults.take(line)
        self.plex.log.append(line)
        if self.headers.get("X-Plex-Token") != self.plex.token:
            self._refuse(401)
        elif len(self.path) > _LONGEST_URL:
            self._refuse(414)
        elif isinstance(fault, int):
            self._refuse(fault)
        elif fault is not None:
            self._misbehave(fault)
        else:
            self._send(*self._answered())

    def _proper(self) -> bool:
        """Whether this is a request that a client of Plex sends."""
        if self.plex.token in unquote(self.path) or "x-plex-token" in self.path.lower():
            self.plex.violations.append("a token was sent in a URL")
            return False
        if self.headers.get("Content-Length", "0") != "0":
            self.plex.violations.append(f"{self.command} {self.path} had a body")
            return False
        return True

    def _answered(self) -> tuple[int, str, bytes]:
        try:
            kind, body = self._answer()
            return 200, kind, body
        except Refused as exc:
            return exc.status, _HTML, _page(exc.status)
        except (edits.Nonsense, listing.Unsorted) as exc:
            self.plex.violations.append(str(exc))
            return 400, _HTML, _page(400)

    def _answer(self) -> tuple[str, bytes]:
        path, _mark, query = self.path.partition("?")
        pairs = edits.pairs(query)
        for pattern, kind, answer in _ROUTES:
            found = re.fullmatch(pattern, f"{self.command} {path}")
            if found:
                self.plex.counts[kind] += 1
                return answer(self, found, pairs)
        self.plex.counts["unknown"] += 1
        raise Refused(404)

    def _misbehave(self, fault: str) -> None:
        match fault:
            case "maintenance":
                self._send(503, _XML, xml.MAINTENANCE.encode())
            case "html":
                page = b"<!DOCTYPE html><html><head><title>Sign in</title><body>Who are you?<br>"
                self._send(200, _HTML, page)
            case "empty":
                self._send(200, _XML, b"")
            case "silent":
                time.sleep(self.plex.silence_s)
                self.close_connection = True
            case "garbled":
                status, kind, body = self._answered()
                self._send(status, kind, body[: len(body) // 2])
            case "reset":
                self._reset(*self._answered())
            case _:
                status, kind, body = self._answered()
                self._send(status, kind, listing.spoilt(body, fault))

    def _reset(self, status: int, kind: str, body: bytes) -> None:
        self._send(status, kind, body[: len(body) // 2], length=len(body) + 1)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close_connection = True

    def _refuse(self, status: int) -> None:
        self._send(status, _HTML, _page(status))

    def _send(self, status: int, kind: str, body: bytes, *, length: int | None = None) -> None:
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Odd"
        head = (
            f"HTTP/1.1 {status} {reason}\r\nX-Plex-Protocol: 1.0\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body) if length is None else length}\r\n"
        )
        head += "Connection: close\r\n\r\n" if self.close_connection else "\r\n"
        self.wfile.write(head.encode("latin-1") + body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def root(self, _found: re.Match[str], _pairs: Pairs) -> tuple[str, bytes]:
        return _XML, xml.root()

    def library(self, _found: re.Match[str], _pairs: Pairs) -> tuple[str, bytes]:
        return _XML, xml.library()

    def sections(self, _found: re.Match[str], _pairs: Pairs) -> tuple[str, bytes]:
        with self.plex.lock:
            return _XML, xml.sections(self.plex.held.values())

    def listed(self, found: re.Match[str], pairs: Pairs) -> tuple[str, bytes]:
        with self.plex.lock:
            section = self._section(found[1])
            return _XML, listing.answer(section, dict(pairs), self._paging(), self.plex.habits)

    def children(self, found: re.Match[str], _pairs: Pairs) -> tuple[str, bytes]:
        album = int(found[1])
        with self.plex.lock:
            for section in self.plex.held.values():
                if album in section.albums:
                    below = [one for one in section.albums.values() if one.parent == album]
                    photos = [one for one in section.photos.values() if one.album == album]
                    parts = [*map(xml.album, below), *map(xml.listed, photos)]
                    start, size = self._paging()
                    page = parts[start:] if size is None else parts[start : start + size]
                    told = {"size": len(page), "offset": start, "totalSize": len(parts)}
                    return _XML, xml.container(page, **told)
        raise Refused(404)

    def metadata(self, found: re.Match[str], _pairs: Pairs) -> tuple[str, bytes]:
        """Items in full; 404 where none is left, or where one is missing, as servers differ."""
        asked = [int(one) for one in unquote(found[1]).split(",")]
        with self.plex.lock:
            photos = [one for one in map(self.plex.find, asked) if one is not None]
            missing = len(photos) < len(asked)
            if not photos or (missing and not self.plex.bears_missing):
                raise Refused(404)
            shown = [xml.full(one, self.plex.held[one.section]) for one in photos]
        return _XML, xml.container(shown, size=len(shown), allowSync=1)

    def part(self, found: re.Match[str], _pairs: Pairs) -> tuple[str, bytes]:
        return _JPEG, self._content(self._at(found[0].partition(" ")[2]))

    def transcode(self, _found: re.Match[str], pairs: Pairs) -> tuple[str, bytes]:
        query = dict(pairs)
        photo = self._at(query.get("url", "").partition("?")[0])
        with self.plex.lock:
            source, changed = photo.source, photo.changed
        time.sleep(self.plex.transcode_s)
        try:
            return _JPEG, transcoded(
                source,
                version(source, changed),
                int(query["width"]),
                int(query["height"]),
                min_size=query.get("minSize", "0") == "1",
                upscale=query.get("upscale", "0") == "1",
            )
        except (OSError, KeyError, ValueError) as exc:
            raise Refused(500) from exc

    def edit(self, found: re.Match[str], pairs: Pairs) -> tuple[str, bytes]:
        edit = edits.parsed(pairs)
        self.plex.before_edit()
        with self.plex.lock:
            section = self._section(found[1])
            for photo in edit.targets(section):
                if edit.apply(photo):
                    now = self.plex.tick()
                    photo.updated = now if self.plex.raises_updated_at else photo.updated
                    section.touch(photo)
        return _XML, b""

    def _section(self, number: str) -> Section:
        section = self.plex.held.get(int(number))
        if section is None:
            raise Refused(404)
        return section

    def _at(self, key: str) -> Photo:
        """The photo whose part, or thumb, has this key."""
        numbers = re.fullmatch(r"/library/(?:parts|metadata)/(\d+)/.*", key)
        with self.plex.lock:
            photo = self.plex.find(int(numbers[1])) if numbers else None
            if photo is None or ("/parts/" in key and key != xml.part_key(photo)):
                raise Refused(404)
            return photo

    def _content(self, photo: Photo) -> bytes:
        try:
            return content(photo.source)
        except OSError as exc:
            raise Refused(404) from exc

    def _paging(self) -> tuple[int, int | None]:
        start = int(self.headers.get("X-Plex-Container-Start", "0"))
        size = self.headers.get("X-Plex-Container-Size")
        return start, None if size is None else int(size)


def _page(status: int) -> bytes:
    known = status in HTTPStatus._value2member_map_
    return xml.refusal(status, HTTPStatus(status).phrase if known else "Odd")


_Answer = Callable[[Handler, re.Match[str], Pairs], tuple[str, bytes]]
_ROUTES: tuple[tuple[str, str, _Answer], ...] = (
    (r"GET /photo/:/transcode", "transcode", Handler.transcode),
    (r"GET /library/sections/(\d+)/all", "list", Handler.listed),
    (r"GET /library/metadata/([\d,]+|[\d%2C]+)", "metadata", Handler.metadata),
    (r"PUT /library/sections/(\d+)/all", "edit", Handler.edit),
    (r"GET /library/parts/\d+/\d+/file\.\w+", "part", Handler.part),
    (r"GET /library/metadata/\d+/thumb/\d+", "thumb", Handler.part),
    (r"GET /library/metadata/(\d+)/children", "children", Handler.children),
    (r"GET /library/sections/?", "sections", Handler.sections),
    (r"GET /library/?", "library", Handler.library),
    (r"GET /(identity)?", "root", Handler.root),
)
