"""What a server's answers, or the lack of one, mean as errors. No message carries a secret."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import requests

from tigertag.errors import (
    HttpError,
    ItemError,
    ItemGone,
    LibraryError,
    LibraryReadOnly,
    LibraryUnavailable,
    Unreadable,
)
from tigertag.net import mapped
from tigertag.wording import bare_url

OK = frozenset({200, 204})
GONE = 404
_FORBIDDEN = 403
_LATER = frozenset({408, 425, 429, 502, 503, 504})


class Refused(LibraryError):
    """The server answered with a status that says no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotNow(LibraryUnavailable):
    """The server answered that it cannot now."""


class Spoilt(LibraryError):
    """A write changed more than the tags. `reason` says of the item what came of it.

    `restored`: it is again as it was.
    """

    def __init__(self, message: str, *, reason: str, restored: bool) -> None:
        super().__init__(message)
        self.reason = reason
        self.restored = restored


def no_file(refused: Refused) -> ItemError:
    """The error for a file that the server would not give."""
    if refused.status == GONE:
        return ItemGone("Its file is no longer there, or not as it was listed.")
    if refused.status == _FORBIDDEN:
        return Unreadable("The server does not permit its download.")
    return Unreadable(f"The server could not give its file ({refused.status}).", retryable=True)


class Wording:
    """The sentences about one library: its id and its server's address stand in each."""

    def __init__(self, library: str, url: str, product: str) -> None:
        self._library = library
        self._url = bare_url(url)
        self._product = product
        self._stem = f"LIBRARY_{library.upper()}"

    @property
    def product(self) -> str:
        return self._product

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Turn requests' errors into `LibraryUnavailable`."""
        try:
            with mapped(self._url):
                yield
        except HttpError as exc:
            raise self._unreachable(str(exc).rstrip(".")) from exc.__cause__
        except ValueError:
            # urllib3's LocationParseError, and UnicodeError, come through requests as they are.
            raise self._unreachable(f"{self._url} is no address") from None

    def _unreachable(self, why: str) -> LibraryUnavailable:
        return LibraryUnavailable(
            self._said(
                f"{why}. Is {self._product} running, and {self._stem}_URL right? What was done is"
                " kept."
            )
        )

    def refusal(self, response: requests.Response) -> LibraryError:
        """Return the error that an answer with a status other than success is."""
        status, writes = response.status_code, response.request.method == "POST"
        if status == 401:
            return self._bad_key()
        if status == _FORBIDDEN and writes:
            return LibraryReadOnly(
                self._said(
                    f"{self._url} does not let this key edit (403). Previews work; to apply, set"
                    f" {self._stem}_API_KEY to a key that {self._page} tells how to make."
                )
            )
        if status in _LATER:
            return NotNow(
                self._said(
                    f"{self._url} is not ready ({status}): {self._product} is starting, or busy."
                    " What was done is kept; try again later."
                )
            )
        reason = f"{status} {response.reason or ''}".rstrip()
        path = bare_url(response.request.url or "").removeprefix(self._url)
        what = f"{response.request.method} {path}"
        said = f"{self._url} answered {reason} to {what}; see {self._product}'s own log."
        return Refused(self._said(said), status)

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

    def strange(self) -> LibraryError:
        """The error for an answer that is a web page, or nothing that such a server says."""
        return LibraryError(
            self._said(
                f"what answers at {self._url} does not speak as {self._product} does: a web page,"
                f" perhaps of a proxy that wants a sign-in. Set {self._stem}_URL to the address and"
                f" port of {self._product} itself."
            )
        )

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

    def broken_off(self) -> LibraryError:
        return LibraryUnavailable(
            self._said("an answer broke off in the middle. Nothing is lost; scan again.")
        )

    def empty(self) -> LibraryError:
        return LibraryUnavailable(
            self._said(
                f"{self._url} answered with nothing at all. Is {self._product} still starting, and"
                f" {self._stem}_URL right? Try again later."
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

    def cut_listing(self, title: str, *, got: int, promised: int) -> LibraryError:
        return LibraryUnavailable(
            self._said(
                f"{self._url} listed {got} of the {promised} items of section {title} and then no"
                " more. What was found is kept; scan again."
            )
        )

    def section_gone(self, title: str) -> LibraryError:
        return LibraryError(
            self._said(f"section {title} is no longer on the server. What was written is kept.")
        )

    def no_section(self, name: str, hint: str, titles: str) -> LibraryError:
        return LibraryError(
            self._said(
                f"{self._stem}_SECTIONS names {name!r}, which is no section of photos, films or"
                f" shows of {self._url}{hint} It has: {titles or 'none'}."
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

    def stopped(self) -> LibraryError:
        return LibraryError(
            self._said(
                "all writing has stopped, for a write changed more than the tags of its item."
                " What was done is kept; see the log."
            )
        )

    def _said(self, sentence: str) -> str:
        return f"Library {self._library}: {sentence}"
