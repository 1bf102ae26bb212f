"""Lists of films in CSV files: a path or a link a row, and its genres.

Rows that cannot be used are left out and noted; rows of one file or link are united.
"""

import codecs
import csv
import io
import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import Final

from tigertag.errors import ItemError, RequestError, Unreadable, os_reason
from tigertag.genres import films, sources, trailers
from tigertag.genres.labelled import LabelledSet, LabelledVideo, RowNotes
from tigertag.genres.manifest import SourceInfo
from tigertag.genres.sources import MediaSource
from tigertag.text import one_line, tidy

_COLUMNS: Final = ("path", "url", "genres", "film", "imdb_id", "title", "year", "split")
_NAMED_COLUMNS: Final = 6
_YEAR: Final = re.compile(r"((?:18[5-9]|19\d|20\d)\d)(?:\.0*)?(?:-\d\d-\d\d)?")
_MOST_BYTES: Final = 32 * 1024 * 1024
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATORS: Final = (",", ";", "\t")
# Excel's own first line, which no other row is like: it says the separator.
_SEP_LINE: Final = re.compile(r'"?sep=([^\s\w"]|\t)"?[ ,;\t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)

_SEVERAL: Final = "The same file or link is given for several films, with different genres."
_UNCLEAR: Final = "The same file or link is given more than once, with different genres."

_Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A CSV file (RFC 4180; the separator is a comma, a semicolon or a tab).

    `names`: of the columns, as written. `rows`: the line where each begins, and its values by
    column in lower case, without white space around them. `odd`: the lines of rows that have more
    values than columns; those rows are not in `rows`.
    """

    names: Sequence[str]
    rows: Sequence[tuple[int, _Values]]
    odd: Sequence[int]
    is_utf8: bool


def read(path: Path) -> LabelledSet:
    """Read a list; no video or picture that it names is opened, but where a name says nothing.

    Columns: `path` (relative to the list) or `url`, `genres` separated by `|`; and perhaps `film`
    or `imdb_id`, `title`, `year`. Raises `RequestError`, also when no row is left.
    """
    table = read_csv(path)
    columns = {name.casefold() for name in table.names}
    if "genres" not in columns or not {"path", "url"} & columns:
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
    about = [] if table.is_utf8 else [f"{path.name} is not in UTF-8; it was read as Windows-1252."]
    unused = [name for name in table.names if name and name.casefold() not in _COLUMNS]
    if unused:
        about.append(f"Columns that are not used: {_joined(unused)}.")
    return LabelledSet(
        videos,
        SourceInfo(csv=str(path.absolute())),
        (*about, *notes.lines()),
        footage="trailer" if all(video.source.site for video in videos) else None,
    )


def _joined(names: Sequence[str]) -> str:
    some = ", ".join(repr(one_line(name)[:30]) for name in names[:_NAMED_COLUMNS])
    more = len(names) - _NAMED_COLUMNS
    return some + (f" and {more} more" if more > 0 else "")


def _videos(table: CsvTable, folder: Path, notes: RowNotes) -> tuple[LabelledVideo, ...]:
    by_origin: dict[str, list[LabelledVideo]] = {}
    for line, values in table.rows:
        path, year = values.get("path", ""), values.get("year", "")
        try:
            video = replace(_video(values, folder), line=line)
        except ItemError as exc:
            # No link is named, for there may be a password in it.
            title = tidy(values.get("title", ""))
            notes.left_out(line, str(exc), title if trailers.is_link(path) else path or title)
            continue
        if year and video.year is None:
            notes.used(line, "Its year is not valid.", repr(year))
        by_origin.setdefault(video.source.origin, []).append(video)
    united = (_united(same, notes) for same in by_origin.values())
    return tuple(video for video in united if video is not None)


def _video(values: _Values, folder: Path) -> LabelledVideo:
    """Raises `ItemError`."""
    source = _source(values, folder)
    genres = dict.fromkeys(filter(None, map(tidy, values["genres"].split("|"))))
    if not genres:
        raise Unreadable("There are no genres.")
    given, title = values.get("film", ""), tidy(values.get("title", ""))
    year_given = _YEAR.fullmatch(values.get("year", ""))
    year = int(year_given[1]) if year_given else None
    number = values.get("imdb_id", "")
    number = films.imdb(number) or films.imdb(f"imdb:{number}") or number
    dated = f"{title.casefold()} ({year})" if title and year else title.casefold()
    film = given or number or dated or source.origin
    # The titles of rows that `film` groups may be those of episodes: "Pilot" is no film's name.
    names = films.names(film, "" if given and year is None else title, year, number)
    return LabelledVideo(source, film, title, tuple(genres), year, names)


def _source(values: _Values, folder: Path) -> MediaSource:
    name, url = values.get("path", ""), values.get("url", "")
    if not name and not url:
        raise Unreadable("There is neither a path nor a link.")
    if not name:
        return sources.of_link(url)
    if trailers.is_link(name):
        raise Unreadable("A path cannot be a link; put that into a column `url`.")
    if not os.path.isfile(folder / name):  # It takes a name that no file can have, too.
        raise Unreadable("There is no such file.")
    return sources.of_file(folder / name)


def _united(same: Sequence[LabelledVideo], notes: RowNotes) -> LabelledVideo | None:
    """Unite the rows of one file or link; None where its genres are unclear."""
    first, *others = same
    unclear = _unclear(same)
    if unclear:
        for video in same:
            notes.left_out(video.line, unclear, video.title)
        return None
    for video in others:
        notes.used(video.line, "It is merged with an earlier row of the same file or link.")
    genres = dict.fromkeys(genre for video in same for genre in video.genres)
    names = dict.fromkeys(name for video in same for name in video.names)
    return replace(first, genres=tuple(genres), names=tuple(names))


def _unclear(same: Sequence[LabelledVideo]) -> str:
    """Return why the genres are unclear; rows that name one film may share them out."""
    if len({frozenset(video.genres) for video in same}) == 1:
        return ""
    if len({video.film for video in same}) > 1:
        return _SEVERAL
    return _UNCLEAR if same[0].film == same[0].source.origin else ""


def read_csv(path: Path) -> CsvTable:
    """Read a file whose first row names its columns.

    A first line `sep=;` is Excel's, and says the separator. UTF-8, or else Windows-1252. Raises
    `RequestError`, with the line where there is one.
    """
    text, encoding = _decoded(_raw(path), path)
    given = _SEP_LINE.match(text)
    text = text[given.end() :] if given else text
    separator = given[1] if given else _separator(text)
    records = _records(text, separator, path, line=2 if given else 1)
    first = next(records, None)
    if first is None:
        raise RequestError(f"{path} is empty.")
    names = [one_line(name) for name in first[1]]
    columns = [name.casefold() for name in names]
    for name in columns:
        if name and columns.count(name) > 1:
            raise RequestError(f"{path} has two columns {name[:30]!r}; name one of them otherwise.")
    rows, odd = [], []
    for line, values in records:
        if any(values[len(columns) :]):
            odd.append(line)
        elif any(values):
            values += [""] * (len(columns) - len(values))  # A short row has none at its end.
            rows.append((line, dict(zip(columns, values, strict=False))))
    return CsvTable(names, rows, odd, is_utf8=encoding == "utf-8-sig")


def _raw(path: Path) -> bytes:
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise RequestError(f"{path} is not a file; give a CSV file.")
        if status.st_size > _MOST_BYTES:
            most = f"{_MOST_BYTES >> 20} MiB"
            raise RequestError(f"{path} is larger than {most}: that is no list of films.")
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise RequestError(f"There is no file {path}.") from exc
    except (OSError, ValueError) as exc:
        reason = os_reason(exc) if isinstance(exc, OSError) else "its name cannot be used"
        raise RequestError(f"{path} cannot be read: {reason}.") from exc


def _decoded(raw: bytes, path: Path) -> tuple[str, str]:
    if raw.startswith(_UTF_16):
        raise RequestError(f"{path} is in UTF-16; save it as UTF-8.")
    if b"\0" in raw:
        raise RequestError(
            f"{path} is no text, for there are NUL bytes in it; give a CSV in UTF-8."
        )
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise RequestError(f"{path} is text neither in UTF-8 nor in Windows-1252; save it as UTF-8.")


def _separator(text: str) -> str:
    """The one that finds most of the known columns, then most columns, in the first row."""
    first = text[: text.find("\n") + 1] or text

    def rank(separator: str) -> tuple[int, int]:
        names = [one_line(name).strip('"').casefold() for name in first.split(separator)]
        return len({*_COLUMNS} & {*names}), len(names)

    return max(_SEPARATORS, key=rank)


def _records(
    text: str, separator: str, path: Path, *, line: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line where each record begins, and its values."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    before = line - 1
    try:
        for values in reader:
            yield line, [value.strip() for value in values]
            line = before + reader.line_num + 1
    except csv.Error as exc:
        fault = f"a quoted value does not end as it should ({exc})"
        if "field limit" in str(exc):
            most = f"{csv.field_size_limit():,}"
            fault = f"a value has more than {most} characters, or a quote before it does not end"
        raise RequestError(f"{path}, line {line}: {fault}.") from exc
