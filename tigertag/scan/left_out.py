"""What a listing left out and why, as it is kept with the scan and said to people."""

import json
from dataclasses import asdict

from tigertag.contracts import LeftOut, LeftOutReason, Notes
from tigertag.store.columns import dumps
from tigertag.text import count

_SAID = {
    LeftOutReason.EXCLUDED_FOLDER: ("folder", "excluded"),
    LeftOutReason.EXCLUDED_FILE: ("file", "excluded"),
    LeftOutReason.NOMEDIA: ("folder", "excluded by a .nomedia file in it"),
    LeftOutReason.TOO_SMALL: ("file", "smaller than MIN_BYTES"),
    LeftOutReason.RAW: ("file", "in a camera's raw format, which TigerTag does not read"),
    LeftOutReason.JPEG_XL: ("file", "in JPEG XL, which TigerTag does not read"),
    LeftOutReason.OTHER_FORMAT: ("file", "in another format that TigerTag does not read"),
    LeftOutReason.UNREADABLE_FOLDER: ("folder", "unreadable; items known in it are kept"),
    LeftOutReason.UNREADABLE_FILE: ("file", "unreadable"),
    LeftOutReason.LINK: ("link", "to a folder, to nothing or out of the library"),
    LeftOutReason.LONG_PATH: ("item", "with a path of more than 2048 characters"),
    LeftOutReason.NO_FILE: ("item", "without a file on the server"),
}


def packed(notes: Notes) -> str:
    """Return what was left out as JSON; "" for nothing."""
    return dumps([asdict(one) for one in notes.left_out]) if notes.left_out else ""


def unpacked(kept: str) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(LeftOutReason(one["reason"]), one["count"], tuple(one["examples"]))
        for one in (json.loads(kept) if kept else ())
    )


def said(one: LeftOut) -> str:
    """Say it in a line: "3 folders excluded: a, b, c"."""
    noun, why = _SAID[one.reason]
    more = " …" if one.count > len(one.examples) else ""
    return f"{count(one.count, noun)} {why}: {', '.join(one.examples)}{more}"
