"""Lists of films in CSV files: a path or a link a row, and its genres.

What cannot be used is left out and noted; what is there twice is one.
"""

import logging
import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tigertag.errors import ItemError, RequestError, Unreadable
from tigertag.genres import csv_text, films, sources, trailers
from tigertag.genres.csv_text import CsvTable
from tigertag.genres.labelled import LabelledSet, LabelledVideo
from tigertag.genres.manifest import SourceInfo
from tigertag.genres.sources import MediaSource
from tigertag.text import count, one_line, printable, tidy

_COLUMNS: Final = ("path", "url", "genres", "film", "imdb_id", "title", "year", "split")
_NAMED_COLUMNS: Final = 6
_YEAR: Final = re.compile(r"((?:18[5-9]|19\d|20\d)\d)(?:\.0*)?(?:-\d\d-\d\d)?")

_NO_SOURCE: Final = "There is neither a path nor a link."
_NO_GENRES: Final = "There are no genres."
_NO_FILE: Final = "There is no such file."
_LINK_AS_PATH: Final = "A path cannot be a link; put that into a column `url`."
_SEVERAL: Final = "The same file or link is given for several films, with different genres."
_UNCLEAR: Final = "The same file or link is given more than once, with different genres."

_NAMED_ROWS: Final = 3
_RUNS: Final = 12
_REASONS: Final = 8
_LONGEST_NAME: Final = 80
_IN_THE_LOG: Final = "LOG_LEVEL=DEBUG names each"

logger = logging.getLogger(__name__)


def read(path: Path) -> LabelledSet:
    """Read a list; no video or picture that it names is opened, but where a name says nothing.

    Columns: `path` (relative to the list) or `url`, `genres` separated by `|`; and perhaps `film`
    or `imdb_id`, `title`, `year`. Raises `RequestError`, also when no row is left.
    """
    table = csv_text.read(path, _COLUMNS)
    if "genres" not in table.columns or not {"path", "url"} & {*table.columns}:
        names = _joined([name for name in table.names if name]) or "no names"
        raise RequestError(
            f"{path} needs a column path or url, and a column genres; its first row has {names}."
        )
    notes = RowNotes()
    for line in table.odd:
        notes.left_out(line, "It has more values than columns; put quotes around them.")
    videos = _videos(table, path.absolute().parent, notes)
    if not videos:
        why = next(iter(notes.lines()), "it has none.")
        raise RequestError(f"{path} has no row that can be learned from: {why}")
    return LabelledSet(
        videos,
        SourceInfo(csv=str(path.absolute())),
        (*_about(table), *notes.lines()),
        footage="trailer" if all(video.source.site for video in videos) else None,
    )


def _about(table: CsvTable) -> Iterator[str]:
    if not table.is_utf8:
        yield f"{table.path.name} is not in UTF-8; it was read as Windows-1252."
    unused = [name for name in table.names if name and name.casefold() not in _COLUMNS]
    if unused:
        yield f"Columns that are not used: {_joined(unused)}."


def _joined(names: Sequence[str]) -> str:
    some = ", ".join(repr(one_line(name)[:30]) for name in names[:_NAMED_COLUMNS])
    more = len(names) - _NAMED_COLUMNS
    return some + (f" and {more} more" if more > 0 else "")


def _videos(table: CsvTable, folder: Path, notes: "RowNotes") -> tuple[LabelledVideo, ...]:
    by_origin: dict[str, list[LabelledVideo]] = {}
    for row in table.rows:
        values = table.values(row)
        title, year = tidy(values.get("title", "")), values.get("year", "")
        try:
            video = replace(_video(values, folder), line=row.line)
        except ItemError as exc:
            # No link is named, for there may be a password in it.
            path = values.get("path", "")
            notes.left_out(row.line, str(exc), title if trailers.is_link(path) else path or title)
            continue
        if year and video.year is None:
            notes.used(row.line, "Its year is none.", repr(year))
        by_origin.setdefault(video.source.origin, []).append(video)
    united = (_united(same, notes) for same in by_origin.values())
    return tuple(video for video in united if video is not None)


