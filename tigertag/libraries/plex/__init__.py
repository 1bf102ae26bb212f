"""The photos, films and shows of a Plex Media Server; tags are written into its database."""

from tigertag.contracts import Host
from tigertag.libraries.plex.library import PlexLibrary
from tigertag.libraries.plex.options import Options

__all__ = ["Options", "PlexLibrary", "build"]


def build(id: str, options: Options, host: Host) -> PlexLibrary:
    """Return the library; nothing is asked of the server before `open()`."""
    return PlexLibrary(id, options, host.http)
