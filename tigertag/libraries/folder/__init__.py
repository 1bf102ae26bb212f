"""A folder of photos and videos; tags live in XMP sidecars, `photo.jpg.xmp`, beside them."""

from tigertag.contracts import Host
from tigertag.libraries.folder.library import FolderLibrary, Options

__all__ = ["FolderLibrary", "Options", "build"]


def build(id: str, options: Options, host: Host) -> FolderLibrary:
    """Return the library; nothing is touched before `open()`."""
    return FolderLibrary(id, options)
