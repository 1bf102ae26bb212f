"""The models that there are."""

from tigertag.learning.models import Listed
from tigertag.services.core import Core
from tigertag.services.genres import shelves


def models(core: Core) -> tuple[Listed, ...]:
    """Return what each says of itself; one that cannot be used with its problem."""
    return shelves.models(core).manifests()
