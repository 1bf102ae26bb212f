"""`POST /Items/{id}` as Jellyfin takes it: what is left out is wiped (ItemUpdateController).

By version: 10.11.11 and before keep lists as they are sent (`item.Tags = request.Tags`; issue 16156
shows "test" saved twice). From 12 on, tags are trimmed, of values that differ in case alone the
first is kept, and ids that are not in their provider's form are dropped (`TrySetProviderId`).
"""

import re
from collections.abc import Iterable
from typing import Any

from tests.mediabrowser.holdings import Held

Json = dict[str, Any]

_SET = (
    *("Name", "ForcedSortName", "OriginalTitle", "CriticRating", "CommunityRating"),
    *("IndexNumber", "ParentIndexNumber", "Overview", "Genres"),
)
"""What is set before a missing list breaks it off."""
_SET_LATER = (
    *("EndDate", "PremiereDate", "ProductionYear", "OfficialRating", "CustomRating"),
    *("PreferredMetadataCountryCode", "PreferredMetadataLanguage", "AspectRatio"),
    *("Video3DFormat", "OriginalLanguage"),
)
_SET_IF_GIVEN = ("Taglines", "Studios", "DateCreated", "ProductionLocations", "LockedFields")
_OF_EPISODES = ("AirsAfterSeasonNumber", "AirsBeforeEpisodeNumber", "AirsBeforeSeasonNumber")
_NEEDED = ("Genres", "Tags", "ProviderIds")
EDITABLE = frozenset(
    {*_SET, *_SET_LATER, *_SET_IF_GIVEN, *_OF_EPISODES, *_NEEDED, "LockData", "People"}
)
_POISON = "Trickplay"


def update(one: Held, body: Json, *, lenient: bool) -> int:
    """Change an item as a body says; return the status.

    `lenient`, from Jellyfin 12 on: missing lists are taken for empty ones, and alike values are
    made one. Before, missing lists break the edit off, and what was set until then is lost from
    memory, though not from the database.
    """
    if body.get(_POISON) is not None:
        return 500
    one.told |= {name: body.get(name) for name in _SET}
    if not lenient and any(body.get(name) is None for name in _NEEDED):
        return 400
    one.told |= {name: body.get(name) for name in _SET_LATER}
    one.told |= {name: body[name] for name in _SET_IF_GIVEN if body.get(name) is not None}
    if one.type == "Episode":
        one.told |= {name: body.get(name) for name in _OF_EPISODES}
    one.told["Genres"] = body.get("Genres") or []
    one.told["Tags"] = body.get("Tags") or []
    one.told["ProviderIds"] = {
        name: value for name, value in (body.get("ProviderIds") or {}).items() if value
    }
    if lenient:
        _normalise(one.told)
    one.told["LockData"] = body.get("LockData") or False
    if body.get("People") is not None:
        one.told["People"] = [
            {part: one.get(part) for part in ("Name", "Role", "Type")} for one in body["People"]
        ]
    one.stored = dict(one.told)
    return 204


def _normalise(told: Json) -> None:
    told["Tags"] = distinct(word.strip() for word in told["Tags"])
    told["Genres"] = distinct(told["Genres"])
    told["ProductionLocations"] = distinct(told.get("ProductionLocations") or [])
    studios = {one["Name"]: one for one in reversed(told.get("Studios") or [])}
    told["Studios"] = [studios[name] for name in distinct(reversed(studios))]
    ids = told["ProviderIds"].items()
    told["ProviderIds"] = {name: value for name, value in ids if _is_id(name, value)}


def _is_id(name: str, value: str) -> bool:
    form = {"imdb": r"[a-z]{2}\d+", "tmdb": r"0*[1-9]\d*"}.get(name.lower(), r".*")
    return re.fullmatch(form, value, re.IGNORECASE) is not None


def distinct(words: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for word in words:
        found.setdefault(_upper(word), word)
    return list(found.values())


def _upper(word: str) -> str:
    """Letter by letter, as .NET compares words when case is to be ignored: ß is not SS."""
    return "".join(one.upper() if len(one.upper()) == 1 else one for one in word)
