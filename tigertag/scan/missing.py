"""Whether a listing can be believed: far less than is known is a fault until the user says not.

An empty mount point, a server whose disk is away and a lost permission all look like a library from
which nearly everything was deleted.
"""

from collections.abc import Mapping, Sequence

from tigertag.contracts import Excluding, Mounted, Notes
from tigertag.errors import LibraryShrunk
from tigertag.model import Item, Media
from tigertag.scan.context import Context
from tigertag.store import Db, Store, items, scans
from tigertag.store.items import KnownRow
from tigertag.text import count

_FEW = 20
_ENOUGH = 10_000
"""So many known items show that a library is there, if not all of it."""
_PART = 3
_PAGE = 512
_CONFIRM = (
    "Nothing was marked as gone. If they still exist, fix the cause and scan again; if they are"
    " gone, confirm it: `tigertag scan … --accept-missing`, `accept_missing` over REST, or the"
    " button on the scan's page."
)

Tally = dict[bool, int]
"""How many items and groups: {False: items, True: groups}."""


def too_few(known: int, listed: int) -> bool:
    """Whether so few are listed of those known that it is probably a fault."""
    return (known > 0 and not listed) or (known > _FEW and listed * _PART < known)


def is_there(recognised: int) -> bool:
    """Whether so many items were recognised that what is listed beside them may be worked on.

    A third of a million takes minutes to be listed. What is not listed stays as it is until the
    listing is believed (`check`).
    """
    return recognised >= _ENOUGH


def recognised(page: Sequence[Item], known: Mapping[str, KnownRow]) -> int:
    """How many items of a page are there as they were when they were listed last."""
    return sum(
        (row := known.get(item.key)) is not None and not row.gone and row.revision == item.revision
        for item in page
    )


def check(store: Store, context: Context, known: Tally, listed: Tally, notes: Notes) -> None:
    """Raise `LibraryShrunk` where items that are missing are probably not gone.

    Those that the library's settings leave out now are no sign of a fault, and what could not be
    read is not missing.
    """
    scan = context.scan
    with store.write() as db:
        unread = items.see_unread(db, scan.section_id, notes.unread, scan.id)
        mounts = scans.mounts(db, scan.section_id)
    with store.read() as db:
        missing, left_out = _missing(db, context)
    if scan.accept_missing or not sum(missing.values()):
        return
    problem = not_mounted(context, mounts)
    for group, noun in ((False, "item"), (True, "season or show")):
        # What is left out stays known until this listing is believed.
        expected = known[group] - left_out[group] - (0 if group else unread)
        if not problem and missing[group] and too_few(expected, listed[group]):
            problem = _seen(context, listed[group], expected, noun)
    if problem:
        lost = sum(missing.values())
        with store.write() as db:
            scans.put(db, scan.id, missing=lost)
        raise LibraryShrunk(f"{problem} {_CONFIRM}")


def _missing(db: Db, context: Context) -> tuple[Tally, Tally]:
    """Count what was known and not listed: what is missing, and what settings leave out."""
    counts: tuple[Tally, Tally] = ({False: 0, True: 0}, {False: 0, True: 0})
    scan, after = context.scan, 0
    excluding = context.library if isinstance(context.library, Excluding) else None
    while rows := items.missing(
        db, scan.section_id, scan.section, scan.id, after=after, limit=_PAGE
    ):
        after = rows[-1].id
        for row in rows:
            out = excluding is not None and excluding.leaves_out(row.item)
            counts[out][row.item.media is Media.GROUP] += 1
    return counts


def not_mounted(context: Context, mounts: Sequence[str]) -> str:
    """Say which file system of an earlier listing is not mounted now; "": none."""
    library = context.library
    return library.not_mounted(context.section, mounts) if isinstance(library, Mounted) else ""


def _seen(context: Context, listed: int, known: int, noun: str) -> str:
    section = context.section
    shown = count(listed, noun) if listed else f"no {noun}"
    return (
        f"Library {section.library} looks unavailable: it lists {shown} in {section.called},"
        f" where {known} {'is' if known == 1 else 'are'} known. Is everything mounted and"
        " reachable?"
    )
