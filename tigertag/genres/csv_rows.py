"""Rows of a list made examples: what cannot be used is left out and said, what is twice is one."""

import os.path
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from tigertag.errors import Unreadable
from tigertag.genres import film_names, trailers
from tigertag.genres.csv_examples import Example, Written
from tigertag.genres.notes import Notes

_YEAR = re.compile(r"((?:18[5-9]|19\d|20\d)\d)(?:\.0*)?(?:-\d\d-\d\d)?")

_NO_SOURCE = "There is neither a path nor a link."
_NO_GENRES = "There are no genres."
_NO_FILE = "There is no such file."
_LINK_AS_PATH = "A path cannot be a link; put that into a column `url`."
_SEVERAL = "The same file or link is given for several films, with different genres."
_UNCLEAR = "The same file or link is given more than once, with different genres."


def examples(rows: Iterable[Written], folder: Path, notes: Notes) -> tuple[Example, ...]:
    """Return the examples of rows whose paths are relative to the folder; tell `notes` the rest."""
    found: dict[str, list[Example]] = {}
    for row in rows:
        try:
            example = _example(row, folder)
        except Unreadable as exc:
            notes.left_out(row.line, str(exc), _named(row))
            continue
        if row.year and example.year is None:
            notes.used(row.line, "Its year is none.", repr(row.year))
        found.setdefault(example.origin, []).append(example)
    united = (_united(same, notes) for same in found.values())
    return tuple(one for one in united if one is not None)


def _named(row: Written) -> str:
    """What to call it: no link, for there may be a password in it."""
    return row.title if not row.path or trailers.is_link(row.path) else row.path


def _example(row: Written, folder: Path) -> Example:
    """Raises `Unreadable`."""
    if not row.path and not row.url:
        raise Unreadable(_NO_SOURCE)
    if not row.genres:
        raise Unreadable(_NO_GENRES)
    source = _file(row.path, folder) if row.path else trailers.canonical(row.url)
    origin = f"file:{source}" if isinstance(source, Path) else source
    film = row.film or _numbered(row) or _titled(row) or origin
    year = _year(row)
    # The titles of rows that `film` groups may be those of episodes: "Pilot" is no film's name.
    title = "" if row.film and year is None else row.title
    return Example(
        origin=origin,
        source=source,
        film=film,
        title=row.title,
        genres=tuple(dict.fromkeys(row.genres)),
        year=year,
        names=film_names.names(film, title, year, _numbered(row)),
        line=row.line,
    )


def _numbered(row: Written) -> str:
    return film_names.imdb(row.imdb) or film_names.imdb(f"imdb:{row.imdb}") or row.imdb


def _titled(row: Written) -> str:
    year = _year(row)
    return f"{row.title.casefold()} ({year})" if row.title and year else row.title.casefold()


def _year(row: Written) -> int | None:
    year = _YEAR.fullmatch(row.year)
    return int(year[1]) if year else None


def _file(name: str, folder: Path) -> Path:
    if trailers.is_link(name):
        raise Unreadable(_LINK_AS_PATH)
    path = folder / name
    if not os.path.isfile(path):  # It takes a name that no file can have, too.
        raise Unreadable(_NO_FILE)
    return path


def _united(same: Sequence[Example], notes: Notes) -> Example | None:
    """One example of what is given more than once, or none where it cannot be known what it is."""
    first = same[0]
    if len(same) == 1:
        return first
    unclear = _unclear(same)
    if unclear:
        for one in same:
            notes.left_out(one.line, unclear, one.title)
        return None
    for one in same[1:]:
        notes.used(one.line, "It is one with a row before it.")
    genres = dict.fromkeys(genre for one in same for genre in one.genres)
    names = dict.fromkeys(name for one in same for name in one.names)
    return replace(first, genres=tuple(genres), names=tuple(names))


def _unclear(same: Sequence[Example]) -> str:
    """Why it cannot be known what it is; rows that name one film may share out its genres."""
    if len({frozenset(one.genres) for one in same}) == 1:
        return ""
    if len({one.film for one in same}) > 1:
        return _SEVERAL
    return _UNCLEAR if same[0].film == same[0].origin else ""
