"""Faces, recognised by a CompreFace of the user's own: `tigertag.compreface`."""

from tigertag.contracts import Host
from tigertag.engines.compreface.engine import CompreFace, Standing
from tigertag.engines.compreface.options import Options

__all__ = ["CompreFace", "Options", "Standing", "build"]


def build(id: str, options: Options, host: Host) -> CompreFace:
    """Return the engine. Does no I/O."""
    return CompreFace(id, options, host)
