"""An Emby or Jellyfin server: requests, and their responses as JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tigertag.errors import ItemError, LibraryError
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.errors import ServerErrors
from tigertag.libraries.mediaserver.json_client import Entry, JsonClient, number, text
from tigertag.libraries.mediaserver.listing import MAX_BATCH, ListingPage
from tigertag.libraries.mediaserver.sending import ChangedDuringWrite, UnsafeWrite
from tigertag.sequences import batched

PICTURES = {"EnableImageTypes": "Primary", "ImageTypeLimit": "1", "EnableUserData": "false"}
_KEY = re.compile(r"[0-9A-Za-z-]{1,64}")


def is_key(key: str) -> bool:
    """Whether this may be an item's id."""
    return _KEY.fullmatch(key) is not None


def names(values: Any, attribute: str = "") -> list[str]:
    """Return the texts of a list, or the texts that its objects have as `attribute`."""
    if not isinstance(values, list):
        return []
    texts = [
        value.get(attribute) if attribute and isinstance(value, dict) else value for value in values
    ]
    return [text for text in texts if isinstance(text, str) and text]


class MediaBrowserErrors(ServerErrors):
    """Makes the errors of one library on Emby or Jellyfin."""

    secret, setting = "key", "API_KEY"

    def __init__(self, library: str, url: str, product: str) -> None:
        super().__init__(library, url)
        self.product = product
        self.right = f"an API key (docs/libraries/{product.lower()}.md says how to make one)"

    def another_product(self, product: str, plugin: str) -> LibraryError:
        """The error for another kind of server. `plugin`: the one for it, if there is one."""
        advice = f"set {self._prefix}_NAME={plugin}, or " if plugin else ""
        return self.error(
            f"{self._url} is {product}, not {self.product}: {advice}set"
            f" {self._prefix}_URL to the address of {self.product}."
        )

    def too_old(self, version: str, oldest: str) -> LibraryError:
        return self.error(
            f"{self._url} is {self.product} {version}; TigerTag supports"
            f" {self.product} {oldest} and later. Update it."
        )

    def no_user(self, name: str, hint: str) -> LibraryError:
        return self.error(
            f"{self._prefix}_USER names {name!r}, but {self._url} has no such user{hint}"
        )

    def no_administrator(self) -> LibraryError:
        return self.error(
            f"{self._url} has no active administrator. Set {self._prefix}_USER to a user's name."
        )

    def unsafe_write(self, title: str, lost: str, *, restored: bool) -> UnsafeWrite:
        outcome = ". It was put back as it was"
        if not restored:
            outcome = (
                f", and it could not be put back: check it in {self.product}, and let"
                f" {self.product} refresh its metadata"
            )
        what = f"{self.product} changed more of {title!r} than its tags ({lost})"
        return self._stop_writing(what + outcome, restored=restored)

    def concurrent_edit(self, changed: str) -> ChangedDuringWrite:
        return ChangedDuringWrite(
            f"Somebody else changed it ({changed}) while TigerTag wrote its tags. Their change is"
            " kept; the next scan checks the tags.",
            retryable=True,
        )

    def repeated_edit(self, title: str, changed: str) -> UnsafeWrite:
        return self._stop_writing(
            f"{changed} of {title!r} changed while TigerTag wrote its tags, as it did on another"
            f" item before. If nobody edited them, {self.product} did: check both items, which the"
            " log names. Nothing was put back",
            restored=False,
        )

    def _stop_writing(self, outcome: str, *, restored: bool) -> UnsafeWrite:
        line = self._line(f"{outcome}. All writing has stopped.")
        return UnsafeWrite(line, reason=f"{outcome}.", restored=restored)

    def stopped(self) -> LibraryError:
        return self.error(
            "all writing has stopped because a write changed more than the tags of its item."
            " Everything so far is kept; see the log."
        )

    def not_kept(self, what: str) -> ItemError:
        return ItemError(
            f"{self.product} keeps {what} when an item is edited, so nothing was written. Fix that"
            f" in {self.product}, then scan again.",
            retryable=True,
        )

    def merged(self, names: str, *, restored: bool) -> ChangedDuringWrite:
        outcome = f"could not be put back: check it in {self.product}"
        if restored:
            outcome = "was put back as it was"
        return ChangedDuringWrite(
            f"{self.product} merged similar values of {names} when the tags were written. That"
            f" {outcome}. Other items are not affected.",
            retryable=True,
        )


class MediaBrowserClient(JsonClient):
    """One server, as one of its users sees it. Thread-safe. Raises `LibraryError`."""

    errors: MediaBrowserErrors
    id: str
    version: str
    user: str

    def entries_of(self, response: Any) -> list[Entry]:
        """Return the objects of a response that is a list, or holds one as `Items`."""
        return super().entries_of(response.get("Items") if isinstance(response, dict) else response)

    def post(self, path: str, body: Entry) -> None:
        """Send an edit, once; the response does not say what came of it."""
        self.write("POST", path, json=body, allow_redirects=False)

    def read(self, keys: Sequence[str], fields: Sequence[str]) -> Mapping[str, Entry]:
        """Return the items of these ids, by id; one that is not there is left out.

        `fields`: what is asked for by name. What a response leaves out is asked for once more, by
        itself.
        """
        wanted = [key for key in dict.fromkeys(keys) if is_key(key)]
        entries: dict[str, Entry] = {}
        for batch in batched(wanted, MAX_BATCH):
            entries |= self._read(batch, fields)
            if missing := [key for key in batch if key not in entries]:
                entries |= self._read(missing, fields)
        return {key: entries[key] for key in wanted if key in entries}

    def _read(self, keys: Sequence[str], fields: Sequence[str]) -> dict[str, Entry]:
        query = {"UserId": self.user, "Ids": ",".join(keys), "Fields": ",".join(fields)}
        entries = self.entries(ServerRequest("/Items", {**PICTURES, **query}))
        return {text(entry, "Id"): entry for entry in entries}

    def page(self, query: Mapping[str, str], *, start: int, size: int) -> ListingPage[Entry]:
        paging = {**query, "StartIndex": str(start), "Limit": str(size)}
        response = self.parsed(self.get(ServerRequest("/Items", paging)))
        entries = [(text(entry, "Id"), entry) for entry in self.entries_of(response)]
        total = number(response, "TotalRecordCount") if isinstance(response, dict) else None
        # A total that is less than what is there is none.
        return ListingPage(entries, total if total or not entries else None)
