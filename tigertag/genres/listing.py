"""The models that there are."""

from tigertag.core import Core
from tigertag.genres import shelves
from tigertag.genres.models import Listed


def models(core: Core) -> tuple[Listed, ...]:
    """Return what each says of itself; one that cannot be used with its problem."""
    return shelves.models(core).manifests()
