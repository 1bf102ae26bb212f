"""Trailers on YouTube and Vimeo. yt-dlp is loaded in a process of its own, none of it here."""

from tigertag.genres.trailers.fetching import fetched
from tigertag.genres.trailers.limits import Limits
from tigertag.genres.trailers.links import canonical, is_link

__all__ = ["Limits", "canonical", "fetched", "is_link"]
