"""Pictures: as small as serves, by the server's transcoder; else the original."""

import logging
from io import BytesIO
from urllib.parse import urlencode

from tigertag.errors import ItemGone, Unreadable
from tigertag.libraries.plex.faults import GONE, NotNow, Refused
from tigertag.libraries.plex.server import Server
from tigertag.media.formats import decoder

logger = logging.getLogger(__name__)

_FORBIDDEN = 403
_LARGEST_SMALL = 32_000_000
_LARGEST_ORIGINAL = 200_000_000


def picture(server: Server, part_key: str, short_side_px: int) -> bytes:
    """Return the picture behind a part, its short side as long as is needed or the whole.

    Raises `ItemGone`, `Unreadable`, `LibraryError`.
    """
    try:
        small = server.load(_transcoded(part_key, short_side_px), limit_bytes=_LARGEST_SMALL)
        decoder(BytesIO(small))
    except (Refused, NotNow, Unreadable) as exc:
        logger.debug("part %s comes as it is: %s", part_key, exc)
        return _original(server, part_key)
    return small


def _transcoded(part_key: str, short_side_px: int) -> str:
    """The request for a JPEG, upright, not enlarged, both sides at least as long as is needed."""
    query = {
        "url": part_key,
        "width": short_side_px,
        "height": short_side_px,
        "minSize": 1,
        "upscale": 0,
        "format": "jpeg",
    }
    return f"/photo/:/transcode?{urlencode(query)}"


def _original(server: Server, part_key: str) -> bytes:
    try:
        return server.load(f"{part_key}?download=1", limit_bytes=_LARGEST_ORIGINAL)
    except Refused as exc:
        if exc.status == GONE:
            raise ItemGone("The photo is no longer there, or not as it was listed.") from exc
        if exc.status == _FORBIDDEN:
            raise Unreadable("The server's owner does not permit its download.") from exc
        raise Unreadable(
            f"The server could not give its file ({exc.status}).", retryable=True
        ) from exc
