"""Assets and tags as routes show them."""

import base64
import json
from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING

from tests.immich.holdings import (
    Album,
    Asset,
    Json,
    Source,
    Tag,
    User,
    content,
    raw_stamp,
    stamp,
    weight,
)

if TYPE_CHECKING:
    from tests.immich.server import ImmichServer

_NO_EXIF = (
    *("make", "model", "lensModel", "fNumber", "focalLength", "iso", "exposureTime"),
    *("latitude", "longitude", "city", "state", "country", "projectionType", "rating"),
    *("timeZone", "orientation"),
)
_ACROSS = ("5", "6", "7", "8")
_EXIF_ORDER = (
    *("make", "model", "exifImageWidth", "exifImageHeight", "fileSizeInByte", "orientation"),
    *("dateTimeOriginal", "modifyDate", "timeZone", "lensModel", "fNumber", "focalLength", "iso"),
    *("exposureTime", "latitude", "longitude", "city", "state", "country", "description"),
    *("projectionType", "rating"),
)


def checksum(asset: Asset) -> str:
    """Of an upload's file; of an external asset's path, whatever its file holds."""
    if asset.library is None:
        return _digest(asset.source, asset.version)
    hashed = sha1(f"path:{asset.path}".encode(), usedforsecurity=False)
    return base64.b64encode(hashed.digest()).decode()


@lru_cache(maxsize=1024)
def _digest(source: Source, _version: int) -> str:
    hashed = sha1(content(source), usedforsecurity=False)
    return base64.b64encode(hashed.digest()).decode()


def thumbhash(asset: Asset) -> str | None:
    if not asset.has_preview:
        return None
    made = sha1(f"{asset.path} {asset.version}".encode(), usedforsecurity=False)
    return base64.b64encode(made.digest()[:18]).decode()


def exif_info(asset: Asset) -> Json:
    known: Json = dict.fromkeys(_NO_EXIF) | {"description": ""}
    size = asset.width, asset.height
    across = asset.exif.get("orientation") in _ACROSS
    known["exifImageWidth"], known["exifImageHeight"] = size[::-1] if across else size
    known |= {"fileSizeInByte": 0 if asset.offline else weight(asset.source)}
    known |= {"dateTimeOriginal": None, "modifyDate": None}
    if asset.processed:
        known |= {"dateTimeOriginal": raw_stamp(asset.taken)}
        known |= {"modifyDate": raw_stamp(asset.file_changed)}
        known |= asset.exif
    return {name: known[name] for name in _EXIF_ORDER}


def listed(asset: Asset, *, exif: bool, people: bool) -> str:
    """The JSON of an asset in a list, made once for as long as nothing changes."""
    kept = asset.shown.get((exif, people))
    if kept is None:
        kept = json.dumps(_listed(asset, exif=exif, people=people), ensure_ascii=False)
        asset.shown[exif, people] = kept
    return kept


def full(server: "ImmichServer", asset: Asset) -> Json:
    """What the route of one asset shows: its tags, owner and stack too."""
    shown = _listed(asset, exif=True, people=True)
    owner = server.users[asset.owner]
    tags = [tag(server.tags_by_id[one], raw=True) for one in asset.tags]
    more = {
        "owner": {name: user(owner)[name] for name in _PUBLIC}
        | {"profileChangedAt": raw_stamp(owner.made)},
        "tags": tags,
        "stack": _stack(server, asset),
    }
    return shown | more


def tag(one: Tag, *, raw: bool = False) -> Json:
    shown = raw_stamp if raw else stamp
    parent = {} if one.parent is None else {"parentId": one.parent}
    color = {} if one.color is None else {"color": one.color}
    dates = {"createdAt": shown(one.made), "updatedAt": shown(one.changed)}
    return {"id": one.id, **parent, "name": one.name, "value": one.value, **dates, **color}


def user(one: User) -> Json:
    dates = {name: stamp(one.made) for name in ("profileChangedAt", "createdAt", "updatedAt")}
    return {
        "id": one.id,
        "email": one.email,
        "name": one.name,
        "profileImagePath": "",
        "avatarColor": "orange",
        "storageLabel": one.name.lower(),
        "status": "active",
        "shouldChangePassword": False,
        "isAdmin": one.is_admin,
        "deletedAt": None,
        "oauthId": "",
        "quotaSizeInBytes": None,
        "quotaUsageInBytes": 0,
        "license": None,
        **dates,
    }


def album(server: "ImmichServer", one: Album) -> Json:
    member = {name: user(server.users[one.owner])[name] for name in _PUBLIC}
    return {
        "id": one.id,
        "albumName": one.name,
        "description": "",
        "shared": False,
        "albumThumbnailAssetId": next(iter(one.assets), None),
        "assetCount": len(one.assets),
        "albumUsers": [{"role": "owner", "user": member}],
        "hasSharedLink": False,
        "isActivityEnabled": True,
        "order": "desc",
        "createdAt": stamp(one.made),
        "updatedAt": stamp(one.made),
    }


_PUBLIC = ("id", "email", "name", "profileImagePath", "avatarColor", "profileChangedAt")


def _listed(asset: Asset, *, exif: bool, people: bool) -> Json:
    shown: Json = {
        "id": asset.id,
        "createdAt": stamp(asset.made),
        "ownerId": asset.owner,
        "libraryId": asset.library,
        "type": asset.kind,
        "originalPath": asset.path,
        "originalFileName": asset.name,
        "originalMimeType": asset.mime,
        "thumbhash": thumbhash(asset),
        "fileCreatedAt": stamp(asset.taken),
        "fileModifiedAt": stamp(asset.file_changed),
        "localDateTime": stamp(asset.taken),
        "updatedAt": stamp(asset.updated),
        "isFavorite": asset.favorite,
        "isArchived": asset.visibility == "archive",
        "isTrashed": asset.trashed is not None,
        "visibility": asset.visibility,
        "duration": asset.duration if asset.processed else None,
    }
    if exif:
        shown["exifInfo"] = exif_info(asset)
    shown |= {
        "livePhotoVideoId": asset.live_video,
        "people": asset.people if people else [],
        "checksum": checksum(asset),
        "isOffline": asset.offline,
        "hasMetadata": True,
        "duplicateId": None,
        "resized": True,
        "width": asset.width,
        "height": asset.height,
        "isEdited": asset.edited,
    }
    return shown


def _stack(server: "ImmichServer", asset: Asset) -> Json | None:
    if asset.stack is None:
        return None
    members = server.stacks[asset.stack]
    return {"id": asset.stack, "primaryAssetId": members[0], "assetCount": len(members)}
