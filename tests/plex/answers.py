"""What the fake Plex server answers to each kind of request."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.media_server import HTML, Reply
from tests.plex import edits, listing, xml
from tests.plex.holdings import Entry, Section, Source, content, span, version, weight
from tests.plex.transcoder import transcoded

if TYPE_CHECKING:
    from tests.plex.server import PlexServer

XML, _JPEG, _FILE = "text/xml;charset=utf-8", "image/jpeg", "video/mp4"
_RANGE = re.compile(r"bytes=(\d+)-(\d+)?")
_MOST_UNRANGED = 50_000_000


class Refused(Exception):
    """The server answers with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what its path holds, its query, and its headers."""

    plex: "PlexServer"
    found: re.Match[str]
    pairs: edits.Pairs
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        return self.found[0].partition(" ")[2]

    @property
    def paging(self) -> tuple[int, int | None]:
        start = int(self.headers.get("X-Plex-Container-Start", "0"))
        size = self.headers.get("X-Plex-Container-Size")
        return start, None if size is None else int(size)

    @property
    def section(self) -> Section:
        """The section that the path names."""
        section = self.plex.held.get(int(self.found[1]))
        if section is None:
            raise Refused(404)
        return section


def answer(plex: "PlexServer", line: str, query: str, headers: Mapping[str, str]) -> Reply:
    """Reply `METHOD /path`. Raises `Refused`, and `Nonsense` for what no client of Plex asks."""
    for pattern, kind, give in _ROUTES:
        found = re.fullmatch(pattern, line)
        if found:
            plex.counts[kind] += 1
            return give(Asked(plex, found, edits.pairs(query), headers))
    plex.counts["unknown"] += 1
    raise Refused(404)


def _root(asked: Asked) -> Reply:
    return Reply(XML, xml.root(asked.plex.machine))


def _library(_asked: Asked) -> Reply:
    return Reply(XML, xml.library())


def _sections(asked: Asked) -> Reply:
    with asked.plex.lock:
        return Reply(XML, xml.sections(asked.plex.held.values()))


def _listed(asked: Asked) -> Reply:
    with asked.plex.lock:
        query, habits = dict(asked.pairs), asked.plex.habits
        return Reply(XML, listing.answer(asked.section, query, asked.paging, habits))


def _children(asked: Asked) -> Reply:
    above = int(asked.found[1])
    with asked.plex.lock:
        for section in asked.plex.held.values():
            if above in section.albums or above in section.entries:
                albums = [one for one in section.albums.values() if one.parent == above]
                inside = [xml.listed(one, section) for one in section.below(above)]
                parts = [*map(xml.album, albums), *inside]
                start, size = asked.paging
                page = parts[start:] if size is None else parts[start : start + size]
                told = {"size": len(page), "offset": start, "totalSize": len(parts)}
                return Reply(XML, xml.container(page, **told))
    raise Refused(404)


def _metadata(asked: Asked) -> Reply:
    """Items in full; 404 where none is left, or where one is missing, as servers differ."""
    wanted = [int(one) for one in unquote(asked.found[1]).split(",")]
    with asked.plex.lock:
        there = [one for one in map(asked.plex.find, wanted) if one is not None]
        missing = len(there) < len(wanted)
        if not there or (missing and not asked.plex.bears_missing):
            raise Refused(404)
        shown = [xml.full(one, asked.plex.held[one.section]) for one in there]
    return Reply(XML, xml.container(shown, size=len(shown), allowSync=1))


def _extras(asked: Asked) -> Reply:
    with asked.plex.lock:
        one = asked.plex.find(int(asked.found[1]))
        if one is None:
            raise Refused(404)
        return Reply(XML, xml.container(map(xml.extra, one.extras), size=len(one.extras)))


def _part(asked: Asked) -> Reply:
    """A file, or a span of it (RFC 9110, 14)."""
    with asked.plex.lock:
        file = asked.plex.file(asked.path)
    if file is None:
        raise Refused(404)
    wanted = asked.headers.get("Range")
    try:
        total = weight(file.source)
        if wanted is not None:
            return _span(asked, file.source, total, wanted)
        if total > _MOST_UNRANGED and not asked.pairs:
            raise edits.Nonsense("a film was asked for whole")
        return Reply(_JPEG, content(file.source))
    except OSError as exc:
        raise Refused(404) from exc


def _span(asked: Asked, source: Source, total: int, wanted: str) -> Reply:
    told = _RANGE.fullmatch(wanted)
    if told is None:
        raise edits.Nonsense(f"Range: {wanted} is none that is asked for")
    start = int(told[1])
    if start >= total:
        return Reply(HTML, b"", 416, {"Content-Range": f"bytes */{total}"})
    end = min(total, int(told[2]) + 1 if told[2] else total)
    body = span(source, start, end)
    asked.plex.sent_bytes += len(body)
    return Reply(_FILE, body, 206, {"Content-Range": f"bytes {start}-{end - 1}/{total}"})


def whole(plex: "PlexServer", path: str) -> Reply:
    """A file from its beginning to its end, whatever was asked for."""
    file = plex.file(path)
    if file is None:
        raise Refused(404)
    return Reply(_FILE, content(file.source))


def _thumb(asked: Asked) -> Reply:
    return Reply(_JPEG, content(_pictured(asked.plex, asked.path)[0]))


def _transcode(asked: Asked) -> Reply:
    query = dict(asked.pairs)
    source, changed = _pictured(asked.plex, query.get("url", "").partition("?")[0])
    time.sleep(asked.plex.transcode_s)
    try:
        small = transcoded(
            source,
            version(source, changed),
            int(query["width"]),
            int(query["height"]),
            min_size=query.get("minSize", "0") == "1",
            upscale=query.get("upscale", "0") == "1",
        )
    except (OSError, KeyError, ValueError) as exc:
        raise Refused(500) from exc
    return Reply(_JPEG, small)


def _pictured(plex: "PlexServer", key: str) -> tuple[Source, int]:
    """The picture of this key, and when it changed: a part's, or an item's thumb."""
    with plex.lock:
        if re.fullmatch(r"/library/parts/\d+/.*", key) and (file := plex.file(key)) is not None:
            return file.source, file.changed
        number = re.fullmatch(r"/library/metadata/(\d+)/thumb/\d+", key)
        one = plex.find(int(number[1])) if number else None
        source = None if one is None else _poster(one)
        if one is None or source is None:
            raise Refused(404)
        return source, one.updated


def _poster(one: Entry) -> Source | None:
    return one.main.source if one.kind == "photo" else one.poster


def _edit(asked: Asked) -> Reply:
    plex, edit = asked.plex, edits.parsed(asked.pairs)
    plex.before_edit()
    with plex.lock:
        section, taken = asked.section, edit.kind != "clip" or plex.clips_take_tags
        for one in edit.targets(section):
            if taken and edit.apply(one):
                now = plex.tick()
                one.updated = now if plex.raises_updated_at else one.updated
                section.touch(one)
    return Reply(XML, b"")


_Give = Callable[[Asked], Reply]
_ROUTES: tuple[tuple[str, str, _Give], ...] = (
    (r"GET /photo/:/transcode", "transcode", _transcode),
    (r"GET /library/sections/(\d+)/all", "list", _listed),
    (r"GET /library/metadata/([\d,]+|[\d%2C]+)", "metadata", _metadata),
    (r"PUT /library/sections/(\d+)/all", "edit", _edit),
    (r"GET /library/parts/\d+/\d+/file\.\w+", "part", _part),
    (r"GET /library/metadata/\d+/thumb/\d+", "thumb", _thumb),
    (r"GET /library/metadata/(\d+)/extras", "extras", _extras),
    (r"GET /library/metadata/(\d+)/children", "children", _children),
    (r"GET /library/sections/?", "sections", _sections),
    (r"GET /library/?", "library", _library),
    (r"GET /(identity)?", "root", _root),
)
