"""The keywords in a photo's own file, as lists like those of a sidecar."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from tigertag.libraries.folder.listing import stamp
from tigertag.libraries.folder.lists import SUBJECT, Keywords, storable
from tigertag.libraries.folder.xml import XmlError
from tigertag.libraries.folder.xmp import Xmp
from tigertag.media.embedded import embedded
from tigertag.media.formats import media_of
from tigertag.model import Media


def in_file(photo: str) -> Sequence[Keywords]:
    """Return the lists in a photo's file. What is broken there, or not to be read, has none."""
    if media_of(photo) is not Media.PHOTO:
        return ()
    try:
        return _lists(photo, stamp(os.stat(photo)))
    except OSError:
        return ()


# They are asked for before an edit, in it, and after it.
@lru_cache(maxsize=1024)
def _lists(photo: str, _stamp: str) -> tuple[Keywords, ...]:
    found = embedded(Path(photo))
    words = [word.strip() for word in found.words if word.strip() and storable(word)]
    return (*_read(found.packets), *([{SUBJECT: words}] if words else []))


def _read(packets: tuple[bytes, ...]) -> Iterator[Keywords]:
    for packet in packets:
        try:
            # Some programs end it with NUL.
            yield Xmp(packet.rstrip(b"\0") if packet[:1] == b"<" else packet).keywords
        except XmlError:
            continue
