"""What an item tells of itself: what makes up the rest besides its tags, and what it shows."""

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from tigertag.libraries.mediabrowser.dialect import Dialect, names
from tigertag.libraries.mediabrowser.server import Entry
from tigertag.libraries.mediabrowser.sources import is_there, revision, text
from tigertag.model import Field, Shown, TagRef

EDITABLE = (
    *("Name", "OriginalTitle", "OriginalLanguage", "ForcedSortName", "Overview", "Taglines"),
    *("Genres", "Studios", "ProductionLocations", "ProviderIds", "CommunityRating"),
    *("CriticRating", "OfficialRating", "CustomRating", "IndexNumber", "ParentIndexNumber"),
    *("AirsAfterSeasonNumber", "AirsBeforeEpisodeNumber", "AirsBeforeSeasonNumber"),
    *("DateCreated", "PremiereDate", "EndDate", "ProductionYear", "AspectRatio"),
    *("Video3DFormat", "PreferredMetadataCountryCode", "PreferredMetadataLanguage"),
    *("LockData", "LockedFields"),
)
"""What `POST /Items/{id}` sets of a photo or a video, besides its tags (ItemUpdateController)."""

_DATES = frozenset({"DateCreated", "PremiereDate", "EndDate"})
_NOT_NULL: Mapping[str, Any] = {"Genres": [], "ProviderIds": {}, "LockedFields": []}
_NO_DATE = "0001-01-01T00:00:00"  # .NET's DateTime.MinValue
_ZEROS = re.compile(r"(?:\.0*)?(?:Z|\+00:00)?$")
_PERSON = ("Name", "Role", "Type")


def editable(entry: Entry, tags: Iterable[str]) -> dict[str, Any]:
    """Return the body that sets an item's tags and leaves all else as it is.

    It never holds `Trickplay`, which breaks the answer, nor `People`, whom it would replace.
    """
    told = {name: entry[name] for name in EDITABLE if entry.get(name) is not None}
    lock = {"LockData": entry.get("LockData") is True}
    return {**_NOT_NULL, **told, **lock, "Tags": list(tags)}


def rest(entry: Entry) -> dict[str, Any]:
    """Return what a user may have set of an item, besides its tags, so that it can be compared.

    Not what the server counts, works out or dates by itself: user data, images, streams, marks.
    What is empty is left out, for servers tell it in different ways; lists have no order.
    """
    told = {name: _plain(name, entry.get(name)) for name in (*EDITABLE, "People")}
    return {name: value for name, value in told.items() if not is_empty(value)}


def shown(dialect: Dialect, entry: Entry) -> Shown:
    """Return what an item that was read in full shows."""
    told = json.dumps(rest(entry), sort_keys=True)
    return Shown(
        text(entry, "Id"),
        tuple(TagRef(Field.TAG, name) for name in dialect.tags(entry)),
        rest=blake2b(told.encode(), digest_size=16).hexdigest(),
        stamp=text(entry, "Etag") or None,
        refreshed=dialect.refreshed(entry),
        revision=revision(entry) if is_there(entry) else None,
    )


def _plain(name: str, value: Any) -> Any:
    if name in _DATES and isinstance(value, str):
        return _ZEROS.sub("", value.removeprefix(_NO_DATE))
    if name == "Studios":
        return sorted(set(names(value, "Name")))
    if name == "People" and isinstance(value, list):
        people = [one for one in value if isinstance(one, dict)]
        return sorted([text(one, part) for part in _PERSON] for one in people)
    if isinstance(value, dict):
        return {key: one for key, one in value.items() if not is_empty(one)}
    if isinstance(value, list):
        # What stands twice in a list, spelled the same, says no more than what stands once.
        return sorted({str(one): one for one in value if not is_empty(one)}.values(), key=str)
    return value


def is_empty(value: Any) -> bool:
    """Whether this is how a server tells that something has no value."""
    blank = isinstance(value, str) and not value.strip()
    return value is None or value is False or blank or value in ([], {})
