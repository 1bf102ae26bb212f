"""One word for each genre, whatever servers and lists call it."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from tigertag.genres import genre_words
from tigertag.text import one_line

_BETWEEN = re.compile(r"\s*[&/,;+|]\s*|\s+(?:and|und|et|y|e|en)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What words say. `genres` are canonical, in the list's order.

    `unknown`: what is no genre here, as written. `spellings`: how a genre is written where a word
    means it and no other; its own name goes before narrower words.
    """

    genres: tuple[str, ...]
    unknown: tuple[str, ...]
    spellings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Genres:
    """The canonical list, and what each known word, folded, means."""

    names: tuple[str, ...]
    meanings: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls, extra: Path | None = None) -> "Genres":
        """Return the shipped list, and what the user's file adds to it.

        That is YAML like `Film-Noir: [Noir, Black Film]`: a name that is not in the list is a new
        genre, and what is said of a word goes before what the list says. Raises `RequestError`.
        """
        shipped = files(__package__).joinpath("genres.yaml").read_text("utf-8")
        known = cls((), {})._with(genre_words.parsed(shipped, source="genres.yaml"))
        return known if extra is None else known._with(genre_words.read(extra))

    def recognise(self, words: Iterable[str]) -> Recognised:
        """Say which genres the words mean."""
        genres: set[str] = set()
        unknown: dict[str, None] = {}
        spellings: dict[str, str] = {}
        for word in map(one_line, words):
            meant = self._meant(word)
            genres.update(meant)
            if word and not meant:
                unknown[word] = None
            if len(meant) == 1 and (
                meant[0] not in spellings or _folded(word) == _folded(meant[0])
            ):
                spellings[meant[0]] = word
        ordered = tuple(name for name in self.names if name in genres)
        return Recognised(ordered, tuple(unknown), spellings)

    def _meant(self, word: str) -> tuple[str, ...]:
        whole = self.meanings.get(_folded(word))
        if whole is not None:
            return whole
        parts = [self.meanings.get(_folded(part), ()) for part in _BETWEEN.split(word)]
        return tuple(dict.fromkeys(name for part in parts for name in part)) if all(parts) else ()

    def _with(self, said: Mapping[str, tuple[str, ...]]) -> "Genres":
        canonical = {_folded(name): name for name in self.names}
        named = {canonical.get(_folded(name), name): words for name, words in said.items()}
        meanings: dict[str, list[str]] = {}
        for name, words in named.items():
            for word in words:
                meanings.setdefault(_folded(word), []).append(name)
        own = {_folded(name): (name,) for name in named}
        told = {word: tuple(dict.fromkeys(some)) for word, some in meanings.items()} | own
        return Genres(tuple(dict.fromkeys((*self.names, *named))), {**self.meanings, **told})


def _folded(word: str) -> str:
    """Return a word without case, accents, blanks and signs."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(one for one in plain if one.isalnum())
