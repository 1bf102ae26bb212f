"""A section's items, page by page."""

from collections.abc import Iterator, Mapping

from tigertag.libraries.mediabrowser import opening
from tigertag.libraries.mediabrowser.faults import Wording
from tigertag.libraries.mediabrowser.opening import Opened
from tigertag.libraries.mediabrowser.server import Call, Entry
from tigertag.libraries.mediabrowser.sources import number, text
from tigertag.libraries.mediaserver import listing
from tigertag.libraries.mediaserver.listing import Ask, Page

PAGE = 200
# Ties are many where a folder is added at once; what is added meanwhile comes last, if it is dated
# by the clock.
SORT: Mapping[str, str] = {"SortBy": "DateCreated,SortName", "SortOrder": "Ascending"}


def entries(ask: Ask[Entry]) -> Iterator[Entry]:
    """Yield each item once. Raises `CutShort`."""
    return listing.entries(ask, size=PAGE)


class Pages:
    """Asks for the pages of one listing. See `mediaserver.listing.Ask`."""

    def __init__(self, opened: Opened, call: Call, wording: Wording) -> None:
        self._opened = opened
        self._call = call
        self._wording = wording

    def __call__(self, *, start: int, size: int) -> Page[Entry]:
        paging = {"StartIndex": str(start), "Limit": str(size)}
        answer = self._opened.server.get(self._call.with_(paging))
        found = [(text(one, "Id"), one) for one in opening.entries(answer, self._wording)]
        total = number(answer, "TotalRecordCount") if isinstance(answer, dict) else None
        # A total that is less than what is there is none.
        return Page(found, total if total or not found else None)
