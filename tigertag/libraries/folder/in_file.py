"""The keywords in a photo's own file, as lists like those of a sidecar."""

from collections.abc import Iterator
from pathlib import Path

from tigertag.libraries.folder.listing import media_of
from tigertag.libraries.folder.lists import SUBJECT, Keywords, storable
from tigertag.libraries.folder.xml import XmlError
from tigertag.libraries.folder.xmp import Xmp
from tigertag.media.embedded import embedded
from tigertag.model import Media


def in_file(photo: str) -> list[Keywords]:
    """Return the lists in a photo's file. What is broken there, or not to be read, has none."""
    if media_of(photo) is not Media.PHOTO:
        return []
    try:
        found = embedded(Path(photo))
    except OSError:
        return []
    words = [word.strip() for word in found.words if word.strip() and storable(word)]
    return [*_read(found.packets), *([{SUBJECT: words}] if words else [])]


def _read(packets: tuple[bytes, ...]) -> Iterator[Keywords]:
    for packet in packets:
        try:
            # Some programs end it with NUL.
            yield Xmp(packet.rstrip(b"\0") if packet[:1] == b"<" else packet).keywords
        except XmlError:
            continue
