"""What films and episodes are, and their genres: those of an episode are its series'."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tigertag.contracts import Catalogued
from tigertag.libraries.mediabrowser.dialect import Dialect, names
from tigertag.libraries.mediabrowser.faults import Wording
from tigertag.libraries.mediabrowser.opening import Opened
from tigertag.libraries.mediabrowser.reading import in_full
from tigertag.libraries.mediabrowser.server import Entry
from tigertag.libraries.mediabrowser.sources import number, text
from tigertag.libraries.mediaserver.batches import batches
from tigertag.libraries.mediaserver.films import numbered
from tigertag.model import Item, Media

_SERIES = "Series"


class Catalogue:
    """Reads films, episodes and their series, for one call of `contracts.Cataloguing`."""

    def __init__(self, opened: Opened, dialect: Dialect, wording: Wording, library: str) -> None:
        self._opened = opened
        self._dialect = dialect
        self._wording = wording
        self._library = library
        self._series: dict[str, Catalogued | None] = {}

    def of(self, items: Sequence[Item]) -> Iterator[Catalogued]:
        """Yield what each film or episode is; each series is read once."""
        for some in batches([one for one in items if one.media is Media.VIDEO]):
            found = self._read([item.key for item in some])
            self._meet({key for entry in found.values() if (key := text(entry, "SeriesId"))})
            for key, entry in found.items():
                told = self._told(entry)
                if told is not None:
                    yield replace(told, key=key)

    def _read(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        fields = self._dialect.catalogued_fields
        return in_full(self._opened, self._dialect, self._wording, keys, fields=fields)

    def _meet(self, series: set[str]) -> None:
        """Read the series that were not met yet."""
        new = sorted(series - self._series.keys())
        self._series |= dict.fromkeys(new)
        for key, entry in self._read(new).items():
            if text(entry, "Type") == _SERIES:
                self._series[key] = self._work(entry)

    def _told(self, entry: Entry) -> Catalogued | None:
        """What an item is; None for one that is neither a film nor of a series."""
        match text(entry, "Type"):
            case "Movie":
                return self._work(entry)
            case "Episode":
                return self._of_series(entry)
        return None

    def _of_series(self, entry: Entry) -> Catalogued | None:
        series = self._series.get(text(entry, "SeriesId"))
        if series is None or series.genres:
            return series
        own = self._work(entry)
        return replace(series, genres=own.genres, bearer=own.bearer)

    def _work(self, entry: Entry) -> Catalogued:
        key, series = text(entry, "Id"), text(entry, "Type") == _SERIES
        known = numbered(_ids(entry), kind="show" if series else "movie")
        return Catalogued(
            key,
            known or f"{self._library}:{key}",
            text(entry, "Name"),
            tuple(names(entry.get("Genres"))),
            key,
            number(entry, "ProductionYear"),
        )


def _ids(entry: Entry) -> dict[str, str]:
    told = entry.get("ProviderIds")
    ids = told if isinstance(told, dict) else {}
    return {name.lower(): one for name, one in ids.items() if isinstance(one, str)}
