"""Items in full, many at once: only then are their tags complete."""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from tigertag.libraries.mediaserver.batches import batches
from tigertag.libraries.mediaserver.faults import GONE, Refused
from tigertag.libraries.plex.server import Server

_KEY = re.compile(r"[0-9]+")


def is_key(text: str) -> bool:
    """Whether this is a ratingKey."""
    return _KEY.fullmatch(text) is not None


def metadata(server: Server, keys: Sequence[str]) -> dict[str, Element]:
    """Return the items of these keys, by key; one that is not there is left out.

    Some servers refuse a whole list for one item that is gone: then its halves are asked for. What
    an answer leaves out without need, as one that holds fewer than asked or none, is asked for
    again.
    """
    found: dict[str, Element] = {}
    waiting = list(batches([key for key in dict.fromkeys(keys) if is_key(key)]))
    doubted: list[list[str]] = []
    while waiting:
        asked = waiting.pop()
        answered = _asked(server, asked)
        if answered is None:
            half = len(asked) // 2
            waiting += [some for some in (asked[:half], asked[half:]) if half and some]
            continue
        got = {key: answered[key] for key in asked if key in answered}
        found |= got
        missing = [key for key in asked if key not in got]
        if missing and (got or missing not in doubted):
            doubted.append(missing)
            waiting.append(missing)
    return found


def _asked(server: Server, keys: Sequence[str]) -> dict[str, Element] | None:
    """Return the items by key; None where the server refuses the list."""
    try:
        root = server.page(f"/library/metadata/{','.join(keys)}", start=0, size=len(keys))
    except Refused as exc:
        if exc.status == GONE:
            return None
        raise
    return {entry.get("ratingKey", ""): entry for entry in root}
