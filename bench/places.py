"""20 000 places looked up, in a process of their own: seconds with loading the data, and memory."""

import json
import time

import numpy as np

from bench.memory import peak_mb
from tigertag.engines.metadata import geonames, naming

LOOKED_UP = 20_000


def main() -> None:
    begun = time.perf_counter()
    names = naming.open_names("en", "city")
    loaded = time.perf_counter()
    places = _near_places(names.places)
    started = time.perf_counter()
    named = sum(bool(list(names.labels(*place))) for place in places)
    ended = time.perf_counter()
    memory = peak_mb()
    figures = {
        "places_load_s": loaded - begun,
        "places_s": ended - started,
        "places_mb": memory,
        "places_named": named / LOOKED_UP,
    }
    print(json.dumps(figures))


def _near_places(places: geonames.Places) -> list[tuple[float, float]]:
    """Return points within some kilometres of places, as photos are."""
    chance = np.random.default_rng(1)
    points = places.points[chance.integers(0, len(places.names), LOOKED_UP)].astype(np.float64)
    north = np.degrees(np.arcsin(points[:, 2])) + chance.normal(0, 0.03, LOOKED_UP)
    east = np.degrees(np.arctan2(points[:, 1], points[:, 0])) + chance.normal(0, 0.03, LOOKED_UP)
    return list(zip(north.clip(-90, 90).tolist(), east.clip(-180, 180).tolist(), strict=True))


if __name__ == "__main__":
    main()
