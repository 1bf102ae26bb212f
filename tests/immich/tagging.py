"""Tags: how they are made, put on assets and taken off again."""

import time
from typing import TYPE_CHECKING, Any

from tests.immich import dto
from tests.immich.asked import Asked
from tests.immich.holdings import Asset, Json, Tag, without
from tests.immich.refusals import (
    Refused,
    check_strings,
    check_uuid,
    check_uuids,
    invalid,
    not_there,
)

if TYPE_CHECKING:
    from tests.immich.server import ImmichServer

_LONGEST_BYTES = 2_700
_INSERT = 0.05
"""How long the steps of an edit of one tag take, as a part of `extraction_s`."""


def listed(server: "ImmichServer", asked: Asked) -> list[Json]:
    with server.lock:
        own = [one for one in server.tags_by_id.values() if one.owner == asked.user]
        return [dto.tag(one) for one in sorted(own, key=lambda one: one.value)]


def shown(server: "ImmichServer", asked: Asked) -> Json:
    with server.lock:
        return dto.tag(_own(server, asked, "tag.read"))


def upsert(server: "ImmichServer", asked: Asked) -> list[Json]:
    """Make what is missing. Each holds a connection of the pool while it waits for a second."""
    values = check_strings(asked.body, "tags")
    with server.pool.upsert(), server.lock:
        if any("\0" in value or _too_long(value) for value in values):
            raise Refused(500, "Failed to upsert tags")
        known = set(server.tags_by_id)
        made = [server.tag_of(asked.user, value) for value in dict.fromkeys(values)]
        leaves = {one.id: one for one in made if one is not None}
        for key in leaves.keys() & known:
            leaves[key].changed = server.now()
        return [dto.tag(one) for one in leaves.values()]


def create(server: "ImmichServer", asked: Asked) -> Json:
    """Make a tag alone: before 3.2 flat, whatever its name, and no search finds it."""
    server.blame_for("POST /tags makes tags that no search finds")
    name, parent = asked.body.get("name"), asked.body.get("parentId")
    if not isinstance(name, str):
        check_strings({"name": [name]}, "name")
    _check_color(asked.body)
    with server.lock:
        if parent is not None:
            above = server.tags_by_id.get(check_uuid(parent, ["parentId"]))
            if above is None or above.owner != asked.user:
                raise not_there("tag.read")
            name = f"{above.value}/{name}"
        elif server.has_cursor and "/" in str(name):
            raise Refused(400, "Tag names must not contain a slash")
        if server.tag_by_value(asked.user, str(name)) is not None:
            raise Refused(400, "A tag with that name already exists")
        one = server.new_tag(asked.user, str(name), parent, closed=server.has_cursor)
        one.color = asked.body.get("color")
        return dto.tag(one)


def update(server: "ImmichServer", asked: Asked) -> Json:
    """Colour a tag. Its name is taken from 3.2 on."""
    server.blame_for("a tag was edited")
    _check_color(asked.body)
    with server.lock:
        one = _own(server, asked, "tag.update")
        if "color" in asked.body:
            one.color = asked.body["color"]
        if server.has_cursor and "name" in asked.body:
            server.rename_tag(one.id, asked.body["name"])
        one.changed = server.now()
        return dto.tag(one)


def delete(server: "ImmichServer", asked: Asked) -> None:
    server.blame_for("DELETE /tags/{id} takes children along, and the tag comes back")
    with server.lock:
        server.delete_tag(_own(server, asked, "tag.delete").id)


