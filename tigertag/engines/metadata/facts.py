"""What metadata prove, each fact with what it stands on.

Precision first: where a file only may be a screenshot, a panorama or a selfie, nothing is said.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tigertag.engines.metadata import sun
from tigertag.media.metadata import marks
from tigertag.model import Media, Metadata

SELFIE: Final = "selfie"
NIGHT: Final = "night"
"""All other facts are called as the mark that may prove them."""

_SCREENSHOT_PROGRAMS = (
    *("gnome-screenshot", "flameshot", "spectacle", "ksnip"),
    *("shutter", "greenshot", "sharex", "screenshot"),
)

# Of phones and tablets, upright. Left out are sizes in which other pictures come, too, such as
# 1080 x 1920 and 1536 x 2048.
_SCREENS = frozenset(
    {
        *((640, 1136), (750, 1334), (828, 1792), (1080, 2340), (1125, 2436), (1170, 2532)),
        *((1179, 2556), (1206, 2622), (1242, 2208), (1242, 2688), (1284, 2778), (1290, 2796)),
        *((1320, 2868), (1080, 2160), (1080, 2220), (1080, 2280), (1080, 2310), (1080, 2400)),
        *((1080, 2408), (1080, 2412), (1440, 2960), (1440, 3040), (1440, 3088), (1440, 3120)),
        *((1440, 3200), (1344, 2992), (1008, 2244), (1280, 2856), (1488, 2266), (1620, 2160)),
        *((1640, 2360), (1668, 2224), (1668, 2388), (1668, 2420), (2048, 2732), (2064, 2752)),
    }
)

_WIDE = 2.5
_LEAST_PANORAMA_PX = 3000
"""The long side: what is as wide and smaller was cut out for a banner."""

# "iPhone 12 front camera 2.71mm f/2.2", as phones write it in their languages.
_FRONT_LENS = re.compile(
    r"\b(front|frontal|vordere|frontkamera|avant|anteriore|delantera|voorkant)\b", re.IGNORECASE
)

_DRONE_MAKERS = {"parrot", "skydio", "autel robotics", "yuneec", "sensefly"}
# DJI makes hand-held cameras, too: its drones' models are FC and a number, the names of their
# Hasselblads, or M and Z and a number for those that work.
_DJI_MODEL = re.compile(r"FC\d{3,4}[A-Z0-9]*|L[12]D-20c|M3[A-Z]{1,2}|ZH20[A-Z]?|XT2|FC550.*")
_DJI_MAKERS = {"dji", "hasselblad"}

_HIGH_RATE = 100.0
_SLOWED = 1.9


@dataclass(frozen=True, slots=True)
class Fact:
    """A word, and what it stands on in one line."""

    name: str
    note: str


def facts(metadata: Metadata, media: Media) -> Iterator[Fact]:
    """Yield what the metadata of a photo or video prove; what time and place do, `night` says."""
    for name, proof in (_OF_PHOTOS if media is Media.PHOTO else _OF_VIDEOS).items():
        if note := proof(metadata):
            yield Fact(name, note)


def night(metadata: Metadata, *, is_private: bool) -> Fact | None:
    """Say whether the sun was below the horizon, where time, offset and place are known.

    The height of the sun would tell, with the time, on which line the place is.
    """
    at, latitude, longitude = metadata.taken_at, metadata.latitude, metadata.longitude
    if at is None or at.tzinfo is None or latitude is None or longitude is None:
        return None
    height = sun.altitude(at, latitude, longitude)
    if height >= sun.HORIZON:
        return None
    how_far = "" if is_private else f" {-height:.0f}°"
    return Fact(NIGHT, f"The sun was{how_far} below the horizon at {at:%Y-%m-%d %H:%M %z}")


def _marked(mark: str, where: str) -> Callable[[Metadata], str]:
    return lambda metadata: where if mark in metadata.marks else ""


def _screenshot(metadata: Metadata) -> str:
    if marks.SCREENSHOT in metadata.marks:
        return "Marked as a screenshot"
    if metadata.make or metadata.camera or metadata.lens:
        return ""
    if metadata.comment.casefold() == "screenshot":
        return f'Comment "{metadata.comment}"'
    if metadata.software.casefold().startswith(_SCREENSHOT_PROGRAMS):
        return f'Software "{metadata.software}"'
    size = metadata.size_px
    if size is not None and marks.PNG in metadata.marks and tuple(sorted(size)) in _SCREENS:
        return f"PNG of {size[0]} x {size[1]} pixels, the size of a screen, and no camera"
    return ""


def _panorama(metadata: Metadata) -> str:
    if marks.PANORAMA in metadata.marks:
        return "Marked as a panorama (Exif CustomRendered 6, or XMP GPano)"
    if metadata.size_px is None or not (metadata.make and metadata.camera):
        return ""
    short, long = sorted(metadata.size_px)
    if long < _LEAST_PANORAMA_PX or long < _WIDE * short:
        return ""
    width, height = metadata.size_px
    return f"{width} x {height} pixels, from {metadata.camera}"


def _selfie(metadata: Metadata) -> str:
    if _FRONT_LENS.search(metadata.lens):
        return f'Lens "{metadata.lens}"'
    return "Taken with the front camera" if marks.FRONT_CAMERA in metadata.marks else ""


def _drone(metadata: Metadata) -> str:
    if marks.DRONE in metadata.marks:
        return "XMP drone-dji: height above the start"
    make = metadata.make.casefold()
    flies = make in _DRONE_MAKERS
    flies |= make in _DJI_MAKERS and _DJI_MODEL.fullmatch(metadata.camera) is not None
    return f'Camera "{metadata.make} {metadata.camera}"' if flies else ""


def _slow_motion(metadata: Metadata) -> str:
    taken, shown = metadata.frames_per_s, metadata.playback_frames_per_s
    if marks.SLOW_MOTION in metadata.marks:
        return f"{taken:.0f} frames a second, to be played slower" if taken else "Marked so"
    if not taken or not shown or taken < _HIGH_RATE or taken < _SLOWED * shown:
        return ""
    return f"Taken at {taken:.0f} frames a second, played at {shown:.0f}"


def _time_lapse(metadata: Metadata) -> str:
    taken, shown = metadata.frames_per_s, metadata.playback_frames_per_s
    if marks.TIME_LAPSE in metadata.marks:
        return "Marked as a time-lapse"
    if not taken or not shown or shown < _SLOWED * taken:
        return ""
    return f"Taken at {taken:.3g} frames a second, played at {shown:.0f}"


_OF_PHOTOS: Mapping[str, Callable[[Metadata], str]] = {
    marks.SCREENSHOT: _screenshot,
    marks.PANORAMA: _panorama,
    SELFIE: _selfie,
    marks.DRONE: _drone,
    marks.LIVE_PHOTO: _marked(marks.LIVE_PHOTO, "Apple's maker note names its video"),
    marks.MOTION_PHOTO: _marked(marks.MOTION_PHOTO, "Marked as a motion photo (XMP GCamera)"),
    marks.BURST: _marked(marks.BURST, "The file names the burst that it is of"),
}
_OF_VIDEOS: Mapping[str, Callable[[Metadata], str]] = {
    marks.DRONE: _drone,
    marks.LIVE_PHOTO: _marked(marks.LIVE_PHOTO, "QuickTime content identifier"),
    marks.SLOW_MOTION: _slow_motion,
    marks.TIME_LAPSE: _time_lapse,
}
FACTS: Final = tuple(dict.fromkeys([*_OF_PHOTOS, *_OF_VIDEOS, NIGHT]))
