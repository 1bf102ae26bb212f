"""Lists of films in CSV files: a path or a link a row, and its genres."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tigertag.errors import RequestError
from tigertag.genres import csv_pair, csv_rows, csv_text
from tigertag.genres.csv_examples import Example, Written
from tigertag.genres.csv_text import Table
from tigertag.genres.notes import Notes
from tigertag.text import one_line, tidy

_WANTED = "a column path or url, and a column genres"
_COLUMNS = ("path", "url", "genres", "film", "imdb_id", "title", "year", "split")
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a list names. `notes`: what was left out of it, and why."""

    examples: tuple[Example, ...]
    notes: tuple[str, ...] = ()


def read(path: Path, matrix: Path | None = None) -> Sheet:
    """Read a list; the files and links that it names are not opened.

    Columns: `path` (relative to the list) or `url`, `genres` separated by `|`; and perhaps `film`
    or `imdb_id`, `title`, `year`. Or the pair of an older project: `movie_title` and `trailer_link`
    here, and the genres in `matrix`, or in `movie_genre_matrix.csv` beside it. Raises
    `RequestError`, also when no row is left.
    """
    table = csv_text.read(path, (*_COLUMNS, *csv_pair.COLUMNS))
    notes = Notes()
    if csv_pair.is_pair(table):
        rows, said = csv_pair.written(table, matrix, notes)
    elif matrix is not None:
        raise RequestError(f"{path} bears its genres itself; {matrix} goes with another list.")
    else:
        rows, said = list(_written(table)), _about_columns(table)
    for line in table.odd:
        notes.left_out(line, "It has more values than columns; put quotes around them.")
    examples = csv_rows.examples(rows, path.absolute().parent, notes)
    if not examples:
        why = next(iter(notes.said()), "it has none.")
        raise RequestError(f"{path} has no row that can be learned from: {why}")
    return Sheet(examples, (*_about_text(table), *said, *notes.said()))


def _written(table: Table) -> Iterator[Written]:
    if "genres" not in table.columns or not {"path", "url"} & {*table.columns}:
        _refuse(table)
    for row in table.rows:
        values = table.values(row)
        yield Written(
            row.line,
            path=values.get("path", ""),
            url=values.get("url", ""),
            film=values.get("film", ""),
            imdb=values.get("imdb_id", ""),
            title=tidy(values.get("title", "")),
            genres=tuple(filter(None, map(tidy, values["genres"].split("|")))),
            year=values.get("year", ""),
        )


def _refuse(table: Table) -> NoReturn:
    found = _list([name for name in table.names if name]) or "no names"
    raise RequestError(f"{table.path} needs {_WANTED}; its first row has {found}.")


def _about_columns(table: Table) -> list[str]:
    unused = [name for name in table.names if name and name.casefold() not in _COLUMNS]
    return [f"Columns that are not used: {_list(unused)}."] if unused else []


def _about_text(table: Table) -> list[str]:
    if table.is_utf8:
        return []
    return [f"{table.path.name} is not in UTF-8; it was read as Windows-1252."]


def _list(names: Sequence[str]) -> str:
    some = ", ".join(repr(one_line(name)[:30]) for name in names[:_NAMED])
    return some + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
