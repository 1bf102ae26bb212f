"""Files in answers: as much, and for as long, as a picture may take."""

import time

import requests

from tigertag.errors import Unreadable

LARGEST_SMALL = 32_000_000
LARGEST_ORIGINAL = 200_000_000
_BLOCK_BYTES = 64 * 1024
_WITHIN_S = 300.0


def body(response: requests.Response, *, limit_bytes: int) -> bytes:
    """Return what an answer carries. Raises `Unreadable` where it is cut, too large or too slow."""
    try:
        return _gathered(response, limit_bytes)
    except requests.RequestException:
        raise Unreadable(
            "The connection was cut while it was loaded; scan again.", retryable=True
        ) from None


def _gathered(response: requests.Response, limit_bytes: int) -> bytes:
    ends, gathered = time.monotonic() + _WITHIN_S, bytearray()
    for block in response.iter_content(_BLOCK_BYTES):
        gathered += block
        if len(gathered) > limit_bytes:
            raise Unreadable(f"Its file is larger than {limit_bytes // 1_000_000} MB.")
        if time.monotonic() > ends:
            raise Unreadable("The server sends it too slowly; scan again.", retryable=True)
    return bytes(gathered)
