"""One asset, what is kept with it, and what its owner's clients change of it."""

from typing import TYPE_CHECKING, Any

from tests.immich import dto
from tests.immich.asked import Asked
from tests.immich.holdings import Asset, Json, stamp
from tests.immich.refusals import check_list, check_option, check_uuid, check_uuids, not_there
from tests.immich.search import VISIBILITIES

if TYPE_CHECKING:
    from tests.immich.server import ImmichServer


def shown(server: "ImmichServer", asked: Asked) -> Json:
    with server.lock:
        return dto.full(server, _seen(server, asked, "asset.read"))


def update(server: "ImmichServer", asked: Asked) -> Json:
    """Edit an asset. Tags in it say nothing."""
    server.blame_for("an asset was edited")
    with server.lock:
        asset = _seen(server, asked, "asset.update")
        _edit(server, asset, asked.body)
        shown = dto.full(server, asset)
    return {name: value for name, value in shown.items() if name not in ("owner", "tags", "stack")}


def update_many(server: "ImmichServer", asked: Asked) -> None:
    server.blame_for("assets were edited")
    if "visibility" in asked.body:
        check_option(asked.body["visibility"], ["visibility"], VISIBILITIES)
    with server.lock:
        for asset in _own(server, asked, "asset.update"):
            _edit(server, asset, asked.body)


def delete_many(server: "ImmichServer", asked: Asked) -> None:
    server.blame_for("assets were deleted")
    with server.lock:
        for asset in _own(server, asked, "asset.delete"):
            server.trash(asset.id)


def stack(server: "ImmichServer", asked: Asked) -> Json:
    with server.lock:
        ids = check_uuids(asked.body, "assetIds")
        key = server.stack(*ids)
        assets = [dto.full(server, server.assets[one]) for one in ids]
    return {"id": key, "primaryAssetId": ids[0], "assets": assets}


def kept(server: "ImmichServer", asked: Asked) -> list[Json]:
    with server.lock:
        return list(_seen(server, asked, "asset.read").metadata.values())


def keep(server: "ImmichServer", asked: Asked) -> list[Json]:
    server.blame_for("metadata of an asset was written")
    with server.lock:
        asset = _seen(server, asked, "asset.update")
        made = [_entry(server, one) for one in check_list(asked.body, "items")]
        asset.metadata |= {one["key"]: one for one in made}
    return made


def forget(server: "ImmichServer", asked: Asked) -> None:
    with server.lock:
        _seen(server, asked, "asset.update").metadata.pop(asked.parts[1], None)


def _entry(server: "ImmichServer", one: Any) -> Json:
    return {"key": one["key"], "value": one["value"], "updatedAt": stamp(server.now())}


def _seen(server: "ImmichServer", asked: Asked, permission: str) -> Asset:
    asset = server.may_see(asked.user, check_uuid(asked.id, ["id"]))
    if asset is None:
        raise not_there(permission)
    return asset


def _own(server: "ImmichServer", asked: Asked, permission: str) -> list[Asset]:
    found = [
        server.may_edit(asked.user, one, shared=False) for one in check_uuids(asked.body, "ids")
    ]
    assets = [one for one in found if one is not None]
    if len(assets) != len(found):
        raise not_there(permission)
    return assets


def _edit(server: "ImmichServer", asset: Asset, body: Json) -> None:
    asset.favorite = body.get("isFavorite", asset.favorite)
    asset.visibility = body.get("visibility", asset.visibility)
    if "description" in body:
        asset.exif["description"] = body["description"]
    server.touch(asset)
