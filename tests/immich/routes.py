"""The routes: what each needs of a key, and what it answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.immich import assets, dto, files, search, tagging
from tests.immich.asked import Asked
from tests.immich.holdings import Json, stamp
from tests.immich.refusals import MISSING, Refused, check_uuid, invalid, not_there, wrong_type

if TYPE_CHECKING:
    from tests.immich.server import ImmichServer

Answer = Callable[["ImmichServer", Asked], Any]
OPEN, ANY_KEY = "-", ""
"""In place of a permission: no key is needed, or any will do."""
_FEATURES = (
    *("sidecar", "search", "trash", "passwordLogin", "configFile", "reverseGeocoding"),
    *("smartSearch", "facialRecognition", "duplicateDetection", "map", "importFaces", "oauth"),
    *("oauthAutoLaunch", "ocr", "email", "realtimeTranscoding"),
)
_ON = 6
_PREFERENCES: Json = {
    "albums": {"defaultAssetOrder": "desc"},
    "folders": {"enabled": False, "sidebarWeb": False},
    "memories": {"enabled": True, "duration": 5},
    "people": {"enabled": True, "sidebarWeb": False, "minimumFaces": 3},
    "sharedLinks": {"enabled": True, "sidebarWeb": False},
    "ratings": {"enabled": False},
    "emailNotifications": {"enabled": True, "albumInvite": True, "albumUpdate": True},
    "download": {"archiveSize": 4_294_967_296, "includeEmbeddedVideos": False},
    "purchase": {"showSupportBadge": True, "hideBuyButtonUntil": "2022-02-12T00:00:00.000Z"},
    "cast": {"gCastEnabled": False},
    "recentlyAdded": {"sidebarWeb": False},
}


@dataclass(frozen=True, slots=True)
class Route:
    """`database`: whether it hangs when the pool does. `status`: of an answer that is well."""

    name: str
    permission: str
    answer: Answer
    status: int = 200
    database: bool = True
    pattern: re.Pattern[str] = re.compile("")


def _ping(_server: "ImmichServer", _asked: Asked) -> Json:
    return {"res": "pong"}


def _version(server: "ImmichServer", _asked: Asked) -> Json:
    major, minor, patch = server.version_numbers
    return {"major": major, "minor": minor, "patch": patch, "prerelease": None}


def _features(_server: "ImmichServer", _asked: Asked) -> Json:
    return {name: number < _ON for number, name in enumerate(_FEATURES)}


def _config(_server: "ImmichServer", _asked: Asked) -> Json:
    style = "https://tiles.immich.cloud/v1/style"
    return {
        "loginPageMessage": "",
        "trashDays": 30,
        "userDeleteDelay": 7,
        "minFaces": 3,
        "oauthButtonText": "Login with OAuth",
        "isInitialized": True,
        "isOnboarded": True,
        "externalDomain": "",
        "publicUsers": True,
        "maintenanceMode": False,
        "mapDarkStyleUrl": f"{style}/dark.json",
        "mapLightStyleUrl": f"{style}/light.json",
    }


def _media_types(_server: "ImmichServer", _asked: Asked) -> Json:
    return {"video": [".mov", ".mp4"], "image": [".jpg", ".png"], "sidecar": [".xmp"]}


def _about(server: "ImmichServer", _asked: Asked) -> Json:
    number = ".".join(map(str, server.version_numbers))
    return {
        "version": f"v{number}",
        "versionUrl": "https://example.org",
        "licensed": False,
        "sourceCommit": "0" * 40,
        "nodejs": "v24.21.0",
        "exiftool": "13.59",
        "ffmpeg": "5.1.9",
        "libvips": "8.17.3",
        "imagemagick": "",
    }


def _key(_server: "ImmichServer", asked: Asked) -> Json:
    key = asked.key
    dates = {"createdAt": stamp(key.made), "updatedAt": stamp(key.made)}
    return {"id": key.id, "name": key.name, **dates, "permissions": list(key.permissions)}


def _make_key(server: "ImmichServer", asked: Asked) -> Json:
    permissions = asked.body.get("permissions")
    if not isinstance(permissions, list):
        raise invalid(wrong_type(["permissions"], "array", asked.body.get("permissions", MISSING)))
    if not permissions:
        message = "Too small: expected array to have >=1 items"
        error: Json = {"origin": "array", "code": "too_small", "minimum": 1, "inclusive": True}
        raise invalid(error | {"path": ["permissions"], "message": message})
    if not all(asked.key.may(one) for one in permissions):
        raise Refused(400, "Cannot grant permissions you do not have")
    secret = server.add_key(*permissions, name=asked.body.get("name", ""), owner=asked.user)
    made = Asked(server.keys[secret], (), {}, {})
    return {"secret": secret, "apiKey": _key(server, made)}


def _user(server: "ImmichServer", asked: Asked) -> Json:
    return dto.user(server.users[asked.user])


def _preferences(server: "ImmichServer", asked: Asked) -> Json:
    shown = server.users[asked.user].tags_shown
    return _PREFERENCES | {"tags": {"enabled": shown, "sidebarWeb": False}}


def _albums(server: "ImmichServer", asked: Asked) -> list[Json]:
    with server.lock:
        own = [one for one in server.albums.values() if one.owner == asked.user]
        return [dto.album(server, one) for one in own]


def _album(server: "ImmichServer", asked: Asked) -> Json:
    with server.lock:
        one = server.albums.get(check_uuid(asked.id, ["id"]))
        if one is None or one.owner != asked.user:
            raise not_there("album.read")
        return dto.album(server, one)


def _libraries(server: "ImmichServer", _asked: Asked) -> list[Json]:
    with server.lock:
        return [
            {
                "id": one.id,
                "ownerId": one.owner,
                "name": one.name,
                "refreshedAt": None,
                "createdAt": stamp(one.made),
                "updatedAt": stamp(one.made),
                "importPaths": [one.path],
                "exclusionPatterns": [],
                "assetCount": sum(each.library == one.id for each in server.assets.values()),
            }
            for one in server.libraries.values()
        ]


def _counts(server: "ImmichServer", asked: Asked) -> Json:
    with server.lock:
        kinds = [
            one.kind
            for one in server.assets.values()
            if one.owner == asked.user and one.visibility == "timeline" and one.trashed is None
        ]
    images = kinds.count("IMAGE")
    return {"images": images, "videos": len(kinds) - images, "total": len(kinds)}


def _nothing(_server: "ImmichServer", _asked: Asked) -> list[Json]:
    return []


def _people(_server: "ImmichServer", _asked: Asked) -> Json:
    return {"people": [], "hasNextPage": False, "total": 0, "hidden": 0}


_FREE = (
    Route("GET /server/ping", OPEN, _ping, database=False),
    Route("GET /server/version", OPEN, _version, database=False),
    Route("GET /server/features", OPEN, _features),
    Route("GET /server/config", OPEN, _config),
    Route("GET /server/media-types", OPEN, _media_types, database=False),
    Route("GET /server/about", "server.about", _about),
)
_OWN = (
    Route("GET /api-keys/me", ANY_KEY, _key),
    Route("POST /api-keys", "apiKey.create", _make_key, 201),
    Route("GET /users/me", "user.read", _user),
    Route("GET /users/me/preferences", "userPreference.read", _preferences),
    Route("GET /albums", "album.read", _albums),
    Route("GET /albums/{id}", "album.read", _album),
    Route("GET /libraries", "library.read", _libraries),
    Route("GET /people", "person.read", _people),
    Route("GET /faces", "face.read", _nothing),
    Route("GET /workflows", "workflow.read", _nothing),
    Route("GET /jobs", "job.read", _nothing),
    Route("POST /sync/stream", "sync.stream", _nothing),
    Route("POST /assets", "asset.upload", _nothing),
)
_ASSETS = (
    Route("POST /search/metadata", "asset.read", search.metadata),
    Route("POST /search/random", "asset.read", search.random),
    Route("POST /search/statistics", "asset.statistics", search.statistics),
    Route("GET /assets/statistics", "asset.statistics", _counts),
    Route("PUT /assets", "asset.update", assets.update_many, 204),
    Route("DELETE /assets", "asset.delete", assets.delete_many, 204),
    Route("POST /stacks", "stack.create", assets.stack, 201),
    Route("GET /assets/{id}", "asset.read", assets.shown),
    Route("PUT /assets/{id}", "asset.update", assets.update),
    Route("GET /assets/{id}/metadata", "asset.read", assets.kept),
    Route("PUT /assets/{id}/metadata", "asset.update", assets.keep),
    Route("DELETE /assets/{id}/metadata/{key}", "asset.update", assets.forget, 204),
    Route("GET /assets/{id}/thumbnail", "asset.view", files.thumbnail),
    Route("GET /assets/{id}/original", "asset.download", files.original),
    Route("GET /assets/{id}/video/playback", "asset.view", files.playback),
)
_TAGS = (
    Route("GET /tags", "tag.read", tagging.listed),
    Route("PUT /tags", "tag.create", tagging.upsert),
    Route("POST /tags", "tag.create", tagging.create, 201),
    Route("PUT /tags/assets", "tag.asset", tagging.put_many),
    Route("GET /tags/{id}", "tag.read", tagging.shown),
    Route("PUT /tags/{id}", "tag.update", tagging.update),
    Route("DELETE /tags/{id}", "tag.delete", tagging.delete, 204),
    Route("PUT /tags/{id}/assets", "tag.asset", tagging.put_on),
    Route("DELETE /tags/{id}/assets", "tag.asset", tagging.take_off),
)
ROUTES = tuple(
    Route(
        **{name: getattr(one, name) for name in ("name", "permission", "answer", "status")},
        database=one.database,
        pattern=re.compile(re.sub(r"{\w+}", "([^/]+)", one.name)),
    )
    for one in (*_FREE, *_OWN, *_ASSETS, *_TAGS)
)


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of a request, and what stands in its path for the names in braces."""
    line = f"{'GET' if method == 'HEAD' else method} {path}"
    for one in ROUTES:
        if match := one.pattern.fullmatch(line):
            return one, match.groups()
    return None
