"""The models that there are."""

from tigertag.genres import shelves
from tigertag.genres.models import Listed
from tigertag.services.core import Core


def models(core: Core) -> tuple[Listed, ...]:
    """Return what each says of itself; one that cannot be used with its problem."""
    return shelves.models(core).manifests()
