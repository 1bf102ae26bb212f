"""The season and the year of a photo."""

from collections.abc import Iterator

from tigertag.engines.metadata.facts import Fact
from tigertag.model import Metadata

SEASONS = ("winter", "spring", "summer", "autumn")
_TROPIC = 23.44


def season(metadata: Metadata) -> Iterator[Fact]:
    """Yield the season by the calendar of meteorology: three whole months; the tropics have none.

    Nothing is known without the hemisphere.
    """
    at, latitude = metadata.taken_at, metadata.latitude
    if at is not None and latitude is not None and abs(latitude) > _TROPIC:
        number = at.month % 12 // 3 + (2 if latitude < 0 else 0)
        side = "south" if latitude < 0 else "north"
        yield Fact(SEASONS[number % 4], f"Taken on {at:%Y-%m-%d}, {side} of the equator")


def year(metadata: Metadata) -> Iterator[Fact]:
    """Yield the year by the camera's clock."""
    if metadata.taken_at is not None:
        yield Fact(str(metadata.taken_at.year), f"Taken on {metadata.taken_at:%Y-%m-%d}")
