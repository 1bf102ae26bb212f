"""Trailers on YouTube and Vimeo. yt-dlp is loaded in a process of its own, none of it here."""

from tigertag.media.trailers.fetching import fetched
from tigertag.media.trailers.limits import Limits
from tigertag.media.trailers.links import canonical, is_link

__all__ = ["Limits", "canonical", "fetched", "is_link"]
