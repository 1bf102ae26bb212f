"""Pictures: as small as serves, by the server's transcoder; else the original."""

import logging
from io import BytesIO
from urllib.parse import urlencode

from tigertag.errors import Unreadable
from tigertag.libraries.mediaserver.bodies import LARGEST_ORIGINAL, LARGEST_SMALL
from tigertag.libraries.mediaserver.faults import NotNow, Refused
from tigertag.libraries.plex.faults import no_file
from tigertag.libraries.plex.server import Server
from tigertag.media.formats import decoder

logger = logging.getLogger(__name__)


def picture(server: Server, part_key: str, short_side_px: int) -> bytes:
    """Return the picture behind a part, its short side as long as is needed or the whole.

    Raises `ItemGone`, `Unreadable`, `LibraryError`.
    """
    return scaled(server, part_key, short_side_px) or _original(server, part_key)


def scaled(server: Server, key: str, short_side_px: int) -> bytes | None:
    """Return a picture of the server's as its transcoder makes it; None where it cannot."""
    try:
        small = server.load(_transcoded(key, short_side_px), limit_bytes=LARGEST_SMALL)
        decoder(BytesIO(small))
    except (Refused, NotNow, Unreadable) as exc:
        logger.debug("%s is not scaled: %s", key, exc)
        return None
    return small


def _transcoded(key: str, short_side_px: int) -> str:
    """The request for a JPEG, upright, not enlarged, both sides at least as long as is needed."""
    query = {
        "url": key,
        "width": short_side_px,
        "height": short_side_px,
        "minSize": 1,
        "upscale": 0,
        "format": "jpeg",
    }
    return f"/photo/:/transcode?{urlencode(query)}"


def _original(server: Server, part_key: str) -> bytes:
    try:
        return server.load(f"{part_key}?download=1", limit_bytes=LARGEST_ORIGINAL)
    except Refused as exc:
        raise no_file(exc) from exc
