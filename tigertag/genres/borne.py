"""Genres that the films and shows of a library bear, without those that TigerTag wrote itself."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final
from unicodedata import normalize

from tigertag.contracts import Catalogued, Cataloguing, Library, evenly
from tigertag.core import Core
from tigertag.errors import RequestError
from tigertag.genres.genres import Genres
from tigertag.model import Item, Media, Section, TagOwnership
from tigertag.store import Store, items, ledger, scans
from tigertag.store.ledger import Word
from tigertag.text import tidy

MOST_OF_A_FILM: Final = 5
"""A show of hundreds of episodes teaches no more than its genres, however many are looked at."""

_PAGE = 500
_OURS = (TagOwnership.OURS, TagOwnership.KEPT)


@dataclass(frozen=True, slots=True)
class Borne:
    """A video to look at. `genres`: as the server spells them; `film`: see `Catalogued`."""

    item: Item
    film: str
    title: str
    genres: tuple[str, ...]
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Bearing:
    """The films and shows of a section: of each a few videos, spread evenly over it.

    `bare`: how many videos bear no genre, or none but TigerTag's.
    """

    films: tuple[Borne, ...]
    bare: int = 0


def borne(core: Core, library: Library, section: Section) -> Bearing:
    """Read what the videos of a section of a library, which is open, are; nothing is changed.

    A genre is left out where the ledger says that TigerTag wrote it, or may have, on any item of
    the film, in any section of this source, in whatever words: also where the user has agreed with
    it since, for nothing tells that. Raises `RequestError` where the library knows no genres,
    `LibraryError`, `StoreError`.
    """
    if not isinstance(library, Cataloguing):
        raise RequestError(
            f"Library {library.id} bears no genres; learn from a CSV instead:"
            " tigertag genre learn FILE.csv."
        )
    listed, ours = list(library.items(section)), _Ours(core.store, library)
    videos = {one.key: one for one in listed if one.media is Media.VIDEO}
    # A scan may write, or take off, while the library is read: the ledger before and after counts.
    ours.look_up({one.key for one in listed})
    told = [one for one in library.catalogued(list(videos.values())) if one.key in videos]
    ours.look_up({key for one in told for key in (one.key, one.bearer)})
    films: dict[str, dict[str, Borne]] = {}
    written = _by_film(told, ours)
    for one in told:
        genres = written[one.film].taken_from(one)
        if genres:
            video = Borne(videos[one.key], one.film, one.title, genres, one.year)
            films.setdefault(one.film, {})[one.key] = video
    bearing = sum(len(some) for some in films.values())
    chosen = [one for some in films.values() for one in _spread(list(some.values()))]
    return Bearing(tuple(chosen), len(videos) - bearing)


def _spread(some: Sequence[Borne]) -> Sequence[Borne]:
    """Some videos of a film: of episodes, whose titles tell their numbers, all along the show."""
    return evenly(sorted(some, key=lambda one: (one.item.title, one.item.key)), MOST_OF_A_FILM)


class _Ours:
    """What TigerTag wrote on items of a source, or may have written before a crash, by key."""

    def __init__(self, store: Store, library: Library) -> None:
        self._store = store
        self._library = library
        self._words: dict[str, set[Word]] = {}

    def look_up(self, keys: Collection[str]) -> None:
        """Ask the ledger of these items; what it said of them before stays."""
        wanted = sorted(keys)
        for start in range(0, len(wanted), _PAGE):
            with self._store.read() as db:
                there = scans.sections_of_source(db, self._library.id, self._library.identity)
                found = items.numbers(db, there, wanted[start : start + _PAGE])
                standings = ledger.ownership(db, list(found))
                unsettled = ledger.unsettled(db, list(found))
            for id, key in found.items():
                words = {word for word, state in standings[id].items() if state in _OURS}
                words |= {ref.word for edit in unsettled.get(id, ()) for ref in edit.adds}
                self._words.setdefault(key, set()).update(words)

    def words(self, one: Catalogued) -> set[Word]:
        """Return what was written on the item, and on what bears its genres."""
        nothing: set[Word] = set()
        return self._words.get(one.key, nothing) | self._words.get(one.bearer, nothing)


class _Written:
    """What TigerTag wrote on a film. `meant` returns all that a word says."""

    def __init__(self, meant: Callable[[str], Collection[str]]) -> None:
        self._meant = meant
        self._said: set[Word] = set()

    def add(self, words: Iterable[Word]) -> None:
        for field, name in words:
            self._said |= {(field, said) for said in self._meant(name)}

    def taken_from(self, one: Catalogued) -> tuple[str, ...]:
        """Return the genres that are neither spelled so nor mean what was written."""
        return tuple(
            name
            for name in one.genres
            if not any((one.field, said) in self._said for said in self._meant(name))
        )


def _meant(known: Genres, name: str) -> Collection[str]:
    """A server may show another word for what was written: Science Fiction for Sci-Fi."""
    spelled = normalize("NFC", tidy(name).casefold())
    return {spelled, *(f"genre {one}" for one in known.recognise([name]).genres)}


def _by_film(told: Sequence[Catalogued], ours: _Ours) -> dict[str, _Written]:
    """A film that is there twice, or was taken anew into the library, is one film."""
    meant = cache(partial(_meant, Genres.load()))
    written = {one.film: _Written(meant) for one in told}
    for one in told:
        written[one.film].add(ours.words(one))
    return written