def _video(values: Mapping[str, str], folder: Path) -> LabelledVideo:
    """Raises `ItemError`."""
    source = _source(values, folder)
    genres = dict.fromkeys(filter(None, map(tidy, values["genres"].split("|"))))
    if not genres:
        raise Unreadable(_NO_GENRES)
    given, title = values.get("film", ""), tidy(values.get("title", ""))
    year = _year(values.get("year", ""))
    number = _numbered(values.get("imdb_id", ""))
    dated = f"{title.casefold()} ({year})" if title and year else title.casefold()
    film = given or number or dated or source.origin
    # The titles of rows that `film` groups may be those of episodes: "Pilot" is no film's name.
    names = films.names(film, "" if given and year is None else title, year, number)
    return LabelledVideo(source, film, title, tuple(genres), year, names)


def _source(values: Mapping[str, str], folder: Path) -> MediaSource:
    name, url = values.get("path", ""), values.get("url", "")
    if not name and not url:
        raise Unreadable(_NO_SOURCE)
    if not name:
        return sources.of_link(url)
    if trailers.is_link(name):
        raise Unreadable(_LINK_AS_PATH)
    if not os.path.isfile(folder / name):  # It takes a name that no file can have, too.
        raise Unreadable(_NO_FILE)
    return sources.of_file(folder / name)


def _numbered(number: str) -> str:
    return films.imdb(number) or films.imdb(f"imdb:{number}") or number


def _year(text: str) -> int | None:
    year = _YEAR.fullmatch(text)
    return int(year[1]) if year else None


def _united(same: Sequence[LabelledVideo], notes: "RowNotes") -> LabelledVideo | None:
    """Make one of what is given more than once; None where it cannot be known what it is."""
    first, *others = same
    unclear = _unclear(same)
    if unclear:
        for video in same:
            notes.left_out(video.line, unclear, video.title)
        return None
    for video in others:
        notes.used(video.line, "It is one with a row before it.")
    genres = dict.fromkeys(genre for video in same for genre in video.genres)
    names = dict.fromkeys(name for video in same for name in video.names)
    return replace(first, genres=tuple(genres), names=tuple(names))


def _unclear(same: Sequence[LabelledVideo]) -> str:
    """Why it cannot be known what it is; rows that name one film may share out its genres."""
    if len({frozenset(video.genres) for video in same}) == 1:
        return ""
    if len({video.film for video in same}) > 1:
        return _SEVERAL
    return _UNCLEAR if same[0].film == same[0].source.origin else ""


@dataclass(slots=True)
class RowNotes:
    """Gathers what is to be said of rows: once for each reason, with where it holds.

    A line of 0: the row is of no file.
    """

    _places: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=dict)

    def left_out(self, line: int, reason: str, name: str = "") -> None:
        self._add(line, "left out", reason, name)

    def used(self, line: int, reason: str, name: str = "") -> None:
        """Say that a row was used, yet not as it stands there."""
        self._add(line, "used all the same", reason, name)

    def lines(self) -> list[str]:
        """Return one line for each of the first reasons, and one for all others."""
        reasons = list(self._places.items())
        lines = [
            f"{count(len(places), 'row')} {what} ({_first(places)}): {reason}"
            for (what, reason), places in reasons[:_REASONS]
        ]
        others = reasons[_REASONS:]
        if others:
            rows = count(sum(len(places) for _, places in others), "row")
            reason_count = count(len(others), "other reason")
            lines.append(f"{rows} more, for {reason_count}; {_IN_THE_LOG}.")
        return lines

    def _add(self, line: int, what: str, reason: str, name: str) -> None:
        name = printable(name)[:_LONGEST_NAME]
        logger.debug("%s: %s: %s", what, _place(line, name), reason)
        self._places.setdefault((what, reason), []).append((line, name))


def _first(places: Sequence[tuple[int, str]]) -> str:
    """Name the first, and say on which lines the others are."""
    ordered = sorted(places)
    named = "; ".join(_place(line, name) for line, name in ordered[:_NAMED_ROWS])
    rest = [line for line, _name in ordered[_NAMED_ROWS:]]
    if not rest:
        return named
    return f"{named}; and {len(rest)} more" + (f": {_line_numbers(rest)}" if rest[0] else "")


def _place(line: int, name: str) -> str:
    return ", ".join(filter(None, (f"line {line}" if line else "", name)))


def _line_numbers(numbers: Sequence[int]) -> str:
    """[3, 4, 5, 9] → "lines 3-5, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number <= runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [f"{low}-{high}" if low < high else f"{low}" for low, high in runs[:_RUNS]]
    more = f" and others; {_IN_THE_LOG}" if len(runs) > _RUNS else ""
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(shown)}{more}"
