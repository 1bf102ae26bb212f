"""What a picture's file keeps apart from its pixels, as it stands there."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from tigertag.media.metadata.tiff import At


def no_data(_place: int, _length: int) -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class Parts:
    """`exif` gives what stands in the Exif data; `size_px`: as stored, `is_turned`: on its side."""

    size_px: tuple[int, int] | None = None
    exif: At = no_data
    xmp: bytes = b""
    is_turned: bool | None = None
    software: str = ""
    comment: str = ""
    marks: frozenset[str] = frozenset()

    def replace(self, **changes: Any) -> "Parts":
        return dataclasses.replace(self, **changes)
