"""A strict fake of Imagga's API v2: what it refuses, Imagga refuses, or no client should send."""

from tests.imagga.server import KEY, SECRET, ImaggaServer

__all__ = ["KEY", "SECRET", "ImaggaServer"]
