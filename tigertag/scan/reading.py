"""What a library shows of items now, and which items are left alone (`SKIP_TAGS`)."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from tigertag.bounds import mark
from tigertag.contracts import Library, NotRead
from tigertag.errors import LibraryError
from tigertag.model import Item, Shown, TagOwnership, Word, fold
from tigertag.scan.context import Context
from tigertag.store import Store, ledger
from tigertag.store.items import ItemRow

logger = logging.getLogger(__name__)

_RECENT_S = 60.0
_OURS = (TagOwnership.OURS, TagOwnership.KEPT)


def read_tags(library: Library, items: Sequence[Item]) -> dict[str, Shown | NotRead]:
    """Return what is shown of each of the items, by key. Raises `LibraryError`."""
    missing: dict[str, Shown | NotRead] = {
        item.key: NotRead(item.key, "The library did not return it.") for item in items
    }
    try:
        return missing | {read.key: _kept(read) for read in library.read_tags(items)}
    except LibraryError:
        raise
    except Exception:
        logger.exception("reading tags of library %s hit a bug", library.id)
        return {
            item.key: NotRead(item.key, "Reading its tags failed because of a bug; see the log.")
            for item in items
        }


def _kept(seen: Shown | NotRead) -> Shown | NotRead:
    return storable(seen) if isinstance(seen, Shown) else seen


def storable(seen: Shown) -> Shown:
    """What is shown, with marks that can be kept, and compared with those of the listing."""
    return replace(
        seen,
        stamp=None if seen.stamp is None else mark(seen.stamp),
        refreshed=mark(seen.refreshed),
        revision=None if seen.revision is None else mark(seen.revision),
    )


class Readings:
    """What was read of the items of one scan a moment ago: it serves once more. Thread-safe.

    A media server may take a request for each item. It is for previews: who writes reads again.
    """

    def __init__(self, library: Library, confirm: Callable[[], None] = lambda: None) -> None:
        """`confirm`: sees that the library is there, where items could not be read."""
        self._library = library
        self._confirm = confirm
        self._recent: dict[str, tuple[float, Shown]] = {}

    def read(self, items: Sequence[Item]) -> dict[str, Shown | NotRead]:
        """Read items, and keep what they show for `take`. Raises `LibraryError`."""
        shown = self._read(items)
        now = time.monotonic()
        self._recent |= {key: (now, seen) for key, seen in shown.items() if isinstance(seen, Shown)}
        return shown

    def take(self, items: Sequence[Item]) -> dict[str, Shown | NotRead]:
        """Return what items showed within the last minute; the others are read."""
        oldest = time.monotonic() - _RECENT_S
        shown: dict[str, Shown | NotRead] = {}
        for item in items:
            at, seen = self._recent.pop(item.key, (0.0, None))
            if seen is not None and at >= oldest:
                shown[item.key] = seen
        rest = [item for item in items if item.key not in shown]
        return shown | (self._read(rest) if rest else {})

    def _read(self, items: Sequence[Item]) -> dict[str, Shown | NotRead]:
        shown = read_tags(self._library, items)
        if any(isinstance(seen, NotRead) for seen in shown.values()):
            self._confirm()
        return shown


def skip_reason(
    seen: Shown, ownership: Mapping[Word, TagOwnership], skip_tags: Collection[str]
) -> str | None:
    """Say why an item is left alone; None: it is not. A tag that TigerTag wrote is no reason."""
    for tag in seen.tags:
        if tag.word[1] in skip_tags and ownership.get(tag.word) not in _OURS:
            return f"It has the tag {tag.name} of SKIP_TAGS; nothing was changed."
    for path in seen.paths:
        if _is_skipped(path, skip_tags):
            return f"It has the tag {path} of SKIP_TAGS; nothing was changed."
    return None


def _is_skipped(path: str, skip_tags: Collection[str]) -> bool:
    """Whether a path is meant, in the spelling of digiKam or of Lightroom. TigerTag writes none."""
    folded = fold(path)
    return folded in skip_tags or folded.replace("/", "|") in skip_tags


def skipped(
    context: Context, store: Store, rows: Sequence[ItemRow], readings: Readings | None = None
) -> dict[int, tuple[str, str]]:
    """Return, by item, (state, reason) of those that no engine is to be asked about.

    Nor is one about an item whose tags cannot be read: it might bear one. Raises `LibraryError`.
    """
    items = [row.item for row in rows]
    shown = readings.read(items) if readings else read_tags(context.library, items)
    tagged = [row.id for row in rows if _has_any(shown[row.item.key], context.skip_tags)]
    ownership = _ownership(store, tagged)
    left: dict[int, tuple[str, str]] = {}
    for row in rows:
        seen = shown[row.item.key]
        if isinstance(seen, NotRead):
            left[row.id] = ("retryable", seen.reason)
        elif row.id in ownership:
            why = skip_reason(seen, ownership[row.id], context.skip_tags)
            left |= {row.id: ("skipped", why)} if why is not None else {}
    return left


def _has_any(seen: Shown | NotRead, words: Collection[str]) -> bool:
    return isinstance(seen, Shown) and (
        any(tag.word[1] in words for tag in seen.tags)
        or any(_is_skipped(path, words) for path in seen.paths)
    )


def _ownership(store: Store, item_ids: Sequence[int]) -> dict[int, dict[Word, TagOwnership]]:
    if not item_ids:
        return {}
    with store.read() as db:
        return ledger.ownership(db, item_ids)
