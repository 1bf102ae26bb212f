"""Jellyfin's edits: read in full → post all that may be edited → read back → compare.

What is left out of a post is wiped (ItemUpdateController), so each write is looked at afterwards.
What was lost is put back, and all writing ends. What has another value is taken for somebody's edit
and left alone; but where the same happens to a second item, all writing ends as well. An item that
holds what the server would not keep (`comparing.not_kept`) is not written, and fails by itself.
"""

import logging
from collections.abc import Sequence

from tigertag.errors import ItemGone, LibraryError, LibraryReadOnly, Unreadable
from tigertag.libraries.mediabrowser.comparing import (
    difference,
    difference_of_tags,
    mended,
    not_kept,
)
from tigertag.libraries.mediabrowser.dialect import Change, Stop, names
from tigertag.libraries.mediabrowser.faults import Changed, Spoilt, Wording
from tigertag.libraries.mediabrowser.metadata import editable
from tigertag.libraries.mediabrowser.server import Call, Entry, Server
from tigertag.libraries.mediabrowser.sources import media_of
from tigertag.libraries.mediaserver.edits import meant
from tigertag.libraries.mediaserver.faults import GONE, Refused
from tigertag.model import fold

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
        if self._stop.merges and (what := not_kept(before, wanted)):
            raise self._wording.not_kept(what)
        refused = self._posted(change.key, before, wanted)
        after = self._full(change.key)
        has = names(after.get("Tags"))
        found = difference(before, after) + difference_of_tags(had, wanted, has)
        tags = had + _strange(has, known=(*had, *wanted))
        whole = mended(before, after, found.lost + found.merged)
        if found.lost:
            raise self._undone(change, found.lost, whole, tags)
        if found.merged:
            raise self._merged(change.key, found.merged, whole, tags)
        if refused is not None and has == had:
            raise refused
        if found.other:
            raise self._met(change, found.other)

    def _posted(self, key: str, before: Entry, tags: Sequence[str]) -> LibraryError | None:
        """Send the item; return why it was not taken, or is not known to be."""
        try:
            self._server.post(f"/Items/{key}", editable(before, tags))
        except LibraryReadOnly:
            raise
        except LibraryError as exc:
            return exc
        return None

    def _undone(
        self, change: Change, lost: Sequence[str], whole: Entry, tags: Sequence[str]
    ) -> Spoilt:
        """Give an item back what it lost; return the error that says whether that went well."""
        self._stop.pull()
        logger.error("item %s: a write lost %s", change.key, ", ".join(lost))
        restored = self._put_back(change.key, whole, tags)
        return self._wording.spoilt(change.title, lost, restored=restored)

    def _merged(
        self, key: str, merged: Sequence[str], whole: Entry, tags: Sequence[str]
    ) -> Changed:
        """Put back what can be; from now on, items that would fare the same are not written."""
        self._stop.merges = True
        logger.warning("item %s: the server merged values of %s", key, ", ".join(merged))
        return self._wording.merged(merged, restored=self._put_back(key, whole, tags))

    def _put_back(self, key: str, whole: Entry, tags: Sequence[str]) -> bool:
        """Send an item as it was; tell whether it is so again."""
        try:
            self._server.post(f"/Items/{key}", editable(whole, tags))
            again = self._full(key)
        except (LibraryError, ItemGone):
            return False
        same = sorted(names(again.get("Tags"))) == sorted(tags)
        return same and not difference(whole, again)

    def _met(self, change: Change, other: Sequence[str]) -> Changed | Spoilt:
        """Return the error for what seems to be somebody's edit: once it may be, not twice."""
        logger.warning("item %s: %s changed beside a write", change.key, ", ".join(other))
        if not self._stop.met_before(other):
            return self._wording.meddled(other)
        self._stop.pull()
        return self._wording.meddled_again(change.title, other)

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
    gone = set(meant(change.removes, had, word=fold))
    kept = [word for word in had if word not in gone]
    return kept + _strange(change.adds, known=kept)


def _strange(words: Sequence[str], *, known: Sequence[str]) -> list[str]:
    """The words that are none of those known, however they are spelled."""
    there = {fold(word) for word in known}
    return [word for word in words if fold(word) not in there]
