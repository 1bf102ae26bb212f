"""`POST /search/metadata`: which assets a request means, in pages or, from 3.2 on, by a cursor."""

import base64
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tests.immich import dto
from tests.immich.asked import Asked
from tests.immich.filters import fitting
from tests.immich.holdings import Asset, Json, moment_of
from tests.immich.refusals import (
    Refused,
    check_date,
    check_option,
    check_uuid,
    check_uuids,
    check_whole,
    invalid,
    wrong_type,
)

if TYPE_CHECKING:
    from tests.immich.server import ImmichServer

VISIBILITIES = ("archive", "timeline", "hidden", "locked")
_SEEN = frozenset({"archive", "timeline", "hidden"})
_DATES: dict[str, Callable[[Asset], float | None]] = {
    "updated": lambda asset: asset.updated,
    "created": lambda asset: asset.made,
    "taken": lambda asset: asset.taken,
    "trashed": lambda asset: asset.trashed,
}
_SWITCHES = (
    *("withDeleted", "withExif", "withPeople", "withStacked", "isFavorite", "isMotion"),
    *("isOffline", "isEncoded", "isNotInAlbum"),
)
_TEXTS = (
    *("originalFileName", "originalPath", "checksum", "city", "country", "state"),
    *("make", "model", "lensModel", "description"),
)
_EXIF_TEXTS = ("city", "country", "state", "make", "model", "lensModel")
_IDS = ("id", "libraryId")
_LISTS = ("tagIds", "albumIds", "personIds")
_KNOWN = frozenset(
    {f"{name}{side}" for name in _DATES for side in ("After", "Before")}
    | {*_SWITCHES, *_TEXTS, *_IDS, *_LISTS, "visibility", "type", "order", "size", "page", "rating"}
)
_OF_NEW = {"filter", "orderBy"}
_OF_CURSOR = {"cursor", *_OF_NEW}
"""What only searches of the new form have, since 3.2."""
_OF_BOTH = {"size", "withExif", "withPeople", "withStacked"}


def metadata(server: "ImmichServer", asked: Asked) -> str:
    """A page as JSON. `total` is the page's own count; only the last page's end is null."""
    body = asked.body
    _check(server, body)
    time.sleep(server.search_s)
    size = check_whole(body.get("size", 250), "size", 1, 1000)
    page = check_whole(body.get("page", 1), "page", 1)
    with server.lock:
        found = _found(server, asked)
        by_cursor = server.has_cursor and not body.keys().isdisjoint(_OF_CURSOR)
        start = _offset(body.get("cursor")) if by_cursor else (page - 1) * size
        chosen = found[start : start + size]
        exif, people = bool(body.get("withExif")), bool(body.get("withPeople"))
        items = ", ".join(dto.listed(one, exif=exif, people=people) for one in chosen)
        more = start + size < len(found)
        ends = '"nextPage": ' + (f'"{page + 1}"' if more and not by_cursor else "null")
        if server.has_cursor:
            following = f'"{_cursor(start + size)}"' if more and by_cursor else "null"
            ends = f'"nextCursor": {following}, {ends}'
    albums = '"albums": {"total": 0, "count": 0, "items": [], "facets": []}'
    counts = f'"total": {len(chosen)}, "count": {len(chosen)}'
    return f'{{{albums}, "assets": {{{counts}, "items": [{items}], "facets": [], {ends}}}}}'


def statistics(server: "ImmichServer", asked: Asked) -> Json:
    _check(server, asked.body)
    with server.lock:
        return {"total": len(_found(server, asked))}


def random(server: "ImmichServer", asked: Asked) -> str:
    _check(server, asked.body)
    size = check_whole(asked.body.get("size", 250), "size", 1, 1000)
    with server.lock:
        found = _found(server, asked)[:size]
        return "[" + ", ".join(dto.listed(one, exif=False, people=False) for one in found) + "]"


def _check(server: "ImmichServer", body: Any) -> None:
    """Check what is known; what is not known says nothing to the server, and lists everything."""
    if not isinstance(body, dict):
        raise invalid(wrong_type([], "object", body))
    known = _KNOWN | (_OF_CURSOR if server.has_cursor else set())
    for new in body.keys() & _OF_CURSOR if server.has_cursor else ():
        for name in body.keys() & (_KNOWN - _OF_BOTH):
            message = f"Deprecated field {name} cannot be combined with {new}"
            raise invalid({"code": "custom", "path": [name], "message": message})
    for name in body.keys() - known:
        server.blame_for(f"POST /search/metadata knows no {name}, and lists everything")
    for name in body.keys() & {f"{one}{side}" for one in _DATES for side in ("After", "Before")}:
        check_date(body[name], name)
    for name in body.keys() & set(_SWITCHES):
        if not isinstance(body[name], bool):
            raise invalid(wrong_type([name], "boolean", body[name]))
    for name in (one for one in _IDS if body.get(one) is not None):
        check_uuid(body[name], [name])
    for name in (one for one in _LISTS if body.get(one) is not None):
        check_uuids(body, name)
    if "visibility" in body:
        check_option(body["visibility"], ["visibility"], VISIBILITIES)
    if "type" in body:
        check_option(body["type"], ["type"], ("IMAGE", "VIDEO", "AUDIO", "OTHER"))
    if "order" in body:
        check_option(body["order"], ["order"], ("asc", "desc"))
    if body.get("visibility") == "locked":
        raise Refused(401, "Elevated permission is required")


