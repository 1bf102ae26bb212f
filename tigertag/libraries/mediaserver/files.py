"""What a file on a server says of itself, read from its beginning, or its end, in one request.

Photos have their Exif, XMP and maker notes at the beginning. Videos of phones and cameras (MP4,
QuickTime) mostly have them at the end, those made for streaming at the beginning; of videos of
other formats nothing is read.
"""

from dataclasses import dataclass, fields, replace
from pathlib import PurePath
from typing import Any

from tigertag.errors import ItemGone
from tigertag.libraries.mediaserver.client import ServerClient, ServerRequest
from tigertag.libraries.mediaserver.errors import FILE_CHANGED
from tigertag.media import metadata
from tigertag.media.files import MP4_EXTENSIONS
from tigertag.media.movie_header import last_header
from tigertag.model import Item, Media, Metadata
from tigertag.net.ranges import read_part

# Exif and the main XMP take 64 KiB each at most: each is one JPEG segment.
PHOTO_BYTES = 128 * 1024
# At 30 frames a second, with sound, a header takes 25 kB a minute; phones add tracks of their own.
VIDEO_BYTES = 256 * 1024
NOTHING = Metadata()
_SILENT: tuple[object, ...] = (None, "", frozenset(), ())


@dataclass(frozen=True, slots=True)
class ListedFile:
    """What a listing said of an item's file, so that nothing has to be asked for it.

    `path`: where the server has it. `ratio`: the picture's width by its height. `header_first`: it
    is known to be made for streaming. `metadata`: what the server itself has read in the file.
    """

    revision: str
    path: str
    size_bytes: int | None
    ratio: float | None = None
    header_first: bool = False
    metadata: Metadata = NOTHING

    @property
    def says_more(self) -> bool:
        """Whether it says more than where the file is."""
        return self.header_first or self.metadata != NOTHING


def read_metadata(
    client: ServerClient, request: ServerRequest, item: Item, name: str, listed: ListedFile | None
) -> Metadata:
    """Return what a file says, and what the server has read in it where the file is silent.

    `name`: the file's; "" where it is not known. Raises `ItemError`, `LibraryError`.
    """
    suffix, read = PurePath(name).suffix.lower(), NOTHING
    if item.media is Media.PHOTO or not suffix or suffix in MP4_EXTENSIONS:
        header_first = item.media is Media.PHOTO or (listed is not None and listed.header_first)
        beginning = _beginning(client, request, item, header_first=header_first)
        read = metadata.read(beginning, item.media) if beginning else NOTHING
    return read if listed is None else filled(read, listed.metadata)


def _beginning(
    client: ServerClient, request: ServerRequest, item: Item, *, header_first: bool
) -> bytes:
    """Load what the file begins with, or would if its header stood first; b"" if that is not found.

    A file of another size than was listed is another file.
    """
    start, length = 0, PHOTO_BYTES if item.media is Media.PHOTO else VIDEO_BYTES
    if not header_first and item.size_bytes is not None:
        start = max(0, item.size_bytes - length)
    part = read_part(lambda part: client.stream(request, byte_range=part), start, length)
    if item.size_bytes is not None and part.size_bytes not in (None, item.size_bytes):
        raise ItemGone(FILE_CHANGED)
    return last_header(part.body) if part.start else part.body


def filled(first: Metadata, second: Metadata) -> Metadata:
    """Return the first, with what the second says where the first is silent."""
    missing: dict[str, Any] = {
        each.name: getattr(second, each.name)
        for each in fields(Metadata)
        if getattr(first, each.name) in _SILENT
    }
    return replace(first, **missing)
