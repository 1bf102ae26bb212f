"""All assets that match a search, whether the server has a cursor (3.2) or not (3.1).

Without one, each request begins at the date of the last asset that the one before it gave: the
pages that the server counts shift with all that is deleted or added meanwhile. The end is where it
names no next page; its total is that of one page.
"""

from collections.abc import Collection, Iterator, Mapping
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


def assets(client: ImmichClient, search: Search, visibilities: Collection[str]) -> Iterator[Entry]:
    """Yield each matching asset once, whoever owns it.

    What was dated anew while they were read may have been passed over; it was changed then.
    """
    changed = {"updatedAfter": timestamp(client.server_now() - _CLOCKS_DIFFER)}
    seen = set[str]()
    for also in ({}, changed):
        for visibility in visibilities:
            for entries in pages(client, {**search, **also, "visibility": visibility}):
                for entry in entries:
                    id = text(entry, "id")
                    if id not in seen:
                        seen.add(id)
                        yield entry


def first(client: ImmichClient, search: Search) -> Entry | None:
    """Return one of the matching assets; None where there are none."""
    entries, _following = _page(client, {**search, "size": 1})
    return entries[0] if entries else None


def pages(client: ImmichClient, search: Search) -> Iterator[list[Entry]]:
    """Yield all matching assets, a page at a time; some come twice."""
    search = {"size": PAGE_SIZE, "order": "asc", **search}
    place: Search | None = {}
    before, repeated = set[str](), 0
    while place is not None:
        entries, following = _page(client, {**search, **place})
        now = {text(entry, "id") for entry in entries}
        repeated = 0 if now - before else repeated + 1
        before = now
        if repeated > _MOST_REPEATED_PAGES:
            raise client.errors.listing_without_end()
        yield entries
        place = _next(place, entries, following)


def _next(place: Search, entries: Collection[Entry], following: Search | None) -> Search | None:
    """Return where to go on: at a date, unless a whole page has the same one."""
    if following is None or "cursor" in following:
        return following
    date = text(list(entries)[-1], "fileCreatedAt")
    if date and date != place.get("takenAfter"):
        return {"takenAfter": date}
    return {**place, "page": place.get("page", 1) + 1}


def _page(client: ImmichClient, search: Search) -> tuple[list[Entry], Search | None]:
    """Return the assets of one page, and what follows; None: nothing does.

    A page that has fewer assets than it says is asked for once more.
    """
    for _time in range(2):
        answer = client.json("POST", "/search/metadata", search)
        if answer is None:
            raise client.errors.empty()
        found = answer.get("assets") if isinstance(answer, dict) else None
        if not isinstance(found, dict) or not isinstance(found.get("items"), list):
            raise client.errors.not_this_product()
        entries, following = objects(found["items"]), _following(found)
        promised = number(found, "count") or (0 if following is None else 1)
        if len(entries) >= promised:
            return entries, following
    raise client.errors.page_cut_short(len(entries), promised)


def _following(found: Entry) -> Search | None:
    if cursor := text(found, "nextCursor"):
        return {"cursor": cursor}
    if "nextCursor" in found or not text(found, "nextPage"):
        return None
    return {}
