"""What Plex lists of an item's main file: where it is, and what the server has read in it."""

from functools import lru_cache
from pathlib import PurePath
from xml.etree.ElementTree import Element

from tigertag.libraries.mediaserver.files import NOTHING, ListedFile
from tigertag.libraries.plex.items import PHOTO, main_file
from tigertag.media.files import EXTENSIONS
from tigertag.model import Metadata


def listed_file(entry: Element) -> ListedFile | None:
    """Return what an entry says of its main file; None where it has none."""
    file = main_file(entry)
    if file is None:
        return None
    return ListedFile(
        file.revision,
        file.path,
        file.size_bytes,
        header_first=file.header_first,
        metadata=_camera(entry, file.path),
    )


def _camera(entry: Element, path: str) -> Metadata:
    """Return the camera of a photo whose own file TigerTag cannot read, such as a raw picture.

    Plex gives it as attributes of the Media. Not `originallyAvailableAt`: it has no time, and is
    the file's date where the photo has none.
    """
    media = None if PurePath(path).suffix.lower() in EXTENSIONS else entry.find("Media")
    if media is None or entry.tag != PHOTO.element:
        return NOTHING
    return _metadata(media.get("make", ""), media.get("model", ""), media.get("lens", ""))


@lru_cache(maxsize=256)
def _metadata(make: str, camera: str, lens: str) -> Metadata:
    """Return the same object for the same camera: there are few of them, and many photos."""
    return Metadata(make=make, camera=camera, lens=lens)