def put_on(server: "ImmichServer", asked: Asked) -> list[Json]:
    """Put a tag on assets, a partner's too. In parallel the same pair fails as a whole."""
    ids = check_uuids(asked.body, "ids")
    with server.lock:
        tag = _own(server, asked, "tag.asset")
        had = {one for one in ids if one in server.assets and _has(server, one, tag)}
    time.sleep(_INSERT * server.extraction_s)
    results: list[Json] = []
    new: list[Asset] = []
    with server.lock:
        for one in ids:
            asset = server.may_edit(asked.user, one, shared=True)
            if asset is None:
                results.append({"id": one, "success": False, "error": "no_permission"})
            elif one in had or asset in new:
                results.append({"id": one, "success": False, "error": "duplicate"})
            else:
                new.append(asset)
                results.append({"id": one, "success": True})
        if any(_has(server, asset.id, tag) for asset in new):
            raise Refused(500, "Failed to tag assets")
        for asset in new:
            _look_at(server, asked, asset)
            server.put_tags(asset, [tag])
    _tell(server, new)
    return results


def put_many(server: "ImmichServer", asked: Asked) -> Json:
    """Put tags on assets, and skip without a word what is not there or not the user's."""
    tag_ids, asset_ids = check_uuids(asked.body, "tagIds"), check_uuids(asked.body, "assetIds")
    with server.lock:
        found = [server.tags_by_id.get(one) for one in dict.fromkeys(tag_ids)]
        tags = [one for one in found if one is not None and one.owner == asked.user]
        count = 0
        for asset_id in dict.fromkeys(asset_ids):
            asset = server.may_edit(asked.user, asset_id, shared=False)
            if asset is not None and (new := server.put_tags(asset, tags)):
                _look_at(server, asked, asset)
                server.tagged(asset)
                count += new
    return {"count": count}


def take_off(server: "ImmichServer", asked: Asked) -> list[Json]:
    ids = check_uuids(asked.body, "ids")
    results: list[Json] = []
    changed: list[Asset] = []
    time.sleep(_INSERT * server.extraction_s)
    with server.lock:
        tag = _own(server, asked, "tag.asset")
        for one in ids:
            asset = server.may_edit(asked.user, one, shared=True)
            if asset is None or tag.id not in asset.tags:
                results.append({"id": one, "success": False, "error": "not_found"})
                continue
            asset.tags = without(asset.tags, [tag.id])
            changed.append(asset)
            results.append({"id": one, "success": True})
    _tell(server, changed)
    return results


def _tell(server: "ImmichServer", assets: list[Asset]) -> None:
    """Store the tags as they are by now, which an extraction may have replaced meanwhile."""
    time.sleep(_INSERT * server.extraction_s)
    with server.lock:
        for asset in assets:
            server.tagged(asset)


def _own(server: "ImmichServer", asked: Asked, permission: str) -> Tag:
    one = server.tags_by_id.get(check_uuid(asked.id, ["id"]))
    if one is None or one.owner != asked.user:
        raise not_there(permission)
    return one


def _has(server: "ImmichServer", asset: str, tag: Tag) -> bool:
    return tag.id in server.assets[asset].tags


def _look_at(server: "ImmichServer", asked: Asked, asset: Asset) -> None:
    """Keep it in mind where a tagger tags what it has to leave alone: the server lets it."""
    states = {
        "in the trash": asset.trashed is not None,
        "offline": asset.offline,
        "a hidden half of a live photo": asset.visibility == "hidden",
        "not processed yet": not asset.processed,
        "a partner's": asset.owner != asked.user,
    }
    for state, is_so in states.items():
        if is_so:
            server.blame_for(f"{asset.name} was tagged, which is {state}")


def _too_long(value: str) -> bool:
    """The index takes names that compress well, whatever their length."""
    size = len(value.encode())
    return size > _LONGEST_BYTES and len(set(value)) > 1


def _check_color(body: dict[str, Any]) -> None:
    color = body.get("color")
    if color is None:
        return
    digits = str(color).removeprefix("#")
    if len(digits) not in (3, 4, 6, 8) or any(
        one not in "0123456789abcdefABCDEF" for one in digits
    ):
        pattern = "/^#?([0-9A-Fa-f]{3}|[0-9A-Fa-f]{4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$/"
        error: Json = {"origin": "string", "code": "invalid_format", "format": "regex"}
        error |= {"pattern": pattern, "path": ["color"]}
        raise invalid(error | {"message": f"Invalid string: must match pattern {pattern}"})
