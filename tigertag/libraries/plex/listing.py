"""A section's items, page by page (Plex API, "Pagination")."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from math import ceil
from typing import Protocol
from xml.etree.ElementTree import Element

from tigertag.libraries.mediaserver import listing
from tigertag.libraries.mediaserver.listing import Page

PAGE = 400
# Ties of one second are many when a folder is added; what is added meanwhile comes last.
SORT = "addedAt,titleSort"


def path(section: str, number: int, since: datetime | None = None) -> str:
    """Return the request for a section's items of a type, or for those that were added since.

    `>>=` is "after", which leaves its own second out (Plex API, "Media Queries").
    """
    whole = f"/library/sections/{section}/all?type={number}&sort={SORT}"
    return whole if since is None else f"{whole}&addedAt%3E%3E={ceil(since.timestamp()) - 1}"


class Ask(Protocol):
    """Gets a page."""

    def __call__(self, *, start: int, size: int) -> Element: ...


def entries(ask: Ask) -> Iterator[Element]:
    """Yield each entry once. Raises `CutShort`."""
    return listing.entries(partial(_page, ask), size=PAGE)


def _page(ask: Ask, *, start: int, size: int) -> Page[Element]:
    page = ask(start=start, size=size)
    return Page([(entry.get("ratingKey", ""), entry) for entry in page], _total(page))


def _total(page: Element) -> int | None:
    total = page.get("totalSize", "")
    return int(total) if total.isdecimal() else None
