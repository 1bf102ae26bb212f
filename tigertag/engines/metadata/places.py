"""Where a photo was taken: city, region and country, as far as that is certain enough.

The rules were measured against the outlines of countries; docs/engines/metadata.md has the figures.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tigertag.engines.metadata.geonames import EARTH_KM, Near, Places

NEAR_KM: Final = 25.0
"""So far from the nearest place a country is named: about as far as its waters reach."""
_SURROUNDED_KM: Final = 100.0
_AROUND_KM: Final = 250.0
_AROUND: Final = 12
_ONE_SIDED: Final = 0.5
_CLEAR: Final = 0.6
"""The nearest place of a country or region is nearer than this share of the next other one."""
_SEARCH_KM: Final = 45.0
"""NEAR_KM / _CLEAR, and further than the largest city reaches."""
_TOWN_KM: Final = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """Where a point is; "" where that is not certain."""

    country: str = ""
    region: str = ""
    city: str = ""
    city_km: float = 0.0


@dataclass(frozen=True, slots=True)
class PrivatePlace:
    """A circle that is never named."""

    latitude: float
    longitude: float
    radius_m: float

    def holds(self, latitude: float, longitude: float) -> bool:
        return distance_m((self.latitude, self.longitude), (latitude, longitude)) <= self.radius_m


def distance_m(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Return the distance of two places on a sphere: the haversine formula."""
    (south, west), (north, east) = (tuple(map(math.radians, place)) for place in (here, there))
    half = math.sin((north - south) / 2) ** 2
    half += math.cos(south) * math.cos(north) * math.sin((east - west) / 2) ** 2
    return 2000 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def find(places: Places, latitude: float, longitude: float) -> Found:
    """Return where a point is. In the ocean it is nowhere."""
    near = places.near(latitude, longitude, _SEARCH_KM)
    if not len(near.km) or near.km[0] > NEAR_KM:
        around = places.near(latitude, longitude, _AROUND_KM)
        if not _is_inland(around):
            return Found()
        return Found(places.country_codes[around.countries[0]])
    if not _is_clear(near.countries, near.km):
        return Found()
    country = places.country_codes[near.countries[0]]
    region = ""
    if _is_clear(near.regions, near.km):
        region = places.region_names[near.regions[0]]
    city = _city(near)
    if city is None:
        return Found(country, region)
    return Found(country, region, places.names[near.places[city]], float(near.km[city]))


def _is_clear(names: NDArray[np.int32], km: NDArray[np.float64]) -> bool:
    others = km[names != names[0]]
    return not len(others) or bool(km[0] <= _CLEAR * others[0])


def _is_inland(around: Near) -> bool:
    """Whether a point far from all places has those of one country on all sides."""
    if len(around.km) < _AROUND or around.km[0] > _SURROUNDED_KM:
        return False
    is_one = bool((around.countries[:_AROUND] == around.countries[0]).all())
    way = around.way[:_AROUND]
    towards = way / np.linalg.norm(way, axis=1, keepdims=True)
    return is_one and float(np.linalg.norm(towards.mean(axis=0))) <= _ONE_SIDED


def _city(near: Near) -> int | None:
    """Return the place that a point is in, or right beside.

    That is the one whose size reaches furthest beyond the point. A district is named as its city:
    the largest place of the same county that reaches the point, too.
    """
    mine = (near.countries == near.countries[0]) & (near.regions == near.regions[0])
    share = np.where(mine, near.km / near.radius_km, np.inf)
    best = int(share.argmin())
    reaches = mine & (near.counties == near.counties[best]) & (near.km <= near.radius_km)
    if reaches.any():
        larger = np.where(reaches, near.radius_km, 0.0)
        if larger.max() > near.radius_km[best]:
            best = int(larger.argmax())
    is_at = near.km[best] <= max(_TOWN_KM, float(near.radius_km[best]))
    return best if is_at else None


def parse(text: str) -> tuple[PrivatePlace, ...]:
    """Read "48.2,16.37,500; …": latitude, longitude, metres. Raises `ValueError`."""
    return tuple(_parsed(part) for part in text.split(";") if part.strip())


def _parsed(part: str) -> PrivatePlace:
    try:
        latitude, longitude, radius_m = (float(number) for number in part.split(","))
    except ValueError:
        raise ValueError(
            "each place must be latitude,longitude,metres, as 48.2,16.37,500"
        ) from None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and 0 < radius_m < 1e7):
        raise ValueError("latitude must be within 90, longitude within 180, metres above 0")
    return PrivatePlace(latitude, longitude, radius_m)
