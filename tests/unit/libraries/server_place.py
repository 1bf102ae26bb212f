"""What a place behind a server gives its tests: see `library_contract.Place`."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from tests.unit.libraries.library_contract import by_name
from tests.unit.media.pictures import encoded, halves
from tigertag.contracts import EditOutcome, Library, NotRead
from tigertag.errors import LibraryError
from tigertag.model import Edit, Field, Item, Shown, TagRef
from tigertag.net import HttpClient, RetryPolicy

PHOTO = encoded(halves(), "JPEG")
OTHER = encoded(halves(80, 80), "JPEG")
HASTE = RetryPolicy(connect_s=2.0, read_s=2.0, attempts=3, first_wait_s=0.001, longest_wait_s=0.01)


class ServerPlace:
    """A library over a fake server. `log`: the server's; `secret`: what no message may hold.

    `listing_path`, `reading_path` and `file_path` are in each request for a page, for items in
    full, and for a photo's own file. `cut_short`: what is said of a listing of 25 photos, ten a
    page, whose second page is empty.
    """

    library: Library
    server: Any
    field: Field
    log: deque[str]
    secret: str
    listing_path: str
    reading_path: str
    file_path: str
    section: Any
    cut_short = "listed only 10 of the 25 items of section Photos"

    def __init__(self) -> None:
        self.http = HttpClient(HASTE)

    def close(self) -> None:
        self.http.close()

    def built(self, **options: Any) -> Library:
        raise NotImplementedError

    def another(self) -> Library:
        library = self.built()
        library.open()
        return library

    def become(self, id: str) -> None:
        """Let another server answer at the same address."""
        raise NotImplementedError

    def ignore_ranges(self) -> None:
        """Let the server send files whole, whatever part is asked for."""
        raise NotImplementedError

    def add_photo(self, name: str) -> None:
        raise NotImplementedError

    def add_film(self, name: str) -> None:
        raise NotImplementedError

    def remove_photo(self, name: str) -> None:
        raise NotImplementedError

    def tag(self, name: str, *words: str) -> None:
        raise NotImplementedError

    def tags(self, name: str) -> list[str]:
        raise NotImplementedError

    def item(self, name: str) -> Item:
        return by_name(self.library)[name]

    def read(self, name: str) -> Shown | NotRead:
        (read,) = self.library.read_tags([self.item(name)])
        return read

    def shown(self, name: str) -> Shown:
        read = self.read(name)
        assert isinstance(read, Shown)
        return read

    def send(self, *edits: Edit) -> list[EditOutcome]:
        return list(self.library.send(edits))

    def asked(self, start: str) -> list[str]:
        """The requests that begin like this."""
        return [line for line in self.log if line.startswith(start)]


P = TypeVar("P", bound=ServerPlace)


def opened(place: P) -> Iterator[P]:
    """For a fixture: open a place's library, and close the place in the end."""
    place.library.open()
    yield place
    place.close()


def refs(words: tuple[str, ...], field: Field = Field.TAG) -> tuple[TagRef, ...]:
    return tuple(TagRef(field, word) for word in words)


def error_of(ask: Callable[[P], object], place: P) -> LibraryError:
    """The error, which is one line about the library "box", and gives nothing away."""
    with pytest.raises(LibraryError) as caught:
        ask(place)
    line = str(caught.value)
    assert line.startswith("Library box: ")
    assert "\n" not in line
    assert place.secret not in line
    return caught.value
