"""What the fake server answers to each operation."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.mediabrowser import dto
from tests.mediabrowser.editing import EDITABLE, update
from tests.mediabrowser.holdings import Held, Source, content
from tests.plex.transcoder import transcoded

if TYPE_CHECKING:
    from tests.mediabrowser.server import MediaServer

_LENIENT_FROM = 12
_MIXES = frozenset({"Id", "Type", "ServerId"})
"""What of an item may stand in an edit although it sets nothing."""


class Refused(Exception):
    """The server answers with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the names in its path as they are, those of its query in lower case."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    @property
    def item(self) -> str:
        return next(iter(self.path.values()), "")

    def listed(self, name: str) -> list[str]:
        return [one for one in self.query.get(name, "").split(",") if one]

    def whole(self, name: str) -> int:
        return int(self.query.get(name, "0"))


@dataclass(frozen=True, slots=True)
class File:
    """A file that is sent, in parts if so asked."""

    body: bytes
    kind: str
    etag: str = ""
    ranges: bool = False


def public(media: "MediaServer", _asked: Asked) -> Any:
    told = {"ServerName": "Fake", "Version": media.spec.version, "Id": media.id}
    return told if media.emby else told | {"ProductName": "Jellyfin Server"}


def users(media: "MediaServer", _asked: Asked) -> Any:
    found = [dto.user(one) | {"ServerId": media.id} for one in media.users]
    return {"Items": found, "TotalRecordCount": len(found)} if media.emby else found


def views(media: "MediaServer", asked: Asked) -> Any:
    """Jellyfin has to be told whose views, for a key is nobody's."""
    _check_user(media, asked.item if media.emby else asked.query.get("userid", ""))
    with media.lock:
        found = [dto.view(one) for one in media.views.values()]
    return {"Items": found, "TotalRecordCount": len(found)}


def items(media: "MediaServer", asked: Asked) -> Any:
    """A page of items. Of a parent that is not there, all that there is: the worst it may do."""
    with media.lock:
        found = _chosen(media, asked)
        total, start = len(found), asked.whole("startindex")
        size = min(asked.whole("limit") or total, media.habits.most_per_page)
        page = [_shown(media, one) for one in found[start : start + size]]
    fields = asked.listed("fields")
    shown = [dto.listed(one, fields, emby=media.emby) for one in page]
    told: dict[str, Any] = {"Items": shown}
    if media.habits.tells_total:
        promised = media.habits.promises
        told["TotalRecordCount"] = total if promised is None else promised
    return told


def item(media: "MediaServer", asked: Asked) -> Any:
    """An item in full. A key is nobody's, so that the user has to be told."""
    _check_user(media, asked.query.get("userid", ""))
    with media.lock:
        return _shown(media, _found(media, asked.item))


def edit(media: "MediaServer", asked: Asked) -> None:
    body = json.loads(asked.body)
    media.violations += [
        f"an edit of {name}, which is no business of TigerTag's"
        for name in body.keys() - EDITABLE - _MIXES
    ]
    if "People" in body:
        media.violations.append("an edit of People replaces them")
    one = _found(media, asked.item)
    media.before_edit(one)
    with media.lock:
        status = update(one, body, lenient=media.major >= _LENIENT_FROM)
        if status == 204:
            one.saved = media.tick()
    if status != 204:
        raise Refused(status)
    media.after_edit(one)


def add_tags(media: "MediaServer", asked: Asked) -> None:
    _edit_tags(media, asked, lambda had, word: had if word in had else [*had, word])


def delete_tags(media: "MediaServer", asked: Asked) -> None:
    _edit_tags(media, asked, lambda had, word: [one for one in had if one != word])


def image(media: "MediaServer", asked: Asked) -> File:
    with media.lock:
        one = _found(media, asked.item)
        source: Source | None = one.versions[0].source if one.type == "Photo" else one.poster
        changed = one.changed
    if source is None:
        raise Refused(404)
    fills = "fillwidth" in asked.query
    width = asked.whole("fillwidth" if fills else "maxwidth") or 10_000
    height = asked.whole("fillheight" if fills else "maxheight") or 10_000
    try:
        made = transcoded(source, changed, width, height, min_size=fills, upscale=False)
    except (OSError, ValueError) as exc:
        raise Refused(500) from exc
    return File(made, "image/jpeg")


