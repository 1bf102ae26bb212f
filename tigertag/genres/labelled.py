"""Labelled videos: videos and pictures to learn from, with their genres.

Of a library, genres that TigerTag wrote itself are left out: a model would learn from itself.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import PurePath
from typing import Final
from unicodedata import normalize

from tigertag.contracts import Catalogued, Cataloguing, Library, Sampling, evenly
from tigertag.core import Core
from tigertag.errors import RequestError
from tigertag.genres import films, sources
from tigertag.genres.genre_names import GenreNames
from tigertag.genres.manifest import SourceInfo
from tigertag.genres.sources import MediaSource
from tigertag.model import Item, Media, Section, TagOwnership, Word
from tigertag.store import Store, items, ledger, scans
from tigertag.text import count, printable, tidy

MOST_OF_A_FILM: Final = 5
"""A show of hundreds of episodes teaches no more than its genres, however many are looked at."""

_PAGE: Final = 500
_OURS: Final = (TagOwnership.OURS, TagOwnership.KEPT)

_NAMED_ROWS: Final = 3
_RUNS: Final = 12
_REASONS: Final = 8
_LONGEST_NAME: Final = 80
_IN_THE_LOG: Final = "LOG_LEVEL=DEBUG names each"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LabelledVideo:
    """A video or a picture, and its genres as they are written there.

    `film`: all of one film, or of one show, have the same; `names`: all names of it, see
    `films.names`. `line`: where its list names it.
    """

    source: MediaSource
    film: str
    title: str
    genres: tuple[str, ...]
    year: int | None = None
    names: tuple[str, ...] = ()
    line: int = 0

    @property
    def display_name(self) -> str:
        return self.title or PurePath(self.source.origin.removeprefix("file:")).name


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """All labelled videos of a source. `notes` say what was left out.

    `sampling`: how scans of it choose frames, where it is a library. `footage`: what is looked at
    of videos, as `Library.footage` has it; None: that is not known.
    """

    videos: tuple[LabelledVideo, ...]
    source: SourceInfo
    notes: tuple[str, ...] = ()
    sampling: Sampling | None = None
    footage: str | None = None


def of_section(core: Core, library: str, section: str | None) -> LabelledSet:
    """List a section, and read what its films and shows are. Raises `TigerTagError`."""
    opened = core.library(library)
    chosen = core.section(opened, section)
    videos, unlabelled = labelled_videos(core.store, opened, chosen)
    if not videos:
        raise RequestError(
            f"{chosen.called} has no film or show with genres; learn from another section,"
            " or a CSV."
        )
    return LabelledSet(
        videos,
        SourceInfo(library=library, section=chosen.id, title=chosen.title),
        (f"{count(unlabelled, 'video')} without genres left out.",) if unlabelled else (),
        core.library_entry(library).sampling,
        opened.footage,
    )


def labelled_videos(
    store: Store, library: Library, section: Section
) -> tuple[tuple[LabelledVideo, ...], int]:
    """Return a few videos of each film and show, and how many videos have no genre of the user's.

    The library is open; nothing in it is changed. A genre is left out where the ledger says that
    TigerTag wrote it, or may have, on any item of the film, in any section of this source, in
    whatever words: also where the user has agreed with it since, for nothing tells that. Raises
    `RequestError` where the library knows no genres, `LibraryError`, `StoreError`.
    """
    if not isinstance(library, Cataloguing):
        raise RequestError(
            f"Library {library.id} has no genres; learn from a CSV instead:"
            " tigertag genre learn FILE.csv."
        )
    listed, written = list(library.items(section)), _WrittenWords(store, library)
    items_by_key = {item.key: item for item in listed if item.media is Media.VIDEO}
    # A scan may write, or take off, while the library is read: the ledger before and after counts.
    written.look_up({item.key for item in listed})
    catalogued = [
        entry
        for entry in library.catalogued(list(items_by_key.values()))
        if entry.key in items_by_key
    ]
    written.look_up({key for entry in catalogued for key in (entry.key, entry.bearer)})
    by_film: dict[str, dict[str, tuple[Item, LabelledVideo]]] = {}
    for entry, genres in _of_the_user(catalogued, written):
        item = items_by_key[entry.key]
        names = films.names(entry.film, entry.title, entry.year)
        source = sources.of_item(library, item)
        video = LabelledVideo(source, entry.film, entry.title, genres, entry.year, names)
        by_film.setdefault(entry.film, {})[entry.key] = (item, video)
    chosen = [video for film in by_film.values() for video in _spread(film.values())]
    return tuple(chosen), len(items_by_key) - sum(map(len, by_film.values()))


def _spread(videos: Iterable[tuple[Item, LabelledVideo]]) -> Sequence[LabelledVideo]:
    """Some videos of a film: of episodes, whose titles tell their numbers, all along the show."""
    ordered = sorted(videos, key=lambda pair: (pair[0].title, pair[0].key))
    return evenly([video for _item, video in ordered], MOST_OF_A_FILM)


class _WrittenWords:
    """What TigerTag wrote on items of a source, or may have written before a crash, by key."""

    def __init__(self, store: Store, library: Library) -> None:
        self._store = store
        self._library = library
        self._words: dict[str, set[Word]] = {}

    def look_up(self, keys: Collection[str]) -> None:
        """Ask the ledger about these items; its earlier answers stay."""
        wanted = sorted(keys)
        for start in range(0, len(wanted), _PAGE):
            with self._store.read() as db:
                section_ids = scans.sections_of_source(db, self._library.id, self._library.identity)
                keys_by_id = items.numbers(db, section_ids, wanted[start : start + _PAGE])
                standings = ledger.ownership(db, list(keys_by_id))
                unsettled = ledger.unsettled(db, list(keys_by_id))
            for id, key in keys_by_id.items():
                words = {word for word, state in standings[id].items() if state in _OURS}
                words |= {ref.word for edit in unsettled.get(id, ()) for ref in edit.adds}
                self._words.setdefault(key, set()).update(words)

    def of(self, entry: Catalogued) -> set[Word]:
        """Return what was written on the item, and on what its genres are taken from."""
        return {word for key in (entry.key, entry.bearer) for word in self._words.get(key, ())}


def _of_the_user(
    catalogued: Sequence[Catalogued], written: _WrittenWords
) -> list[tuple[Catalogued, tuple[str, ...]]]:
    """Return entries with the genres that are neither spelled so nor mean what was written.

    A film that is there twice, or was taken into the library again, is one film.
    """
    meanings = cache(partial(_meanings, GenreNames.load()))
    ours: dict[str, set[Word]] = {}
    for entry in catalogued:
        ours.setdefault(entry.film, set()).update(
            (field, meaning) for field, name in written.of(entry) for meaning in meanings(name)
        )
    genres = [
        tuple(
            name
            for name in entry.genres
            if not any((entry.field, meaning) in ours[entry.film] for meaning in meanings(name))
        )
        for entry in catalogued
    ]
    return [pair for pair in zip(catalogued, genres, strict=True) if pair[1]]


def _meanings(names: GenreNames, name: str) -> Collection[str]:
    """A server may show another word for what was written: Science Fiction for Sci-Fi."""
    spelled = normalize("NFC", tidy(name).casefold())
    return {spelled, *(f"genre {genre}" for genre in names.recognise([name]).genres)}


@dataclass(slots=True)
class RowNotes:
    """Gathers remarks about rows: one for each reason, with where it holds.

    A line of 0: the row is of no file.
    """

    _places: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=dict)

    def left_out(self, line: int, reason: str, name: str = "") -> None:
        self._add(line, "left out", reason, name)

    def used(self, line: int, reason: str, name: str = "") -> None:
        """Note that a row was used, yet not as it stands there."""
        self._add(line, "used anyway", reason, name)

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
