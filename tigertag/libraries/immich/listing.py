"""All assets that match a search, each request beginning at the date of the last asset so far.

The server's own pages shift with all that is deleted or added meanwhile, and so does the cursor of
3.2, which counts, too, and which it refuses with these searches. The end is where it names no next
page; its total is that of one page.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Any

from tigertag.libraries.immich.server import ImmichClient, objects
from tigertag.libraries.mediaserver.json_client import Entry, number, text

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

    An asset whose date changes during the listing may be skipped by it; it is then among those
    that were updated since the listing began, which are asked for last.
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
    entries, _is_last = _page(client, {**search, "size": 1})
    return entries[0] if entries else None


def pages(client: ImmichClient, search: Search) -> Iterator[list[Entry]]:
    """Yield all matching assets, a page at a time; some come twice.

    The next page is asked for while the last one is gone through. Where many pages have the same
    date, what was deleted meanwhile has shifted them: they are read once more.
    """
    search = {"size": PAGE_SIZE, "order": "asc", **search}
    place: Search = {}
    last_pages: dict[str, int] = {}
    before, repeated, is_last = set[str](), 0, False
    with ThreadPoolExecutor(1, "immich-listing") as ahead:
        coming = ahead.submit(copy_context().run, _page, client, search)
        while not is_last:
            entries, is_last = coming.result()
            now = {text(entry, "id") for entry in entries}
            repeated = 0 if now - before else repeated + 1
            if repeated > _MOST_REPEATED_PAGES:
                raise client.errors.listing_without_end()
            before = now
            if not is_last:
                place = _next(place, entries)
                if "page" in place:
                    last_pages[place["takenAfter"]] = place["page"]
                coming = ahead.submit(copy_context().run, _page, client, {**search, **place})
            yield entries
    for date, last in last_pages.items():
        for page in range(1, last + 1):
            yield _page(client, {**search, "takenAfter": date, "page": page})[0]


def _next(place: Search, entries: Sequence[Entry]) -> Search:
    """Return where to go on: at the date of the last asset, unless a whole page has the same."""
    date = text(entries[-1], "fileCreatedAt")
    if date and date != place.get("takenAfter"):
        return {"takenAfter": date}
    return {**place, "page": place.get("page", 1) + 1}


def _page(client: ImmichClient, search: Search) -> tuple[list[Entry], bool]:
    """Return the assets of one page, and whether it is the last.

    A page that has fewer assets than it says is asked for once more.
    """
    for _time in range(2):
        answer = client.json("POST", "/search/metadata", search)
        if answer is None:
            raise client.errors.empty()
        found = answer.get("assets") if isinstance(answer, dict) else None
        if not isinstance(found, dict) or not isinstance(found.get("items"), list):
            raise client.errors.not_this_product()
        entries, is_last = objects(found["items"]), found.get("nextPage") is None
        promised = number(found, "count") or (0 if is_last else 1)
        if len(entries) >= promised:
            return entries, is_last
    raise client.errors.page_cut_short(len(entries), promised)
