"""What CompreFace saw, as labels."""

from collections.abc import Mapping

from tigertag.engines.compreface.client import Seen
from tigertag.model import UNKNOWN_FACE, Box, Kind, Label
from tigertag.text import tidy


def label(seen: Seen, size: tuple[int, int], at_s: float | None, tags: Mapping[str, str]) -> Label:
    """Return the label of a face in a picture of this size in pixels.

    `tags` are the tags of the file by their case-folded names.
    """
    name = tags.get(seen.subject.casefold()) or tidy(seen.subject)
    confidence = min(1.0, max(0.0, seen.similarity))
    if not name or confidence == 0.0:
        name, confidence = UNKNOWN_FACE, 0.0
    return Label(name, confidence, kind=Kind.FACE, box=_box(seen, size), at_s=at_s)


def _box(seen: Seen, size: tuple[int, int]) -> Box | None:
    """Return the part of the face that is in the picture, in fractions of it."""
    width, height = size
    left, right = (min(1.0, max(0.0, one / width)) for one in (seen.left, seen.right))
    top, bottom = (min(1.0, max(0.0, one / height)) for one in (seen.top, seen.bottom))
    return Box(left, top, right, bottom) if left < right and top < bottom else None
