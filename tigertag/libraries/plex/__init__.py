"""The photos, films and shows of a Plex Media Server; tags are written into its database."""

from tigertag.libraries.plex.library import Options, PlexLibrary

__all__ = ["Options", "PlexLibrary", "build"]

build = PlexLibrary
