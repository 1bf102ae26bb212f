"""Items in full, many at once: only then are their tags and locks told."""

import re
from collections.abc import Mapping, Sequence

from tigertag.libraries.mediabrowser.dialect import Dialect
from tigertag.libraries.mediabrowser.faults import Wording
from tigertag.libraries.mediabrowser.opening import Opened, entries
from tigertag.libraries.mediabrowser.server import Call, Entry
from tigertag.libraries.mediabrowser.sources import text
from tigertag.libraries.mediaserver.batches import batches

PICTURES = {"EnableImageTypes": "Primary", "ImageTypeLimit": "1", "EnableUserData": "false"}
_KEY = re.compile(r"[0-9A-Za-z-]{1,64}")


def is_key(name: str) -> bool:
    """Whether this may be an item's id."""
    return _KEY.fullmatch(name) is not None


def in_full(
    opened: Opened,
    dialect: Dialect,
    wording: Wording,
    keys: Sequence[str],
    *,
    fields: Sequence[str] = (),
) -> Mapping[str, Entry]:
    """Return the items of these ids, by id; one that is not there is left out.

    `fields`: what is asked for by name; none: all that TigerTag reads. What an answer leaves out is
    asked for once more, by itself.
    """
    fields = fields or tuple(dict.fromkeys((*dialect.read_fields, *dialect.listed_fields)))
    wanted = [key for key in dict.fromkeys(keys) if is_key(key)]
    found: dict[str, Entry] = {}
    for some in batches(wanted):
        found |= _asked(opened, wording, some, fields)
        missing = [key for key in some if key not in found]
        if missing:
            found |= _asked(opened, wording, missing, fields)
    return {key: found[key] for key in wanted if key in found}


def _asked(
    opened: Opened, wording: Wording, keys: Sequence[str], fields: Sequence[str]
) -> dict[str, Entry]:
    query = {
        **PICTURES,
        "UserId": opened.user,
        "Ids": ",".join(keys),
        "Fields": ",".join(fields),
    }
    answer = opened.server.get(Call("/Items", query))
    return {text(one, "Id"): one for one in entries(answer, wording)}
