"""Labels of places, each with what it stands on, and how much of that may be kept."""

import importlib.metadata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from tigertag.engines.metadata import geonames, places
from tigertag.errors import ModelError
from tigertag.model import Kind, Label

_ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class PlaceNames:
    """Names places as exactly as `level` says: "country" or "city"."""

    places: geonames.Places
    countries: Mapping[str, str]
    level: str

    def labels(self, latitude: float, longitude: float) -> Iterator[Label]:
        """Yield city, region and country, as far as each is certain enough."""
        found = places.find(self.places, latitude, longitude)
        country = self.countries.get(found.country, "")
        if self.level == "country":
            if country:
                # To one degree, about 100 km: no more is needed to see why.
                yield _label(country, f"GPS {latitude:.0f}, {longitude:.0f} → {country}")
            return
        seen = f"GPS {latitude:.4f}, {longitude:.4f} →"
        if found.city:
            yield _label(found.city, f"{seen} {found.city}, {found.city_km:.1f} km")
        for name in dict.fromkeys((found.region, country)):
            if name and name != found.city:
                yield _label(name, f"{seen} {name}")


def _label(name: str, note: str) -> Label:
    return Label(name, 1.0, kind=Kind.PLACE, note=note)


def open_names(language: str, level: str) -> PlaceNames:
    """Load the places. Raises `ModelError`, in one line that says what to do."""
    try:
        return PlaceNames(_places(), _countries(language), level)
    except (OSError, ValueError, LookupError) as exc:
        raise ModelError(
            "The data of places cannot be read; install them again with: pip install"
            " --force-reinstall 'tigertag[places]', or set PLACES=off."
        ) from exc


@cache
def _places() -> geonames.Places:
    """Engines that are set up twice share the places, 15 MB."""
    return geonames.load()


def _countries(language: str) -> Mapping[str, str]:
    """Return names of countries: GeoNames' own in English, CLDR's in other languages."""
    english = geonames.country_names()
    if language == _ENGLISH:
        return {code: _short(name) for code, name in english.items()}
    try:
        from babel import Locale, UnknownLocaleError
    except ImportError as exc:
        raise ModelError(
            f"LANGUAGE={language} needs the Python package Babel: pip install 'tigertag[places]'."
        ) from exc
    try:
        names = Locale.parse(language).territories
    except (UnknownLocaleError, ValueError) as exc:
        raise ModelError(f"LANGUAGE={language}: no names of countries are known in it.") from exc
    return {code: _short(names.get(code, name)) for code, name in english.items()}


def _short(name: str) -> str:
    """Leave out what stands in brackets: "Holy See (Vatican City State)"."""
    return name.partition(" (")[0]


@cache
def version(language: str) -> str:
    """Return what names depend on: the version of the places, and of translations."""
    if language == _ENGLISH:
        return geonames.version()
    try:
        return f"{geonames.version()}+{importlib.metadata.version('babel')}"
    except importlib.metadata.PackageNotFoundError:
        return geonames.version()
