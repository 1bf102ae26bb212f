"""Jellyfin's edits: read in full → post all that may be edited → read back → compare.

What is left out of a post is wiped (ItemUpdateController), so each write is looked at afterwards,
and one that changed more than the tags is undone and ends all writing.
"""

import logging
from collections.abc import Sequence

from tigertag.errors import ItemGone, LibraryError, LibraryReadOnly, Unreadable
from tigertag.libraries.mediabrowser.dialect import Change, Stop, names
from tigertag.libraries.mediabrowser.faults import Spoilt, Wording
from tigertag.libraries.mediabrowser.metadata import changed, editable
from tigertag.libraries.mediabrowser.server import Call, Entry, Server
from tigertag.libraries.mediabrowser.sources import media_of
from tigertag.served.faults import GONE, Refused

logger = logging.getLogger(__name__)


class Posting:
    """Changes the tags of photos and videos for one call of `contracts.Library.send`."""

    def __init__(self, server: Server, user: str, wording: Wording, stop: Stop) -> None:
        self._server = server
        self._user = user
        self._wording = wording
        self._stop = stop
        self._begun = stop.count()

    def write(self, change: Change) -> None:
        """See `dialect.Writer`."""
        if self._stop.count() != self._begun:
            raise self._wording.stopped()
        before = self._full(change.key)
        if media_of(before) is None:
            raise Unreadable("It is neither a photo nor a video.")
        had = names(before.get("Tags"))
        wanted = _with(had, change)
        if wanted == had:
            return
        refused = self._posted(change.key, before, wanted)
        after = self._full(change.key)
        spoilt = changed(before, after) + _lost(had, change, after)
        if spoilt:
            raise self._undone(change, before, spoilt)
        if refused is not None and names(after.get("Tags")) == had:
            raise refused

    def _posted(self, key: str, before: Entry, tags: Sequence[str]) -> LibraryError | None:
        """Send the item; return why it was not taken, or is not known to be."""
        try:
            self._server.post(f"/Items/{key}", editable(before, tags))
        except LibraryReadOnly:
            raise
        except LibraryError as exc:
            return exc
        return None

    def _undone(self, change: Change, before: Entry, spoilt: Sequence[str]) -> Spoilt:
        """Send the item as it was; return the error that says whether that went well."""
        self._stop.pull()
        logger.error("item %s: a write changed %s", change.key, ", ".join(spoilt))
        tags = names(before.get("Tags"))
        try:
            self._server.post(f"/Items/{change.key}", editable(before, tags))
            again = self._full(change.key)
            same = sorted(names(again.get("Tags"))) == sorted(tags)
            restored = same and not changed(before, again)
        except (LibraryError, ItemGone):
            restored = False
        return self._wording.spoilt(change.title, spoilt, restored=restored)

    def _full(self, key: str) -> Entry:
        """Return all that Jellyfin shows of an item. Raises `ItemGone`."""
        try:
            return self._server.entry(Call(f"/Items/{key}", {"userId": self._user}))
        except Refused as exc:
            if exc.status == GONE:
                raise ItemGone("It is no longer on the server.") from exc
            raise


def _with(had: Sequence[str], change: Change) -> list[str]:
    """The tags that an item is to have, as it shows them now."""
    gone = {word.casefold() for word in change.removes}
    kept = [word for word in had if word.casefold() not in gone]
    there = {word.casefold() for word in kept}
    return kept + [word for word in change.adds if word.casefold() not in there]


def _lost(had: Sequence[str], change: Change, after: Entry) -> list[str]:
    """["Tags"] where a tag is gone that was none of the change's."""
    gone = {word.casefold() for word in change.removes}
    has = {word.casefold() for word in names(after.get("Tags"))}
    kept = {word.casefold() for word in had} - gone
    return [] if kept <= has else ["Tags"]
