"""Faces, recognised by a CompreFace of the user's own: `tigertag.compreface`."""

from tigertag.engines.compreface.client import Options
from tigertag.engines.compreface.engine import CompreFace, build

__all__ = ["CompreFace", "Options", "build"]
