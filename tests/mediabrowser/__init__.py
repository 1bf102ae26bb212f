"""Strict fakes of Emby and Jellyfin, each version held to a digest of its official OpenAPI."""

from tests.mediabrowser.filling import fill
from tests.mediabrowser.server import KEY, MediaServer

__all__ = ["KEY", "MediaServer", "fill"]
