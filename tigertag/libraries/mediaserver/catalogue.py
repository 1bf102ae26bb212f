"""What films and episodes are, and their genres; an episode has those of its show."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tigertag.contracts import Catalogued
from tigertag.libraries.mediaserver.listing import MAX_BATCH
from tigertag.model import Item, Media
from tigertag.sequences import batched

FilmKind = Literal["movie", "show", "episode"]


@dataclass(frozen=True, slots=True)
class FilmEntry:
    """A film, a show or an episode, as its server describes it.

    `ids`: its numbers by database, "imdb", "tmdb" or "tvdb"; `guid`: a name that is the same on all
    servers of that kind. `show`: the key of an episode's show.
    """

    key: str
    kind: FilmKind
    title: str
    genres: tuple[str, ...]
    year: int | None
    ids: Mapping[str, str] = field(default_factory=dict)
    guid: str = ""
    show: str = ""

    def film(self, library: str) -> str:
        """Return what tells a film or a show from others, on whatever server it is.

        IMDb numbers films and shows in one series, the others have one for each.
        """
        if self.ids.get("imdb"):
            return f"imdb:{self.ids['imdb']}"
        for database in ("tmdb", "tvdb"):
            if self.ids.get(database):
                return f"{database}:{self.kind}:{self.ids[database]}"
        return self.guid or f"{library}:{self.key}"


def catalogued(
    items: Sequence[Item], read: Callable[[Sequence[str]], Iterable[FilmEntry]]
) -> Iterator[Catalogued]:
    """See `contracts.Cataloguing`: films and episodes; each show is read once."""
    shows: dict[str, FilmEntry | None] = {"": None}
    for batch in batched([item for item in items if item.media is Media.VIDEO], MAX_BATCH):
        entries = {entry.key: entry for entry in read([item.key for item in batch])}
        new = sorted({entry.show for entry in entries.values()} - shows.keys())
        shows |= dict.fromkeys(new)
        shows |= {entry.key: entry for entry in read(new) if entry.kind == "show"}
        for item in batch:
            entry = entries.get(item.key)
            if entry is None or entry.kind == "show":
                continue
            film = entry if entry.kind == "movie" else shows[entry.show]
            if film is None:
                continue
            bearer = film if film.genres else entry
            yield Catalogued(
                item.key, film.film(item.library), film.title, bearer.genres, bearer.key, film.year
            )
