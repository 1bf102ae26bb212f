"""A strict fake of Immich, held to recordings of a real server."""

from tests.immich.filling import fill
from tests.immich.holdings import LEAST
from tests.immich.server import KEY, ImmichServer

__all__ = ["KEY", "LEAST", "ImmichServer", "fill"]
