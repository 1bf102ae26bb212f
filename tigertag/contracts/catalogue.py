"""What a library may know of its films and shows, besides their tags."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tigertag.model import Field, Item


@dataclass(frozen=True, slots=True)
class Catalogued:
    """What an item is.

    `key`: the item's. `film`: what tells its film, or its show, from others; all episodes of a show
    have the same. `genres`: as the server spells them, of the item, or of its show; `bearer`: the
    key of the item that bears them. `year`: when it came out. `field`: as what `TagRef` names those
    genres, so that the ledger tells which of them TigerTag wrote.
    """

    key: str
    film: str
    title: str
    genres: tuple[str, ...]
    bearer: str
    year: int | None = None
    field: Field = Field.GENRE


@runtime_checkable
class Cataloguing(Protocol):
    """A library that knows genres."""

    def catalogued(self, items: Sequence[Item]) -> Iterator[Catalogued]:
        """Yield what each of the items is; one that is not there any more is left out.

        Reads in full, changes nothing. Raises `LibraryError`.
        """
        ...


@runtime_checkable
class PlacingGenres(Protocol):
    """A library that may put genres elsewhere than all other tags."""

    @property
    def genre_field(self) -> Field | None:
        """Where genres go on items that leave a choice; None: to `Library.field`."""
        ...
