"""The lists of an older project: links of trailers in one file, genres by title in another.

`trailer_source.csv` has `movie_title` and `trailer_link`; `movie_genre_matrix.csv` has
`movie_title` and a column of 0 and 1 for each genre. Titles end in a no-break space in one of them.

The matrix that is known of that project was made from `movie_metadata.csv` (`movie_title`,
`genres`, `title_year`) with its rows out of step: from the fifth film on, each has the genres of
another one. So where that file lies beside it and most films have other genres there, it is
believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tigertag.errors import RequestError
from tigertag.genres import csv_text
from tigertag.genres.csv_examples import Written
from tigertag.genres.csv_text import Table
from tigertag.genres.notes import Notes
from tigertag.text import one_line, tidy

COLUMNS = ("movie_title", "trailer_link")

_TITLE, _LINK = COLUMNS
_MATRIX = "movie_genre_matrix.csv"
_METADATA = "movie_metadata.csv"
_GENRES, _YEAR = "genres", "title_year"
_BEARS = {"1", "1.0"}

_NO_TITLE = "Its title is not among those that have genres."
_REMAKES = "Several films of this title have different genres."


@dataclass(frozen=True, slots=True)
class _Film:
    genres: tuple[str, ...]
    year: str = ""


_Films = Mapping[str, Sequence[_Film]]
"""By title; films of the same title that differ are several."""


def is_pair(table: Table) -> bool:
    """Tell whether this is the older project's list of links."""
    return {*COLUMNS} <= {*table.columns}


def written(
    table: Table, matrix: Path | None, notes: Notes
) -> tuple[Sequence[Written], Sequence[str]]:
    """Join links and genres by title; say what was believed. Raises `RequestError`."""
    path = matrix or _beside(table.path)
    films = _from_matrix(path)
    metadata = path.absolute().parent / _METADATA
    dated = _from_metadata(metadata) if metadata.is_file() else {}
    films, said = _checked(films, dated, path.name)
    joined = (_joined(table.values(row), row.line, films, notes) for row in table.rows)
    return [one for one in joined if one is not None], said


def _beside(links: Path) -> Path:
    matrix = links.absolute().parent / _MATRIX
    if matrix.is_file():
        return matrix
    raise RequestError(f"{links} has no genres, and {_MATRIX} is not beside it: put it there.")


def _joined(values: Mapping[str, str], line: int, films: _Films, notes: Notes) -> Written | None:
    title = one_line(values[_TITLE])
    found = films.get(title, ())
    if len(found) != 1:
        notes.left_out(line, _REMAKES if found else _NO_TITLE, title)
        return None
    film = found[0]
    return Written(line, url=values[_LINK], title=title, genres=film.genres, year=film.year)


def _from_matrix(path: Path) -> _Films:
    table = csv_text.read(path, (_TITLE,))
    genres = {
        column: tidy(name)
        for column, name in zip(table.columns, table.names, strict=True)
        if name and column != _TITLE
    }
    if _TITLE not in table.columns or not genres:
        raise RequestError(f"{path} needs a column {_TITLE}, and one of 0 and 1 for each genre.")
    films: dict[str, list[_Film]] = {}
    for row in table.rows:
        values = table.values(row)
        borne = tuple(name for column, name in genres.items() if values[column] in _BEARS)
        _add(films, values[_TITLE], _Film(borne))
    return films


def _from_metadata(path: Path) -> _Films:
    table = csv_text.read(path, (_TITLE, _GENRES))
    films: dict[str, list[_Film]] = {}
    if {_TITLE, _GENRES} <= {*table.columns}:
        for row in table.rows:
            values = table.values(row)
            genres = tuple(filter(None, map(tidy, values[_GENRES].split("|"))))
            _add(films, values[_TITLE], _Film(genres, values.get(_YEAR, "")))
    return films


def _add(films: dict[str, list[_Film]], title: str, film: _Film) -> None:
    """Films of one title and the same genres are one; of unknown year if theirs differ."""
    same = films.setdefault(one_line(title), [])
    for place, other in enumerate(same):
        if {*other.genres} == {*film.genres}:
            same[place] = other if other.year == film.year else replace(other, year="")
            return
    same.append(film)


def _checked(matrix: _Films, metadata: _Films, name: str) -> tuple[_Films, list[str]]:
    """Take the years of the metadata; its genres, too, if the matrix is out of step with it."""
    both = [title for title in matrix if title in metadata]
    if not both:
        return matrix, [_unchecked(name)]
    other = [title for title in both if _bears(matrix[title]) - _bears(metadata[title])]
    if 2 * len(other) <= len(both):
        return {title: _dated(some, metadata.get(title, ())) for title, some in matrix.items()}, []
    said = (
        f"{name} gives {len(other)} of {len(both)} films other genres than {_METADATA} beside it"
        " does: its rows are out of step. The genres were taken from the latter."
    )
    return {**matrix, **metadata}, [said]


def _unchecked(name: str) -> str:
    return (
        f"{name} was believed as it is. That of the older project is out of step with its titles,"
        f" and a model that learns from it learns noise: put its {_METADATA} beside it."
    )


def _dated(films: Sequence[_Film], dated: Sequence[_Film]) -> Sequence[_Film]:
    year = dated[0].year if len(dated) == 1 else ""
    return [replace(film, year=year) for film in films]


def _bears(films: Sequence[_Film]) -> set[frozenset[str]]:
    return {frozenset(genre.casefold() for genre in film.genres) for film in films}
