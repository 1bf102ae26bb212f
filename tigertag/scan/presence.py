"""Whether a worker has the files of a library that each machine has to mount itself.

An empty mount point, or another disk in its place, looks like a section from which all was deleted.
On one machine the listing finds that out (`scan.missing`). Of many, each is asked before it gets
any work, so that one without the mount neither lists nor works on the items; another one, that has
the files, lists.
"""

from tigertag.contracts import OnLocalDisk
from tigertag.core import Core
from tigertag.errors import LibraryUnavailable
from tigertag.scan import spool
from tigertag.scan.context import Context
from tigertag.store import Store, items, workers

_FEW = 5
_CONFIRM = " If all of it was moved or deleted, confirm it: `tigertag scan … --accept-missing`."


_NOT_ALONE = (
    " That all of it was moved or deleted is not believed of one worker among several: drain the"
    " others, and scan again."
)


def absence(store: Store, context: Context, *, others: bool = False) -> str:
    """Say why this machine does not seem to have the files of a scan's section; "": it has.

    Where the user has said that files are gone, that is believed, as by the listing, but for an
    empty folder that is not mounted. `others`: more workers may have the files, so that one which
    has none of them does not list: it may be on the wrong disk.
    """
    library, scan = context.library, context.scan
    if not isinstance(library, OnLocalDisk):
        return ""
    keys: list[str] = []
    if others or not scan.accept_missing:
        with store.read() as db:
            keys = items.some_keys(db, scan.section_id, most=_FEW)
    reason = library.not_here(scan.section, keys)
    if not reason or not keys:
        return reason
    return reason + (_NOT_ALONE if scan.accept_missing else _CONFIRM)


def absence_here(core: Core, context: Context) -> str:
    """Say why this worker does not seem to have the files of a scan's section; "": it has."""
    with core.store.read() as db:
        crew = workers.every(db)
    home, library = spool.home_id(core), context.library.id
    others = any(
        worker.home != home and library in worker.libraries
        for worker in crew
        if not (worker.is_lost or worker.draining)
    )
    return absence(core.store, context, others=others)


def confirm(core: Core, context: Context) -> None:
    """See once more that the files are here, before any that were not found count as gone.

    A mount may go away in the middle of a scan; other workers may still have theirs. On one machine
    nobody else could go on. Raises `LibraryUnavailable`.
    """
    if core.is_clustered and (reason := absence_here(core, context)):
        raise LibraryUnavailable(reason)
