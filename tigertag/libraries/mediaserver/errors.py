"""What a media server's responses, or the lack of one, mean as errors. No message holds a secret.

LibraryError
├── RefusedByServer      the server refused the request
└── LibraryUnavailable
    └── ServerBusy      … the server is busy
"""

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
    TigerTagError,
    Unreadable,
)
from tigertag.model import Section
from tigertag.net import mapped_errors
from tigertag.text import bare_url, did_you_mean

NOT_FOUND = 404
FORBIDDEN = 403
_UNAUTHORIZED = 401
_TRY_LATER = frozenset({408, 425, 429, 502, 503, 504})
_WRITING = frozenset({"POST", "PUT"})

NOT_ON_SERVER = "It is no longer on the server."
FILE_CHANGED = "Its file is no longer there, or not as it was listed."


class RefusedByServer(LibraryError):
    """The server refused the request."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ServerBusy(LibraryUnavailable):
    """The server cannot respond now."""


def file_error(refused: RefusedByServer) -> ItemError:
    """Return what it means for an item that its file was refused."""
    if refused.status == NOT_FOUND:
        return ItemGone(FILE_CHANGED)
    if refused.status == FORBIDDEN:
        return Unreadable("The server does not permit its download.", retryable=True)
    return Unreadable(f"The server could not give its file ({refused.status}).", retryable=True)


@contextmanager
def not_found_as(error: TigerTagError) -> Iterator[None]:
    """Raise this error where the server does not find what it was asked for."""
    try:
        yield
    except RefusedByServer as exc:
        if exc.status == NOT_FOUND:
            raise error from exc
        raise


class ServerErrors:
    """Makes the errors of one library: its id and its server's address stand in each message.

    `secret` is what the credential is called, `setting` the name of its setting, and `right` says
    which credential may edit and where to get it.
    """

    product: str
    secret: str
    setting: str
    right: str

    def __init__(self, library: str, url: str) -> None:
        self._library = library
        self._url = bare_url(url)
        self._prefix = f"LIBRARY_{library.upper()}"

    @contextmanager
    def mapped(self) -> Iterator[None]:
        """Turn requests' errors into `LibraryUnavailable`."""
        try:
            with mapped_errors(self._url):
                yield
        except HttpError as exc:
            raise self._unreachable(str(exc).rstrip(".")) from exc.__cause__
        except ValueError:
            # urllib3's LocationParseError, and UnicodeError, come through requests as they are.
            raise self._unreachable(f"{self._url} is not a valid address") from None

    def _unreachable(self, why: str) -> LibraryUnavailable:
        return self._unavailable(
            f"{why}. Is {self.product} running, and is {self._prefix}_URL correct?"
            " Everything so far is kept."
        )

    def of_status(self, response: requests.Response, body: bytes) -> LibraryError:
        """Return the error for a response whose status is not one of success.

        `body` is empty where the response is streamed.
        """
        status = response.status_code
        right = f"{self._prefix}_{self.setting} to {self.right}"
        if status == _UNAUTHORIZED:
            return self.error(f"{self._url} rejected the {self.secret} (401). Set {right}.")
        if status == FORBIDDEN and response.request.method in _WRITING:
            reason = f"{self._url} does not allow edits with this {self.secret} (403)."
            return LibraryReadOnly(
                self._line(f"{reason} Previews work; to apply changes, set {right}.")
            )
        if status in _TRY_LATER:
            return self.busy(f"{self._url} is not ready", status)
        reason = f"{status} {response.reason or ''}".rstrip()
        path = bare_url(response.request.url or "").removeprefix(self._url)
        request = f"{response.request.method} {path}"
        line = f"{self._url} answered {reason} to {request}; see {self.product}'s log."
        return RefusedByServer(self._line(line), status)

    def busy(self, why: str, status: int) -> ServerBusy:
        return ServerBusy(
            self._line(f"{why} ({status}). Everything so far is kept; try again later.")
        )

    def not_this_product(self) -> LibraryError:
        """The error for a response that is a web page, or nothing that such a server sends."""
        return self.error(
            f"{self._url} does not respond like {self.product}. It may be the sign-in page of a"
            f" proxy. Set {self._prefix}_URL to the address and port of {self.product} itself."
        )

    def truncated(self) -> LibraryError:
        return self._unavailable("a response was cut off. Nothing is lost; scan again.")

    def empty(self) -> LibraryError:
        return self._unavailable(
            f"{self._url} sent an empty response. Is {self.product} still starting, and is"
            f" {self._prefix}_URL correct? Try again later."
        )

    def listing_cut_short(self, title: str, listed: int, promised: int) -> LibraryError:
        return self._unavailable(
            f"{self._url} listed only {listed} of the {promised} items of section {title}. They are"
            " kept; scan again."
        )

    def section_gone(self, title: str) -> LibraryError:
        return self.error(
            f"section {title} is no longer on the server. Tags already written are kept."
        )

    def chosen(self, names: Sequence[str], sections: Sequence[Section]) -> list[Section]:
        """Return the sections of these titles or ids; all where none is named.

        Raises `LibraryError` where one of them does not exist.
        """
        chosen = dict.fromkeys(self._named(name, sections) for name in names)
        return list(chosen) if names else list(sections)

    def _named(self, name: str, sections: Sequence[Section]) -> Section:
        for section in sections:
            if name.casefold() in (section.id.casefold(), section.title.casefold()):
                return section
        titles = [section.title for section in sections]
        raise self.error(
            f"{self._prefix}_SECTIONS names {name!r}, but {self._url} has no such section of"
            f" photos, films or shows{did_you_mean(name, titles)} It has:"
            f" {', '.join(titles) or 'none'}."
        )

    def error(self, sentence: str) -> LibraryError:
        return LibraryError(self._line(sentence))

    def _unavailable(self, sentence: str) -> LibraryUnavailable:
        return LibraryUnavailable(self._line(sentence))

    def _line(self, sentence: str) -> str:
        return f"Library {self._library}: {sentence}"
