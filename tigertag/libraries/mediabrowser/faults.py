"""What answers mean as errors, where they are of these two servers. No message carries a secret."""

from collections.abc import Sequence

import requests

from tigertag.errors import ItemError, LibraryError, LibraryReadOnly
from tigertag.libraries.mediaserver import faults
from tigertag.libraries.mediaserver.faults import FORBIDDEN, LATER, NotNow, Refused

OK = frozenset({200, 204})


class Spoilt(LibraryError):
    """A write changed more than the tags. `reason` says of the item what came of it.

    `restored`: it is again as it was.
    """

    def __init__(self, message: str, *, reason: str, restored: bool) -> None:
        super().__init__(message)
        self.reason = reason
        self.restored = restored


class Changed(ItemError):
    """More of an item has changed than its tags, which says nothing of other items."""


def no_file(refused: Refused) -> ItemError:
    """Return what it means for its item that a file was refused."""
    return faults.no_file(refused, forbidden="The server does not permit its download.")


class Wording(faults.Wording):
    """The sentences about one library on Emby or Jellyfin."""

    @property
    def product(self) -> str:
        return self._product

    def refusal(self, response: requests.Response) -> LibraryError:
        """Return the error that an answer with a status other than success is."""
        status, writes = response.status_code, response.request.method == "POST"
        if status == 401:
            return self._bad_key()
        if status == FORBIDDEN and writes:
            return LibraryReadOnly(
                self._said(
                    f"{self._url} does not let this key edit (403). Previews work; to apply, set"
                    f" {self._stem}_API_KEY to a key that {self._page} tells how to make."
                )
            )
        if status in LATER:
            return NotNow(
                self._said(
                    f"{self._url} is not ready ({status}): {self._product} is starting, or busy."
                    " What was done is kept; try again later."
                )
            )
        return self.refused(response)

    def _bad_key(self) -> LibraryError:
        return LibraryError(
            self._said(
                f"{self._url} refuses the key (401). Set {self._stem}_API_KEY to a key that"
                f" {self._page} tells how to make."
            )
        )

    @property
    def _page(self) -> str:
        return f"docs/libraries/{self._product.lower()}.md"

    def other(self, found: str, plugin: str) -> LibraryError:
        """The error for another kind of server. `plugin`: the one for it, if there is one."""
        advice = f"set {self._stem}_NAME={plugin}, or " if plugin else ""
        return LibraryError(
            self._said(
                f"what answers at {self._url} is {found}, not {self._product}:"
                f" {advice}set {self._stem}_URL to the address of {self._product}."
            )
        )

    def too_old(self, version: str, least: str) -> LibraryError:
        return LibraryError(
            self._said(
                f"{self._url} is {self._product} {version}; TigerTag knows how to write to"
                f" {self._product} {least} and later. Update it."
            )
        )

    def no_user(self, name: str, hint: str) -> LibraryError:
        return LibraryError(
            self._said(f"{self._stem}_USER names {name!r}, who is no user of {self._url}{hint}")
        )

    def no_administrator(self) -> LibraryError:
        return LibraryError(
            self._said(
                f"{self._url} has no administrator who is not switched off. Set"
                f" {self._stem}_USER to a user's name."
            )
        )

    def spoilt(self, title: str, changed: Sequence[str], *, restored: bool) -> Spoilt:
        """The error for a write that changed more than the tags."""
        what = f"{self._product} changed more of {title!r} than its tags ({', '.join(changed)})"
        if restored:
            reason = f"{what}; it was put back as it was."
            return Spoilt(
                self._said(f"{what}. It was put back as it was, and all writing has stopped."),
                reason=reason,
                restored=True,
            )
        cure = f"look at it in {self._product}, and let {self._product} refresh its metadata"
        return Spoilt(
            self._said(f"{what}, and it could not be put back: {cure}. All writing has stopped."),
            reason=f"{what}, and it could not be put back: {cure}.",
            restored=False,
        )

    def not_kept(self, what: str) -> ItemError:
        """The error for an item that the server would not keep as it is."""
        return ItemError(
            f"{self._product} keeps {what} when an item is edited, so nothing was written. Correct"
            f" that in {self._product}, then scan again.",
            retryable=True,
        )

    def merged(self, names: Sequence[str], *, restored: bool) -> Changed:
        """The error for an item of which the server made one value of two that are alike."""
        cure = (
            "That was put back as it was."
            if restored
            else f"That could not be put back: look at it in {self._product}."
        )
        return Changed(
            f"{self._product} merged values of {', '.join(names)} that are almost alike when the"
            f" tags were written. {cure} Other items are not affected.",
            retryable=True,
        )

    def meddled(self, changed: Sequence[str]) -> Changed:
        """The error for an item that somebody seems to have edited while it was written."""
        return Changed(
            f"Somebody else changed it ({', '.join(changed)}) while it was written. That is left as"
            " it is; the next scan sees what came of the tags.",
            retryable=True,
        )

    def meddled_again(self, title: str, changed: Sequence[str]) -> Spoilt:
        """The error for the second item in which the same is another after a write."""
        what = (
            f"{', '.join(changed)} of {title!r} changed while its tags were written, and so it did"
            f" of another item before. If nobody else was at work, {self._product} did it: look at"
            " both items, which the log names"
        )
        return Spoilt(
            self._said(f"{what}. Nothing was put back, and all writing has stopped."),
            reason=f"{what}. Nothing was put back.",
            restored=False,
        )

    def stopped(self) -> LibraryError:
        return LibraryError(
            self._said(
                "all writing has stopped, for a write changed more than the tags of its item."
                " What was done is kept; see the log."
            )
        )
