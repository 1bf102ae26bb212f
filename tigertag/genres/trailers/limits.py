"""What a trailer may be at most."""

from dataclasses import dataclass

from tigertag.errors import Unreadable


@dataclass(frozen=True, slots=True)
class Limits:
    """How long it may play, how large its file and its pictures may be, how long fetching takes."""

    longest_s: float = 900.0
    most_bytes: int = 200_000_000
    height_px: int = 480
    within_s: float = 180.0

    def too_large(self) -> Unreadable:
        """Return what is raised for a file beyond the limit."""
        size = f"{self.most_bytes / 1e6:g} MB"
        return Unreadable(f"The video is larger than {size}; it was not taken.")
