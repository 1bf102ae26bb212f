"""What a media server's answers, or the lack of one, mean as errors. No message carries a secret.

A library has a `Wording` of its own, with the sentences that only its server calls for.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tigertag.errors import (
    HttpError,
    ItemError,
    ItemGone,
    LibraryError,
    LibraryUnavailable,
    Unreadable,
)
from tigertag.net import mapped_errors
from tigertag.wording import bare_url

GONE = 404
FORBIDDEN = 403
LATER = frozenset({408, 425, 429, 502, 503, 504})


class Refused(LibraryError):
    """The server answered with a status that says no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotNow(LibraryUnavailable):
    """The server answered that it cannot now."""


def no_file(refused: Refused, *, forbidden: str) -> ItemError:
    """Return what it means for its item that a file was refused.

    `forbidden`: the sentence for a download that nobody permits.
    """
    if refused.status == GONE:
        return ItemGone("Its file is no longer there, or not as it was listed.")
    if refused.status == FORBIDDEN:
        return Unreadable(forbidden, retryable=True)
    return Unreadable(f"The server could not give its file ({refused.status}).", retryable=True)


class Wording:
    """The sentences about one library: its id and its server's address stand in each."""

    def __init__(self, library: str, url: str, product: str) -> None:
        self._library = library
        self._url = bare_url(url)
        self._product = product
        self._stem = f"LIBRARY_{library.upper()}"

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Turn requests' errors into `LibraryUnavailable`."""
        try:
            with mapped_errors(self._url):
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

    def refused(self, response: requests.Response) -> Refused:
        """The error for a status that says no more than that."""
        reason = f"{response.status_code} {response.reason or ''}".rstrip()
        path = bare_url(response.request.url or "").removeprefix(self._url)
        what = f"{response.request.method} {path}"
        said = f"{self._url} answered {reason} to {what}; see {self._product}'s own log."
        return Refused(self._said(said), response.status_code)

    def strange(self) -> LibraryError:
        """The error for an answer that is a web page, or nothing that such a server says."""
        return LibraryError(
            self._said(
                f"what answers at {self._url} does not speak as {self._product} does: a web page,"
                f" perhaps of a proxy that wants a sign-in. Set {self._stem}_URL to the address and"
                f" port of {self._product} itself."
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

    def _said(self, sentence: str) -> str:
        return f"Library {self._library}: {sentence}"
