"""Items that are left as they are, since they bear a tag that says so (`SKIP_TAGS`)."""

from collections.abc import Collection, Mapping, Sequence

from tigertag.contracts import NotRead
from tigertag.model import Shown, TagOwnership, fold
from tigertag.scan import reading
from tigertag.scan.context import Context
from tigertag.store import Store, ledger
from tigertag.store.items import ItemRow
from tigertag.store.ledger import Word

_OURS = (TagOwnership.OURS, TagOwnership.KEPT)


def reason(
    seen: Shown, standing: Mapping[Word, TagOwnership], skip_tags: Collection[str]
) -> str | None:
    """Say why an item is left alone; None: it is not. A tag that TigerTag wrote is no reason."""
    for tag in seen.tags:
        if tag.word[1] in skip_tags and standing.get(tag.word) not in _OURS:
            return f"It bears the tag {tag.name}, and is left as it is (SKIP_TAGS)."
    for path in seen.paths:
        if _is_skipped(path, skip_tags):
            return f"It bears the tag {path}, and is left as it is (SKIP_TAGS)."
    return None


def _is_skipped(path: str, skip_tags: Collection[str]) -> bool:
    """Whether a path is meant, in the spelling of digiKam or of Lightroom. TigerTag writes none."""
    folded = fold(path)
    return folded in skip_tags or folded.replace("/", "|") in skip_tags


def found(context: Context, store: Store, rows: Sequence[ItemRow]) -> dict[int, tuple[str, str]]:
    """Return, by item, (state, reason) of those that no engine is to be asked about.

    Nor is one about an item whose tags cannot be read: it might bear one. Raises `LibraryError`.
    """
    shown = reading.shown(context.library, [row.item for row in rows])
    bearing = [row.id for row in rows if _bears_any(shown[row.item.key], context.skip_tags)]
    standings = _standings(store, bearing)
    left: dict[int, tuple[str, str]] = {}
    for row in rows:
        seen = shown[row.item.key]
        if isinstance(seen, NotRead):
            left[row.id] = ("retryable", seen.reason)
        elif row.id in standings:
            why = reason(seen, standings[row.id], context.skip_tags)
            left |= {row.id: ("skipped", why)} if why is not None else {}
    return left


def _bears_any(seen: Shown | NotRead, words: Collection[str]) -> bool:
    return isinstance(seen, Shown) and (
        any(tag.word[1] in words for tag in seen.tags)
        or any(_is_skipped(path, words) for path in seen.paths)
    )


def _standings(store: Store, item_ids: Sequence[int]) -> dict[int, dict[Word, TagOwnership]]:
    if not item_ids:
        return {}
    with store.read() as db:
        return ledger.ownership(db, item_ids)
