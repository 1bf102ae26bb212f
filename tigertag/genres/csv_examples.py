"""What there is to learn from, one by one."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Written:
    """A row as it is written; "" where it says nothing.

    `film` groups rows; `imdb` does so, too, where there is none.
    """

    line: int
    path: str = ""
    url: str = ""
    film: str = ""
    imdb: str = ""
    title: str = ""
    genres: tuple[str, ...] = ()
    year: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A video or a picture, and the genres that it bears.

    `origin` names it among all: `file:/absolute/path`, or a link. `source`: the file, or the link
    as `trailers.canonical` spells it. `film`: all examples of one film, or of one show, have the
    same; `names`: all that it is called, see `film_names`. `genres`: as written. `line`: where its
    list names it.
    """

    origin: str
    source: Path | str
    film: str
    title: str
    genres: tuple[str, ...]
    year: int | None
    names: tuple[str, ...]
    line: int
