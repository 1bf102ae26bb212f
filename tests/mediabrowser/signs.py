"""How a request says on whose behalf it comes, as each server and version takes it."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mediabrowser.server import MediaServer

IN_URL = re.compile(r"[?&](api_?key|x-emby-token|x-mediabrowser-token)=", re.IGNORECASE)
_TOKEN = re.compile(r'MediaBrowser (?:.*, ?)?Token="([^"]*)"')
_NO_OLD_HEADERS_FROM = 12


def is_signed(media: "MediaServer", headers: Mapping[str, str]) -> bool:
    """Whether a request bears the key. Jellyfin 12 takes it from `Authorization` alone."""
    old = headers.get("X-Emby-Token") or headers.get("X-MediaBrowser-Token")
    if media.emby:
        return old == media.key
    found = _TOKEN.match(headers.get("Authorization", ""))
    if found:
        return found[1] == media.key
    return media.major < _NO_OLD_HEADERS_FROM and old == media.key
