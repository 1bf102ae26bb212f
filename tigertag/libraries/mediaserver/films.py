"""What tells a film from others, on whatever server it is: its number in a database of films."""

from collections.abc import Mapping
from typing import Literal

_DATABASES = ("tmdb", "tvdb")


def numbered(ids: Mapping[str, str], *, kind: Literal["movie", "show"]) -> str:
    """Return a name of the film or show, the same on all servers; "": no database has it.

    `ids`: its numbers by database, "imdb", "tmdb" or "tvdb". IMDb numbers films and shows in one
    series, the others have one for each.
    """
    if ids.get("imdb"):
        return f"imdb:{ids['imdb']}"
    return next((f"{one}:{kind}:{ids[one]}" for one in _DATABASES if ids.get(one)), "")