def download(media: "MediaServer", asked: Asked) -> File:
    with media.lock:
        one = _found(media, asked.item)
    content, etag = _content(one.versions[0].source), f"{one.id}-{one.changed}"
    return File(content, "application/octet-stream", etag, media.habits.ranges)


def stream(media: "MediaServer", asked: Asked) -> File:
    """A file as it is. Anything else would have the server encode it anew."""
    if asked.query.get("static", "").lower() != "true":
        media.violations.append("a video was asked for that is encoded anew")
    wanted = asked.item if media.emby else asked.query.get("mediasourceid", asked.item)
    with media.lock:
        found = [
            (one, version)
            for one in media.items.values()
            for version in one.versions
            if wanted == version.owner and (media.emby or one.id == asked.item)
        ]
    if not found or found[0][0].type == "Photo":
        raise Refused(404)
    one, version = found[0]
    etag = f"{version.id}-{one.changed}"
    return File(_content(version.source), "video/mp4", etag, media.habits.ranges)


OF: Mapping[str, Callable[["MediaServer", Asked], Any]] = {
    "GET /System/Info/Public": public,
    "GET /Users": users,
    "GET /Users/Query": users,
    "GET /UserViews": views,
    "GET /Users/{}/Views": views,
    "GET /Items": items,
    "GET /Items/{}": item,
    "POST /Items/{}": edit,
    "GET /Items/{}/Images/{}": image,
    "GET /Items/{}/Download": download,
    "GET /Videos/{}/stream": stream,
    "POST /Items/{}/Tags/Add": add_tags,
    "POST /Items/{}/Tags/Delete": delete_tags,
}


def spoilt(body: bytes, fault: str) -> bytes:
    """A list with a fault: shorter than asked, an item twice, or none of the items promised."""
    told = json.loads(body)
    found = told["Items"]
    match fault:
        case "short":
            told["Items"] = found[: max(1, len(found) // 2)]
        case "twice":
            told["Items"] = [*found, found[0]]
        case "cut":
            told["Items"] = []
    return json.dumps(told).encode()


def _chosen(media: "MediaServer", asked: Asked) -> list[Held]:
    query, found = asked.query, list(media.items.values())
    if "ids" in query:
        return [media.items[key] for key in asked.listed("ids") if key in media.items]
    if query.get("parentid") in media.views:
        found = [one for one in found if one.view == query["parentid"]]
    types = {one.lower() for one in asked.listed("includeitemtypes")}
    found = [one for one in found if not types or one.type.lower() in types]
    if "mindatelastsaved" in query:
        since = datetime.fromisoformat(query["mindatelastsaved"]).timestamp()
        found = [one for one in found if one.saved >= since]
    return _sorted(found, [one.lower() for one in asked.listed("sortby")])


def _sorted(found: list[Held], by: Sequence[str]) -> list[Held]:
    if not by:
        random.shuffle(found)
    for name in reversed(by):
        found.sort(key=lambda one: one.added if name == "datecreated" else str(one.told["Name"]))
    return found


def _shown(media: "MediaServer", one: Held) -> dto.Json:
    told = dto.full(one, emby=media.emby, photo_sources=media.habits.photo_sources)
    return told | {"ServerId": media.id}


def _check_user(media: "MediaServer", user: str) -> None:
    if user.replace("-", "") not in (one.id for one in media.users):
        raise Refused(400)


def _found(media: "MediaServer", key: str) -> Held:
    found = media.items.get(key)
    if found is None:
        raise Refused(404)
    return found


def _content(source: Source) -> bytes:
    try:
        return content(source)
    except OSError as exc:
        raise Refused(404) from exc


def _edit_tags(
    media: "MediaServer", asked: Asked, made: Callable[[list[str], str], list[str]]
) -> None:
    one = _found(media, asked.item)
    media.before_edit(one)
    with media.changing(one.id):
        for tag in json.loads(asked.body)["Tags"]:
            one.told["Tags"] = made(one.told["Tags"], tag["Name"])
    media.after_edit(one)
