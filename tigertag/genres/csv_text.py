"""A CSV file as rows of named values (RFC 4180; the separator is a comma, a semicolon or a tab)."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from tigertag.errors import RequestError, os_reason
from tigertag.text import one_line

_MOST_BYTES = 32 * 1024 * 1024
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATORS = (",", ";", "\t")
# Excel's own first line, which no other row is like: it says the separator.
_SEP_LINE = re.compile(r'"?sep=([^\s\w"]|\t)"?[ ,;\t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvRow:
    """`line`: where it begins. `values`: one for each column, without white space around it."""

    line: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CsvTable:
    """`names`: of the columns, as written; `columns`: the same in lower case.

    `odd`: the lines of rows that have more values than columns; those rows are not in `rows`.
    """

    path: Path
    names: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[CsvRow, ...]
    odd: tuple[int, ...]
    is_utf8: bool

    def values(self, row: CsvRow) -> dict[str, str]:
        """Return the values of a row by column; a short row has none at its end."""
        rest = [""] * (len(self.columns) - len(row.values))
        return dict(zip(self.columns, [*row.values, *rest], strict=True))


def read(path: Path, known: Iterable[str]) -> CsvTable:
    """Read a file whose first row names its columns; `known` names tell which separator it has.

    A first line `sep=;` is Excel's, and says the separator. UTF-8, or else Windows-1252. Raises
    `RequestError`, with the line where there is one.
    """
    text, encoding = _decoded(_raw(path), path)
    given = _SEP_LINE.match(text)
    text = text[given.end() :] if given else text
    separator = given[1] if given else _separator(text, frozenset(known))
    records = _records(text, separator, path, line=2 if given else 1)
    first = next(records, None)
    if first is None:
        raise RequestError(f"{path} is empty.")
    names = tuple(one_line(name) for name in first.values)
    columns = tuple(name.casefold() for name in names)
    for name in columns:
        if name and columns.count(name) > 1:
            raise RequestError(f"{path} has two columns {name[:30]!r}; name one of them otherwise.")
    rows, odd = [], []
    for row in records:
        if any(row.values[len(columns) :]):
            odd.append(row.line)
        elif any(row.values):
            rows.append(CsvRow(row.line, row.values[: len(columns)]))
    return CsvTable(path, names, columns, tuple(rows), tuple(odd), is_utf8=encoding == "utf-8-sig")


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


def _separator(text: str, known: frozenset[str]) -> str:
    """The one by which most of the known columns, then most columns, are found in the first row."""
    first = text[: text.find("\n") + 1] or text

    def rank(separator: str) -> tuple[int, int]:
        names = [one_line(name).strip('"').casefold() for name in first.split(separator)]
        return len(known.intersection(names)), len(names)

    return max(_SEPARATORS, key=rank)


def _records(text: str, separator: str, path: Path, *, line: int) -> Iterator[CsvRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    before = line - 1
    while True:
        try:
            values = next(reader, None)
        except csv.Error as exc:
            raise RequestError(f"{path}, line {line}: {_fault(exc)}.") from exc
        if values is None:
            return
        yield CsvRow(line, tuple(value.strip() for value in values))
        line = before + reader.line_num + 1


def _fault(exc: csv.Error) -> str:
    if "field limit" in str(exc):
        most = f"{csv.field_size_limit():,}"
        return f"a value has more than {most} characters, or a quote before it does not end"
    return f"a quoted value does not end as it should ({exc})"
