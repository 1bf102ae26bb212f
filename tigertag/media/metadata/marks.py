"""What stands in a file in a form that camera makers agree on: the words of `Metadata.marks`.

Facts that they prove are called the same, and so are the tags: another name is another tag.
"""

from typing import Final

SCREENSHOT: Final = "screenshot"
PNG: Final = "png"
"""It is a PNG file, which cameras do not write."""
PANORAMA: Final = "panorama"
FRONT_CAMERA: Final = "front camera"
DRONE: Final = "drone"
LIVE_PHOTO: Final = "live photo"
MOTION_PHOTO: Final = "motion photo"
BURST: Final = "burst"
SLOW_MOTION: Final = "slow motion"
TIME_LAPSE: Final = "time-lapse"
