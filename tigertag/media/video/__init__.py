"""The frames of a video, seen without decoding more of it than they need."""

from tigertag.media.video.footage import Footage
from tigertag.media.video.looking import footage, still
from tigertag.media.video.worth import is_dull

__all__ = ["Footage", "footage", "is_dull", "still"]
