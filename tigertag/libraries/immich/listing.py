"""All assets that match a search, whether the server has pages (3.1) or a cursor (3.2).

Pages are counted from the oldest asset, so that what is added mostly comes last; what is deleted or
dated anew meanwhile moves others from one page to another. The end is where the server names no next page; its total is that of one page.
"""

from collections.abc import Collection, Generator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tigertag.libraries.immich.server import Entry, ImmichClient, number, objects, text

PAGE_SIZE = 1000
"""What the server gives at most."""
_MOST_REPEATED_PAGES = 3
_CLOCKS_DIFFER = timedelta(seconds=60)
"""Between the server, whose clock is known, and its database, whose clock dates the assets."""

Search = Mapping[str, Any]


def timestamp(moment: datetime) -> str:
    """Return a time as the server takes it: it refuses one without a zone."""
    return moment.isoformat(timespec="milliseconds")


def assets(
    client: ImmichClient, search: Search, visibilities: Collection[str], **details: bool
) -> Iterator[Entry]:
    """Yield each matching asset once, whoever owns it. `details`: what comes with them.

    Where something has moved meanwhile, all is read once more for what has slipped through.
    """
    began_at, seen = client.server_now(), set[str]()
    moved = yield from _read_through(client, {**search, **details}, visibilities, seen)
    if moved or _has_moved(client, search, visibilities, seen, began_at - _CLOCKS_DIFFER):
        yield from _read_through(client, {**search, **details}, visibilities, seen)


def first(client: ImmichClient, search: Search) -> Entry | None:
    """Return one of the matching assets; None where there are none."""
    entries, _next = _page(client, {**search, "size": 1}, {})
    return entries[0] if entries else None


def pages(client: ImmichClient, search: Search) -> Iterator[list[Entry]]:
    """Yield page by page until the server names no next one."""
    place: Search | None = {}
    seen, repeated = set[str](), 0
    while place is not None:
        entries, place = _page(client, {"size": PAGE_SIZE, "order": "asc", **search}, place)
        new = {text(entry, "id") for entry in entries} - seen
        seen |= new
        repeated = 0 if new else repeated + 1
        if repeated > _MOST_REPEATED_PAGES:
            raise client.errors.listing_without_end()
        yield entries


def _read_through(
    client: ImmichClient, search: Search, visibilities: Collection[str], seen: set[str]
) -> Generator[Entry, None, bool]:
    """Yield what is not among `seen`; return whether something has moved between the pages."""
    read, moved = set[str](), False
    for visibility in visibilities:
        for entries in pages(client, {**search, "visibility": visibility}):
            for entry in entries:
                id = text(entry, "id")
                moved = moved or id in read
                read.add(id)
                if id not in seen:
                    seen.add(id)
                    yield entry
    return moved


def _has_moved(
    client: ImmichClient,
    search: Search,
    visibilities: Collection[str],
    seen: Collection[str],
    since: datetime,
) -> bool:
    """Whether something has come or gone since, but for what is deleted for good.

    What was listed and only has other tags, as where they are written meanwhile, is in its place.
    """
    changed = {**search, "updatedAfter": timestamp(since), "withDeleted": True, "size": PAGE_SIZE}
    entries, following = _page(client, changed, {})
    return following is not None or any(
        text(entry, "id") not in seen
        or entry.get("isTrashed") is True
        or text(entry, "visibility") not in visibilities
        for entry in entries
    )


def _page(client: ImmichClient, search: Search, place: Search) -> tuple[list[Entry], Search | None]:
    """Return the assets of one page, and where the next one is; None: this is the last.

    A page that has fewer assets than it says is asked for once more.
    """
    for _time in range(2):
        answer = client.json("POST", "/search/metadata", {**search, **place})
        found = answer.get("assets") if isinstance(answer, dict) else None
        if not isinstance(found, dict) or not isinstance(found.get("items"), list):
            raise client.errors.not_this_product()
        entries, following = objects(found["items"]), _following(found)
        promised = number(found, "count") or (1 if following else 0)
        if len(entries) >= promised:
            return entries, following
    raise client.errors.page_cut_short(len(entries), promised)


def _following(found: Entry) -> Search | None:
    if cursor := text(found, "nextCursor"):
        return {"cursor": cursor}
    # It comes as text, and is refused as such.
    page = text(found, "nextPage")
    return {"page": int(page)} if page.isdecimal() and "nextCursor" not in found else None
