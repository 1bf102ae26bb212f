"""A strict fake of Plex Media Server: what it refuses, Plex refuses, or no client should ask."""

from tests.plex.filling import fill
from tests.plex.server import TOKEN, PlexServer

__all__ = ["TOKEN", "PlexServer", "fill"]
