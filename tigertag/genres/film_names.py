"""All names of a film, so that a row of a list and an item of a library are known as the same."""

import re
import unicodedata
from collections.abc import Collection, Sequence

from tigertag.text import tidy

# tt0084058 is how IMDb numbers films and shows: seven digits or more. Lists give the address of its
# page, too, or the bare number; libraries give imdb:tt0084058 (`Catalogued.film`).
_IMDB = re.compile(r"(?:imdb:|(?:https?://)?(?:\w+\.)?imdb\.com/title/)?tt(\d{1,12})(?:[/?].*)?")
_BARE = re.compile(r"imdb:(\d{1,12})(?:\.0*)?")


def imdb(number: str) -> str:
    """Return the name of the film of this number, "imdb:tt0084058"; "" where it is no number."""
    written = number.strip().lower()
    found = _IMDB.fullmatch(written) or _BARE.fullmatch(written)
    return f"imdb:tt{int(found[1]):07}" if found else ""


def titled(title: str, year: int | None) -> str:
    """Return the name of a film of this title and year; "" where there is no title.

    Case, accents, blanks and signs are nothing to it.
    """
    spelt = _folded(title)
    return f"title:{spelt}" + (f" ({year})" if year is not None else "") if spelt else ""


def names(film: str, title: str, year: int | None, *more: str) -> tuple[str, ...]:
    """Return what a film is called: as it is named there, by number, by title and year."""
    said = (film, *more)
    return tuple(dict.fromkeys(filter(None, (*said, *map(imdb, said), titled(title, year)))))


def linked(films: Sequence[Collection[str]]) -> list[frozenset[str]]:
    """Return the names of each film, so that those which may be the same one share a name.

    A title without a year may be any film of that title: where one is so called, it is also a name
    of those whose year is known.
    """
    titles = {name for some in films for name in some if _undated(name) == name}
    return [frozenset((*some, *(titles & set(map(_undated, some))))) for some in films]


def _undated(name: str) -> str:
    return name.partition(" (")[0] if name.startswith("title:") else ""


def _folded(title: str) -> str:
    plain = unicodedata.normalize("NFKD", tidy(title).casefold())
    return "".join(one for one in plain if one.isalnum()) or tidy(title).casefold()
