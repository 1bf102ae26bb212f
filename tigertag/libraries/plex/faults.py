"""What Plex's answers, or the lack of one, mean as errors. No message carries a secret."""

from collections.abc import Iterator
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

OK = frozenset({200, 201, 204})
GONE = 404
_FORBIDDEN = 403
_LATER = frozenset({408, 425, 429, 502, 503, 504})


class Refused(LibraryError):
    """Plex answered with a status that says no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def no_file(exc: Refused) -> ItemError:
    """Return what it means for its item that a file was refused."""
    if exc.status == GONE:
        return ItemGone("Its file is no longer there, or not as it was listed.")
    if exc.status == _FORBIDDEN:
        return Unreadable("The server's owner does not permit its download.")
    return Unreadable(f"The server could not give its file ({exc.status}).", retryable=True)


class NotNow(LibraryUnavailable):
    """Plex answered that it cannot now."""


class Wording:
    """The sentences about one library: its id and its server's address stand in each."""

    def __init__(self, library: str, url: str) -> None:
        self._library = library
        self._url = bare_url(url)
        self._stem = f"LIBRARY_{library.upper()}"

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
                f"{why}. Is Plex running, and {self._stem}_URL right? What was done is kept."
            )
        )

    def refusal(self, response: requests.Response, *, body: bytes = b"") -> LibraryError:
        """Return the error that an answer with a status other than success is."""
        status = response.status_code
        if status == 401:
            return LibraryError(
                self._said(
                    f"{self._url} refuses the token (401). Set {self._stem}_TOKEN to the token of"
                    " the server's owner; docs/libraries/plex.md says where to find it."
                )
            )
        if status == _FORBIDDEN and response.request.method == "PUT":
            return LibraryReadOnly(
                self._said(
                    f"{self._url} does not let this token edit (403). Previews work; to apply, set"
                    f" {self._stem}_TOKEN to the token of the server's owner."
                )
            )
        if status in _LATER:
            migrates = b'title="Maintenance"' in body
            why = "Plex is migrating its database" if migrates else f"{self._url} is not ready"
            return NotNow(self._said(f"{why} ({status}). What was done is kept; try again later."))
        reason = f"{status} {response.reason or ''}".rstrip()
        path = bare_url(response.request.url or "").removeprefix(self._url)
        what = f"{response.request.method} {path}"
        return Refused(
            self._said(f"{self._url} answered {reason} to {what}; see Plex's own log."), status
        )

    def no_plex(self) -> LibraryError:
        """The error for an answer that is a web page, or nothing that Plex says."""
        return LibraryError(
            self._said(
                f"what answers at {self._url} does not speak as Plex does: a web page, perhaps of"
                f" a proxy that wants a sign-in. Set {self._stem}_URL to the address and port of"
                " Plex itself."
            )
        )

    def broken_off(self) -> LibraryError:
        return LibraryUnavailable(
            self._said("an answer broke off in the middle. Nothing is lost; scan again.")
        )

    def empty(self) -> LibraryError:
        return LibraryUnavailable(
            self._said(
                f"{self._url} answered with nothing at all. Is Plex still starting, and"
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
