"""The metadata of an item: what an edit sends back, and what a write has changed besides tags."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tigertag.libraries.mediabrowser.server import names
from tigertag.libraries.mediaserver.json_client import Entry, text
from tigertag.model import fold

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
_NUMBER = re.compile(r"0*[1-9][0-9]*")
_IDS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {"imdb": re.compile(r"[a-z]{2}[0-9]+"), "tmdb": _NUMBER, "tmdbcollection": _NUMBER}
)
"""What Jellyfin 12 takes as an id of a photo or a video; it drops others
(ProviderIdsExtensions.IsValidProviderId)."""


def editable(entry: Entry, tags: Iterable[str]) -> dict[str, Any]:
    """Return the body that sets an item's tags and leaves all else as it is.

    It never holds `Trickplay`, which breaks the response, nor `People`, whom it would replace.
    """
    values = {name: entry[name] for name in EDITABLE if entry.get(name) is not None}
    lock = {"LockData": entry.get("LockData") is True}
    return {**_NOT_NULL, **values, **lock, "Tags": list(tags)}


def comparable(entry: Entry) -> dict[str, Any]:
    """Return what a user may have set of an item, besides its tags, so that it can be compared.

    Not what the server counts, works out or dates by itself: user data, images, streams, marks.
    What is empty is left out, for servers show it in different ways; lists have no order.
    """
    values = {name: _plain(name, entry.get(name)) for name in (*EDITABLE, "People")}
    return {name: value for name, value in values.items() if not _is_empty(value)}


def _plain(name: str, value: Any) -> Any:
    if name in _DATES and isinstance(value, str):
        return _ZEROS.sub("", value.removeprefix(_NO_DATE))
    if name == "Studios":
        return sorted(set(names(value, "Name")))
    if name == "People" and isinstance(value, list):
        people = [person for person in value if isinstance(person, dict)]
        return sorted([text(person, part) for part in _PERSON] for person in people)
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if not _is_empty(each)}
    if isinstance(value, list):
        # What stands twice in a list, spelled the same, means no more than what stands once.
        return sorted({str(each): each for each in value if not _is_empty(each)}.values(), key=str)
    return value


def _is_empty(value: Any) -> bool:
    """Whether this is how a server shows that something has no value."""
    blank = isinstance(value, str) and not value.strip()
    return value is None or value is False or blank or value in ([], {})


@dataclass(frozen=True, slots=True)
class Difference:
    """The names of what is not as it was.

    `lost` has no value any more, or not all of its values: that is what a write does that goes
    wrong. `merged` had values that are alike, and the server has made one of them: that is about
    this item alone. `other` has a value that it had not: somebody has edited it, or an agent.
    """

    lost: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()

    def __add__(self, more: "Difference") -> "Difference":
        return Difference(self.lost + more.lost, self.other + more.other, self.merged + more.merged)

    def __bool__(self) -> bool:
        return bool(self.lost or self.other or self.merged)


def difference(before: Entry, after: Entry) -> Difference:
    """Compare an item with what it was, the tags left aside."""
    had, has = comparable(before), comparable(after)
    lost, other, merged = [], [], []
    for name in sorted(had.keys() | has.keys()):
        if had.get(name) == has.get(name):
            continue
        if _is_merged(had.get(name), has.get(name)):
            merged.append(name)
        elif name in had and _is_lost(had[name], has.get(name)):
            lost.append(name)
        else:
            other.append(name)
    return Difference(tuple(lost), tuple(other), tuple(merged))


def _is_merged(had: Any, has: Any) -> bool:
    """Whether values that are alike were made one, and nothing else has changed."""
    if not isinstance(had, list) or not isinstance(has, list):
        return False
    fewer = len(has) < len(had) and all(value in had for value in has)
    return fewer and {fold(str(value)) for value in had} == {fold(str(value)) for value in has}


def _is_lost(had: Any, has: Any) -> bool:
    if isinstance(had, dict) and isinstance(has, dict):
        return not had.keys() <= has.keys()
    if isinstance(had, list) and isinstance(has, list):
        return all(value in had for value in has)
    return has is None


def difference_of_tags(had: Sequence[str], wanted: Sequence[str], has: Sequence[str]) -> Difference:
    """Compare an item's tags with those it was to have; what was put on besides is no difference.

    A tag that was to stay is not lost where it was respelled, or its owner has replaced it. A blank
    one is no tag.
    """
    new = Counter(fold(tag) for tag in set(has) - set(had))
    kept = {tag for tag in had if tag in wanted and tag.strip()}
    gone = Counter(fold(tag) for tag in kept.difference(has)) - new
    if not gone:
        return Difference()
    if gone.keys() <= {fold(tag) for tag in has}:
        return Difference(merged=("Tags",))
    replaced = new.keys() - {fold(tag) for tag in wanted}
    return Difference(other=("Tags",)) if replaced else Difference(lost=("Tags",))


def restored(before: Entry, after: Entry, lost: Sequence[str]) -> Entry:
    """Return an item as it is now, but for what it lost, which is as it was."""
    back = {name: _whole(before[name], after.get(name)) for name in lost if name in before}
    return {**after, **back}


def _whole(had: Any, has: Any) -> Any:
    if isinstance(had, dict) and isinstance(has, dict):
        return {**had, **{key: value for key, value in has.items() if not _is_empty(value)}}
    return had


def not_kept(before: Entry, tags: Sequence[str]) -> str:
    """Name what Jellyfin 12 does not keep of an item that is sent back; "" where it keeps all.

    It trims tags, drops of each list what differs in case alone from an earlier value, and drops
    ids that are not in the provider's form (ItemUpdateController).
    """
    lists: list[tuple[str, Sequence[str], Callable[[str], str]]] = [
        ("tags", tags, str.strip),
        ("genres", names(before.get("Genres")), str),
        ("studios", names(before.get("Studios"), "Name"), str),
        ("production locations", names(before.get("ProductionLocations")), str),
    ]
    for what, values, trimmed in lists:
        if pair := _alike([trimmed(value) for value in values]):
            return f"only one of its {what} “{pair[0]}” and “{pair[1]}”"
    return next((f"not its {name} id “{id}”" for name, id in _invalid_ids(before)), "")


def _alike(values: Sequence[str]) -> tuple[str, str] | None:
    first_of: dict[str, str] = {}
    for value in values:
        # Letter by letter, as .NET compares words when case is to be ignored: ß is not SS.
        folded = "".join(char.upper() if len(char.upper()) == 1 else char for char in value)
        first = first_of.setdefault(folded, value)
        if first != value:
            return first, value
    return None


def _invalid_ids(before: Entry) -> Iterator[tuple[str, str]]:
    ids = before.get("ProviderIds")
    for name, id in ids.items() if isinstance(ids, dict) else ():
        form = _IDS.get(str(name).strip().lower())
        if form and not _is_empty(id) and not form.fullmatch(str(id).strip().lower()):
            yield name, id
