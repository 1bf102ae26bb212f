"""What there is to learn from: rows of a CSV, or films and shows of a section."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from tigertag.contracts import Library, Sampling
from tigertag.core import Core
from tigertag.errors import ItemError, RequestError
from tigertag.genres import csv_files, film_names
from tigertag.genres import found as finding
from tigertag.genres.borne import Borne, borne
from tigertag.genres.found import Found
from tigertag.genres.notes import Notes
from tigertag.text import count


@dataclass(frozen=True, slots=True)
class Material:
    """A video or picture, and the genres that it bears, as they are written there.

    `film` groups those of one film or show; `names`: what else that is called (`film_names`).
    `line`: where its CSV names it.
    """

    found: Found
    film: str
    title: str
    genres: tuple[str, ...]
    year: int | None = None
    line: int = 0
    names: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """What people know it by."""
        return self.title or PurePath(self.found.origin.removeprefix("file:")).name


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that a source has. `source` names it; `notes` say what was left out.

    `sampling`: how scans of it choose frames, where it is a library. `footage`: what is looked at
    of videos, as `Library.footage` has it; None: that is not known.
    """

    materials: tuple[Material, ...]
    source: Mapping[str, str]
    notes: tuple[str, ...] = ()
    sampling: Sampling | None = None
    footage: str | None = None


def of_source(core: Core, source: Mapping[str, str]) -> Gathered:
    """Gather again what a model has learned from. Raises `TigerTagError`."""
    if "csv" in source:
        matrix = source.get("matrix")
        return of_csv(Path(source["csv"]), Path(matrix) if matrix else None)
    return of_section(core, source["library"], source["section"])


def of_csv(path: Path, matrix: Path | None = None) -> Gathered:
    """Read a CSV; what it names is not opened. Raises `RequestError`."""
    sheet = csv_files.read(path, matrix)
    materials: list[Material] = []
    refused = Notes()
    for one in sheet.examples:
        try:
            found = _found(one.source)
        except ItemError as exc:
            refused.left_out(one.line, str(exc), one.title)
            continue
        materials.append(
            Material(found, one.film, one.title, one.genres, one.year, one.line, one.names)
        )
    source = {"csv": str(path.absolute())} | ({"matrix": str(matrix.absolute())} if matrix else {})
    notes = (*sheet.notes, *refused.said())
    links = all(isinstance(one.source, str) for one in sheet.examples)
    return Gathered(tuple(materials), source, notes, footage="trailer" if links else None)


def _found(source: Path | str) -> Found:
    return finding.file(source) if isinstance(source, Path) else finding.link(source)


def of_section(core: Core, library: str, section: str | None) -> Gathered:
    """List a section, and read what its films and shows are. Raises `TigerTagError`."""
    opened = core.library(library)
    one = core.section(opened, section)
    told = borne(core, opened, one)
    materials = tuple(_material(opened, each) for each in told.films)
    if not materials:
        raise RequestError(
            f"{one.called} has no film or show with genres; learn from another section, or a CSV."
        )
    source = {"library": library, "section": one.id, "title": one.title}
    notes = (f"{count(told.bare, 'video')} without genres left out.",) if told.bare else ()
    sampling = core.library_entry(library).sampling
    return Gathered(materials, source, notes, sampling, opened.footage)


def _material(library: Library, one: Borne) -> Material:
    found = finding.item(library, one.item)
    names = film_names.names(one.film, one.title, one.year)
    return Material(found, one.film, one.title, one.genres, one.year, names=names)
