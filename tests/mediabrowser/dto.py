"""Items as the servers show them: what is asked for by name, and what is always there."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from PIL import Image

from tests.mediabrowser.holdings import Held, User, Version, View, weight
from tests.plex.holdings import shape

Json = dict[str, Any]

_SETTINGS = (
    *("LockData", "LockedFields", "ForcedSortName"),
    *("PreferredMetadataLanguage", "PreferredMetadataCountryCode"),
)
_SPECIAL = ("AirsAfterSeasonNumber", "AirsBeforeEpisodeNumber", "AirsBeforeSeasonNumber")
_ON_DEMAND = {
    **dict.fromkeys(_SETTINGS, "Settings"),
    **dict.fromkeys(_SPECIAL, "SpecialEpisodeNumbers"),
    "GenreItems": "Genres",
    "TagItems": "Tags",
    **{
        name: name
        for name in (
            *("Tags", "Path", "MediaSources", "Etag", "Genres", "Studios", "Overview", "Size"),
            *("OriginalTitle", "Taglines", "ProviderIds", "ProductionLocations", "CustomRating"),
            *("DateCreated", "People", "Width", "Height", "PrimaryImageAspectRatio", "Trickplay"),
            *("SortName", "ParentId", "CanDelete", "CanDownload", "PlayAccess", "ExternalUrls"),
        )
    },
}
"""What comes only when this is among the fields asked for."""
_ON_DEMAND_ON_EMBY = {"ProductionYear": "ProductionYear"}
"""Whether Emby tells these unasked is not known."""


def date(clock: int) -> str:
    return datetime.fromtimestamp(clock, UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


def full(one: Held, *, emby: bool, photo_sources: bool) -> Json:
    """All that a server shows of an item to those who ask for it alone."""
    photo, series = one.type == "Photo", one.type == "Series"
    dto = {name: value for name, value in one.told.items() if value is not None}
    dto |= {"Id": one.id, "Type": one.type, "Etag": one.etag}
    dto |= {"MediaType": "Photo" if photo else "Video", "LocationType": "FileSystem"}
    dto |= {"ParentId": one.view, "Path": one.versions[0].path}
    dto |= {"SortName": str(dto.get("Name") or "").lower()}
    dto |= {"CanDelete": True, "CanDownload": True, "UserData": _user_data(one, emby=emby)}
    dto |= _pictures(one)
    if series:
        dto |= {"IsFolder": True}
    elif not photo or photo_sources:
        dto["MediaSources"] = [_source(version, emby=emby) for version in one.versions]
    if not photo and not series:
        dto |= {"IsFolder": False, "RunTimeTicks": 600_000_000}
    dto |= _of_emby(one) if emby else _of_jellyfin(one)
    return dto | one.more


def listed(dto: Json, fields: Collection[str], *, emby: bool) -> Json:
    """What of it lists show, where these fields were asked for."""
    asked = {name.lower() for name in fields}
    demanded = _ON_DEMAND | (_ON_DEMAND_ON_EMBY if emby else {})
    return {
        name: value
        for name, value in dto.items()
        if name not in demanded or demanded[name].lower() in asked
    }


def view(one: View) -> Json:
    kind = {} if one.kind is None else {"CollectionType": one.kind}
    return {"Id": one.id, "Name": one.name, "Type": "CollectionFolder", "IsFolder": True, **kind}


def user(one: User) -> Json:
    policy = {"IsAdministrator": one.administrator, "IsDisabled": one.disabled}
    return {"Id": one.id, "Name": one.name, "Policy": policy}


def _of_jellyfin(one: Held) -> Json:
    genres = [{"Name": name, "Id": f"{number:032x}"} for number, name in enumerate(_genres(one))]
    dto: Json = {"GenreItems": genres, "PlayAccess": "Full", "ImageBlurHashes": {}}
    dto |= {"ExternalUrls": []}
    if one.type not in ("Photo", "Series"):
        dto |= {"VideoType": "VideoFile", "Trickplay": {one.id: {"320": {"Width": 320}}}}
    return dto


def _of_emby(one: Held) -> Json:
    """Its `Tags` are always empty: tags come as `TagItems`."""
    tags = [{"Name": name, "Id": 9000 + number} for number, name in enumerate(one.told["Tags"])]
    genres = [{"Name": name, "Id": number} for number, name in enumerate(_genres(one))]
    studios = [{"Name": name["Name"], "Id": 7} for name in one.told.get("Studios") or ()]
    told: Json = {"Tags": [], "TagItems": tags, "GenreItems": genres, "Studios": studios}
    return told | {"Size": weight(one.versions[0].source), "SupportsSync": True}


def _genres(one: Held) -> list[str]:
    return list(one.told.get("Genres") or ())


def _pictures(one: Held) -> Json:
    if one.type != "Photo":
        there = one.poster is not None
        return {"ImageTags": {"Primary": one.picture_tag} if there else {}}
    width, height = _shape(one)
    return {
        "ImageTags": {"Primary": one.picture_tag},
        "Width": width,
        "Height": height,
        "PrimaryImageAspectRatio": width / height,
    }


def _shape(one: Held) -> tuple[int, int]:
    try:
        return shape(one.versions[0].source, one.changed)
    except Image.DecompressionBombError:
        return 100, 100


def _user_data(one: Held, *, emby: bool) -> Json:
    told: Json = {"PlayCount": one.plays, "Played": one.plays > 0, "IsFavorite": False}
    return told if emby else told | {"Key": one.id, "ItemId": one.id}


def _source(one: Version, *, emby: bool) -> Json:
    name = one.path.rpartition("/")[2]
    dto: Json = {"Id": one.id, "Path": one.path, "Protocol": "File", "Type": "Default"}
    dto |= {"Size": weight(one.source), "Name": name, "IsRemote": False}
    dto |= {"Container": name.rpartition(".")[2]}
    if one.width:
        stream = {"Type": "Video", "Index": 0, "Width": one.width, "Height": one.height}
        dto["MediaStreams"] = [stream]
    return dto | {"ItemId": one.owner} if emby else dto
