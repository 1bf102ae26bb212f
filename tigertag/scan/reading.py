"""What a library shows of items now, as it can be kept, also where it meets a bug."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from tigertag.bounds import mark
from tigertag.contracts import Library, NotRead
from tigertag.errors import LibraryError
from tigertag.model import Item, Shown

logger = logging.getLogger(__name__)


def shown(library: Library, items: Sequence[Item]) -> dict[str, Shown | NotRead]:
    """Return what is shown of each of the items, by key. Raises `LibraryError`."""
    missing: dict[str, Shown | NotRead] = {
        item.key: NotRead(item.key, "The library did not show it.") for item in items
    }
    try:
        return missing | {one.key: _kept(one) for one in library.read_tags(items)}
    except LibraryError:
        raise
    except Exception:
        logger.exception("library %s met a bug in reading tags", library.id)
        return {item.key: NotRead(item.key, "A bug; see the log.") for item in items}


def _kept(seen: Shown | NotRead) -> Shown | NotRead:
    return bounded(seen) if isinstance(seen, Shown) else seen


def bounded(seen: Shown) -> Shown:
    """What is shown, with marks that can be kept, and compared with those of the listing."""
    return replace(
        seen,
        stamp=None if seen.stamp is None else mark(seen.stamp),
        refreshed=mark(seen.refreshed),
        revision=None if seen.revision is None else mark(seen.revision),
    )
