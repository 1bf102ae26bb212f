"""The frames of a video, seen without decoding more of it than they need."""

from tigertag.media.video.looking import frames, still

__all__ = ["frames", "still"]
