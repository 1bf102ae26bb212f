"""Pictures: as small as serves, by the server; else the original."""

import logging
from io import BytesIO

from tigertag.errors import Unreadable
from tigertag.libraries.mediabrowser.faults import no_file
from tigertag.libraries.mediabrowser.server import Call, Server
from tigertag.libraries.mediaserver.bodies import LARGEST_ORIGINAL, LARGEST_SMALL
from tigertag.libraries.mediaserver.faults import NotNow, Refused
from tigertag.media.formats import decoder

logger = logging.getLogger(__name__)


def picture(server: Server, small: Call, key: str) -> bytes:
    """Return a photo, as `small` asks for it or the whole.

    Raises `ItemGone`, `Unreadable`, `LibraryError`.
    """
    found = scaled(server, small)
    return _original(server, key) if found is None else found


def scaled(server: Server, small: Call) -> bytes | None:
    """Return a small picture; None where the server has none, or cannot make it."""
    try:
        found = server.load(small, limit_bytes=LARGEST_SMALL)
        decoder(BytesIO(found))
    except (Refused, NotNow, Unreadable) as exc:
        logger.debug("%s comes as it is, or not at all: %s", small.path, exc)
        return None
    return found


def _original(server: Server, key: str) -> bytes:
    try:
        return server.load(Call(f"/Items/{key}/Download"), limit_bytes=LARGEST_ORIGINAL)
    except Refused as exc:
        raise no_file(exc) from exc