def _found(server: "ImmichServer", asked: Asked) -> list[Asset]:
    """All that the request means, in order; kept until something changes."""
    body = {name: value for name, value in asked.body.items() if name in _KNOWN | _OF_NEW}
    for name in ("size", "page", "withExif", "withPeople"):
        body.pop(name, None)
    # Whoever lists by date sends another one with each request.
    taken_after = body.pop("takenAfter", None)
    if not server.has_cursor:
        body = {name: value for name, value in body.items() if name not in _OF_NEW}
    key = (asked.user, repr(sorted(body.items())))
    kept = server.searches.get(key)
    if kept is None:
        tests = list(_tests(server, asked, body))
        kept = [one for one in server.in_order() if all(fits(one) for fits in tests)]
        if "asc" in (body.get("order"), body.get("orderBy", {}).get("direction")):
            kept.reverse()
        server.searches[key] = kept
    if taken_after is None:
        return kept
    least = moment_of(taken_after)
    return [asset for asset in kept if asset.taken >= least]


def _tests(server: "ImmichServer", asked: Asked, body: Json) -> Iterator[Callable[[Asset], bool]]:
    owners = server.users[asked.user].in_timeline
    seen = {body["visibility"]} if "visibility" in body else _SEEN
    yield lambda one: one.owner in owners and one.visibility in seen
    if "filter" in body:
        yield from fitting(server, body["filter"])
    if body.keys().isdisjoint(_OF_NEW) and not (
        body.get("withDeleted") or body.keys() & {"trashedAfter", "trashedBefore", "isOffline"}
    ):
        yield lambda one: one.trashed is None
    for name, date in _DATES.items():
        yield from _dates(body, name, date)
    yield from _switches(server, body)
    yield from _values(body)
    yield from _held(server, body)


def _dates(
    body: Json, name: str, date: Callable[[Asset], float | None]
) -> Iterator[Callable[[Asset], bool]]:
    """Both ends are included. Times are compared as they are shown, in milliseconds."""
    if after := body.get(f"{name}After"):
        least = moment_of(after)
        yield lambda one: (date(one) or -1.0) >= least
    if before := body.get(f"{name}Before"):
        most = moment_of(before)
        yield lambda one: date(one) is not None and (date(one) or 0.0) <= most


def _switches(server: "ImmichServer", body: Json) -> Iterator[Callable[[Asset], bool]]:
    if "isFavorite" in body:
        yield lambda one: one.favorite is body["isFavorite"]
    if "isOffline" in body:
        yield lambda one: one.offline is body["isOffline"]
    if "isMotion" in body:
        yield lambda one: (one.live_video is not None) is body["isMotion"]
    if body.get("withStacked") is False:
        yield lambda one: one.stack is None
    if body.get("isNotInAlbum"):
        inside = {one for album in server.albums.values() for one in album.assets}
        yield lambda one: one.id not in inside


def _values(body: Json) -> Iterator[Callable[[Asset], bool]]:
    if "id" in body:
        yield lambda one: one.id == body["id"]
    if body.get("libraryId"):
        # Null is no filter.
        yield lambda one: one.library == body["libraryId"]
    if "type" in body:
        yield lambda one: one.kind == body["type"]
    if "originalFileName" in body:
        yield lambda one: body["originalFileName"].lower() in one.name.lower()
    if "originalPath" in body:
        yield lambda one: body["originalPath"].lower() in one.path.lower()
    if "checksum" in body:
        yield lambda one: dto.checksum(one) == body["checksum"]
    for name in body.keys() & set(_EXIF_TEXTS):
        yield lambda one, name=name: dto.exif_info(one)[name] == body[name]  # type: ignore[misc]


def _held(server: "ImmichServer", body: Json) -> Iterator[Callable[[Asset], bool]]:
    """By tags, of which all must be there or below, and None means untagged; albums; people."""
    if "tagIds" in body and body["tagIds"] is None:
        yield lambda one: not one.tags
    for wanted in body.get("tagIds") or ():
        family = server.closure(wanted)
        yield lambda one, family=family: not family.isdisjoint(one.tags)  # type: ignore[misc]
    if body.get("albumIds"):
        albums = [server.albums[one].assets for one in body["albumIds"] if one in server.albums]
        inside = {one for assets in albums for one in assets}
        yield lambda one: one.id in inside
    for person in body.get("personIds") or ():
        yield lambda one, person=person: any(  # type: ignore[misc]
            each["id"] == person for each in one.people
        )


def _cursor(offset: int) -> str:
    """It only counts: it slips as pages do."""
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def _offset(cursor: Any) -> int:
    try:
        return 0 if cursor is None else int(base64.urlsafe_b64decode(cursor))
    except (ValueError, TypeError) as exc:
        raise Refused(400, "Invalid cursor") from exc
