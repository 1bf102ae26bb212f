"""Jellyfin: what it takes to change a tag is the whole item, sent back with nothing left out.

Each write is: read in full → post all that may be edited → read back → compare. What is left out of
a post is wiped (ItemUpdateController), so each write is looked at afterwards. What was lost is put
back, and all writing ends. What has another value is taken for somebody's edit and left alone; but
where the same happens to a second item, all writing ends as well. An item that holds what the
server would not keep (`metadata.not_kept`) is not written, and fails by itself.
"""

import logging
from collections.abc import Mapping, Sequence
from threading import Lock
from urllib.parse import urlsplit

from pydantic import field_validator

from tigertag import __version__
from tigertag.contracts import Host
from tigertag.errors import ItemGone, LibraryError, LibraryReadOnly, Unreadable
from tigertag.libraries.mediabrowser.items import SourceFile, media_of
from tigertag.libraries.mediabrowser.library import (
    READ_FIELDS,
    MediaBrowserLibrary,
    MediaBrowserOptions,
    TagWriter,
)
from tigertag.libraries.mediabrowser.metadata import (
    Difference,
    difference,
    difference_of_tags,
    editable,
    not_kept,
    restored,
)
from tigertag.libraries.mediabrowser.server import MediaBrowserClient, names
from tigertag.libraries.mediaserver.client import ServerRequest, device_id
from tigertag.libraries.mediaserver.errors import NOT_ON_SERVER, not_found_as
from tigertag.libraries.mediaserver.json_client import Entry, text
from tigertag.libraries.mediaserver.sending import (
    ChangedDuringWrite,
    PendingEdit,
    TagChange,
    UnsafeWrite,
    to_remove,
)
from tigertag.model import Media, fold

logger = logging.getLogger(__name__)

_OLDEST = (10, 10)
_MERGES_FROM = (12,)


class Options(MediaBrowserOptions):
    """The options of a Jellyfin library."""

    @field_validator("url")
    @classmethod
    def _without_user(cls, url: str) -> str:
        if "@" in urlsplit(url).netloc:
            raise ValueError(
                "give no user and password in it: Jellyfin's key takes the header that they would"
                " need"
            )
        return url


class JellyfinLibrary(MediaBrowserLibrary):
    """See `MediaBrowserLibrary`; the requests are those of Jellyfin 10.10, 10.11 and 12."""

    product = "Jellyfin"
    users = ServerRequest("/Users", {"isDisabled": "false"})
    read_fields = (*READ_FIELDS, "SpecialEpisodeNumbers")
    grouping = "CollapseBoxSetItems"

    def __init__(self, id: str, options: MediaBrowserOptions, host: Host) -> None:
        super().__init__(id, options, host)
        self._stop = WriteStop()

    def _headers(self) -> Mapping[str, str]:
        """The only header that Jellyfin 12 takes a key from; older ones take it as well."""
        values = {
            "Token": self._options.api_key.get_secret_value(),
            "Client": "TigerTag",
            "Device": f"TigerTag ({self.id})",
            "DeviceId": device_id(self.id),
            "Version": __version__,
        }
        parts = ", ".join(f'{name}="{value}"' for name, value in values.items())
        return {"Authorization": f"MediaBrowser {parts}"}

    def check(self, public: Entry) -> None:
        product, version = text(public, "ProductName"), text(public, "Version")
        if "jellyfin" not in product.lower():
            plugin = "" if product else "tigertag.emby"
            raise self._errors.another_product(product or "Emby", plugin)
        if _parts(version) < _OLDEST:
            raise self._errors.too_old(version, ".".join(map(str, _OLDEST)))

    def views(self, user: str) -> ServerRequest:
        query = {"userId": user, "includeExternalContent": "false", "includeHidden": "true"}
        return ServerRequest("/UserViews", query)

    def picture(self, key: str, short_side_px: int, ratio: float | None) -> ServerRequest:
        """The picture fills the box, its shape kept, and is never enlarged."""
        side = str(short_side_px)
        query = {"fillWidth": side, "fillHeight": side, "format": "Jpg"}
        return ServerRequest(f"/Items/{key}/Images/Primary", query)

    def stream(self, key: str, file: SourceFile) -> ServerRequest:
        return ServerRequest(
            f"/Videos/{key}/stream", {"static": "true", "mediaSourceId": file.id or key}
        )

    def tags(self, entry: Entry) -> list[str]:
        return names(entry.get("Tags"))

    def refreshed(self, entry: Entry) -> str:
        """Jellyfin's photo provider rewrites a photo's tags, locked or not.

        Nothing shows whether that or an edit came last: the mark is that of the last change, and
        the loss of all tags of a photo is taken for Jellyfin's doing, unless the user locked them.
        """
        fields = names(entry.get("LockedFields"))
        locked = entry.get("LockData") is True or "Tags" in fields
        photo = media_of(entry) is Media.PHOTO
        return text(entry, "Etag") if photo and not locked else ""

    def _writer(self) -> TagWriter:
        self._stop.merges = self._stop.merges or _parts(self._client.version) >= _MERGES_FROM
        return JellyfinWriter(self._client, self._stop)


