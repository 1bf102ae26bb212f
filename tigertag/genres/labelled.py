"""Labelled videos: what there is to learn from, and the genres that it has.

Of a library, genres that TigerTag wrote itself are left out: a model would learn from itself.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
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
from tigertag.model import Item, Media, Section, TagOwnership
from tigertag.store import Store, items, ledger, scans
from tigertag.store.ledger import Word
from tigertag.text import count, tidy

MOST_OF_A_FILM: Final = 5
"""A show of hundreds of episodes teaches no more than its genres, however many are looked at."""

_PAGE: Final = 500
_OURS: Final = (TagOwnership.OURS, TagOwnership.KEPT)


@dataclass(frozen=True, slots=True)
class LabelledVideo:
    """A video or a picture, and its genres as they are written there.

    `film`: all of one film, or of one show, have the same; `names`: all that it is called, see
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
    def called(self) -> str:
        """What people know it by."""
        return self.title or PurePath(self.source.origin.removeprefix("file:")).name


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """All that a source has. `notes` say what was left out.

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
    ours = _ours_by_film(catalogued, written)
    for entry in catalogued:
        genres = ours[entry.film].taken_from(entry)
        if genres:
            item = items_by_key[entry.key]
            video = _labelled(library, item, entry, genres)
            by_film.setdefault(entry.film, {})[entry.key] = (item, video)
    chosen = [video for film in by_film.values() for video in _spread(film.values())]
    return tuple(chosen), len(items_by_key) - sum(map(len, by_film.values()))


def _labelled(
    library: Library, item: Item, entry: Catalogued, genres: tuple[str, ...]
) -> LabelledVideo:
    names = films.names(entry.film, entry.title, entry.year)
    source = sources.of_item(library, item)
    return LabelledVideo(source, entry.film, entry.title, genres, entry.year, names)


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
        """Ask the ledger about these items; what it said of them before stays."""
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
        nothing: set[Word] = set()
        return self._words.get(entry.key, nothing) | self._words.get(entry.bearer, nothing)


class _OurGenres:
    """What TigerTag wrote on a film. `meanings` returns all that a word says."""

    def __init__(self, meanings: Callable[[str], Collection[str]]) -> None:
        self._meanings = meanings
        self._written: set[Word] = set()

    def add(self, words: Iterable[Word]) -> None:
        for field, name in words:
            self._written |= {(field, meaning) for meaning in self._meanings(name)}

    def taken_from(self, entry: Catalogued) -> tuple[str, ...]:
        """Return the genres that are neither spelled so nor mean what was written."""
        return tuple(
            name
            for name in entry.genres
            if not any((entry.field, meaning) in self._written for meaning in self._meanings(name))
        )


def _meanings(known: GenreNames, name: str) -> Collection[str]:
    """A server may show another word for what was written: Science Fiction for Sci-Fi."""
    spelled = normalize("NFC", tidy(name).casefold())
    return {spelled, *(f"genre {genre}" for genre in known.recognise([name]).genres)}


def _ours_by_film(
    catalogued: Sequence[Catalogued], written: _WrittenWords
) -> dict[str, _OurGenres]:
    """A film that is there twice, or was taken into the library again, is one film."""
    meanings = cache(partial(_meanings, GenreNames.load()))
    ours = {entry.film: _OurGenres(meanings) for entry in catalogued}
    for entry in catalogued:
        ours[entry.film].add(written.of(entry))
    return ours
