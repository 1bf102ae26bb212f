"""The keywords in a photo's or video's own file, as lists like those of a sidecar."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from tigertag.libraries.folder.listing import media_of, stamp
from tigertag.libraries.folder.lists import SUBJECT, Keywords, storable
from tigertag.libraries.folder.xml import XmlError
from tigertag.libraries.folder.xmp import Xmp
from tigertag.media.boxes import embedded_in_video
from tigertag.media.embedded import embedded
from tigertag.media.formats import BOX_EXTENSIONS, EXTENSIONS
from tigertag.model import Media

_READ = EXTENSIONS | BOX_EXTENSIONS


def in_file(photo: str) -> Sequence[Keywords]:
    """Return the lists in a photo's or video's file. What is broken, or not read, has none."""
    if os.path.splitext(photo)[1].lower() not in _READ:
        return ()
    try:
        return _lists(photo, stamp(os.stat(photo)))
    except OSError:
        return ()


# They are asked for before an edit, in it, and after it.
@lru_cache(maxsize=1024)
def _lists(photo: str, _stamp: str) -> tuple[Keywords, ...]:
    read = embedded_in_video if media_of(photo) is Media.VIDEO else embedded
    found = read(Path(photo))
    words = [word.strip() for word in found.words if word.strip() and storable(word)]
    return (*_read(found.packets), *([{SUBJECT: words}] if words else []))


def _read(packets: tuple[bytes, ...]) -> Iterator[Keywords]:
    for packet in packets:
        try:
            # Some programs end it with NUL.
            yield Xmp(packet.rstrip(b"\0") if packet[:1] == b"<" else packet).keywords
        except XmlError:
            continue
