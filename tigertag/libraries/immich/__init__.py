"""The photos and videos of an Immich user; tags are written by the public API alone."""

from tigertag.libraries.immich.library import ImmichLibrary, Options

__all__ = ["ImmichLibrary", "Options", "build"]

build = ImmichLibrary