def _parts(version: str) -> tuple[int, ...]:
    """(10, 11, 11) of "10.11.11"."""
    return tuple(int(part) for part in version.split("-")[0].split(".") if part.isdecimal())


class WriteStop:
    """Stops all writing of a library that is under way. Thread-safe.

    `stops`: how often it has. `merges`: whether the server was seen to make one value of two that
    are alike.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._changed: set[str] = set()
        self.stops = 0
        self.merges = False

    def pull(self) -> None:
        with self._lock:
            self.stops += 1
            self._changed.clear()

    def has_changed_before(self, names: Sequence[str]) -> bool:
        """Remember that these changed; return whether one had since writing was stopped last."""
        with self._lock:
            before = not self._changed.isdisjoint(names)
            self._changed.update(names)
            return before


class JellyfinWriter(TagWriter):
    """Changes the tags of photos and videos for one call of `contracts.Library.send`."""

    # It joins the tags of an item in its database with bars (BaseItemMapper).
    unstorable = frozenset("|")

    def __init__(self, client: MediaBrowserClient, stop: WriteStop) -> None:
        super().__init__(client)
        self._errors = client.errors
        self._stop = stop
        self._stops_before = stop.stops

    def write(self, group: Sequence[PendingEdit[TagChange]]) -> None:
        (item,) = group
        if self._stop.stops != self._stops_before:
            raise self._errors.stopped()
        before = self._full(item.key)
        if media_of(before) is None:
            raise Unreadable("It is neither a photo nor a video.")
        had = names(before.get("Tags"))
        wanted = _with(had, item.change)
        if wanted == had:
            return
        if self._stop.merges and (what := not_kept(before, wanted)):
            raise self._errors.not_kept(what)
        refused = self._post(item.key, before, wanted)
        after = self._full(item.key)
        has = names(after.get("Tags"))
        changed = difference(before, after) + difference_of_tags(had, wanted, has)
        if changed.lost or changed.merged:
            whole = restored(before, after, changed.lost + changed.merged)
            raise self._restored(item, changed, whole, had + _not_among(has, (*had, *wanted)))
        if refused is not None and has == had:
            raise refused
        if changed.other:
            raise self._edited(item, changed.other)

    def _post(self, key: str, before: Entry, tags: Sequence[str]) -> LibraryError | None:
        """Send the item; return why it was not taken, or is not known to be."""
        try:
            self.client.post(f"/Items/{key}", editable(before, tags))
        except LibraryReadOnly:
            raise
        except LibraryError as exc:
            return exc
        return None

    def _restored(
        self, item: PendingEdit[TagChange], changed: Difference, whole: Entry, tags: Sequence[str]
    ) -> ChangedDuringWrite | UnsafeWrite:
        """Put an item back as it was; return the error, which says whether that went well.

        A loss ends all writing. Where values were merged, items that would fare the same are not
        written from now on.
        """
        what = ", ".join(changed.lost or changed.merged)
        if changed.lost:
            self._stop.pull()
            logger.error("item %s: a write lost %s", item.key, what)
        else:
            self._stop.merges = True
            logger.warning("item %s: the server merged values of %s", item.key, what)
        put_back = self._put_back(item.key, whole, tags)
        if changed.lost:
            return self._errors.unsafe_write(item.edit.item.called, what, restored=put_back)
        return self._errors.merged(what, restored=put_back)

    def _put_back(self, key: str, whole: Entry, tags: Sequence[str]) -> bool:
        """Send an item as it was; return whether it is so again."""
        try:
            self.client.post(f"/Items/{key}", editable(whole, tags))
            again = self._full(key)
        except (LibraryError, ItemGone):
            return False
        same_tags = sorted(names(again.get("Tags"))) == sorted(tags)
        return same_tags and not difference(whole, again)

    def _edited(
        self, item: PendingEdit[TagChange], changed: Sequence[str]
    ) -> ChangedDuringWrite | UnsafeWrite:
        """Return the error for what seems to be somebody's edit: once it may be, not twice."""
        what = ", ".join(changed)
        logger.warning("item %s: %s changed beside a write", item.key, what)
        if not self._stop.has_changed_before(changed):
            return self._errors.concurrent_edit(what)
        self._stop.pull()
        return self._errors.repeated_edit(item.edit.item.called, what)

    def _full(self, key: str) -> Entry:
        """Return all that Jellyfin shows of an item. Raises `ItemGone`."""
        with not_found_as(ItemGone(NOT_ON_SERVER)):
            return self.client.entry(ServerRequest(f"/Items/{key}", {"userId": self.client.user}))


def _with(had: Sequence[str], change: TagChange) -> list[str]:
    """The tags that an item is to have, as it shows them now."""
    removed = to_remove([tag.name for tag in change.removes], had, word=fold)
    kept = [tag for tag in had if tag not in removed]
    return kept + _not_among([tag.name for tag in change.adds], kept)


def _not_among(tags: Sequence[str], others: Sequence[str]) -> list[str]:
    """The tags that are none of the others, however they are spelled."""
    present = {fold(tag) for tag in others}
    return [tag for tag in tags if fold(tag) not in present]


build = JellyfinLibrary
