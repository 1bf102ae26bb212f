"""HTTP: timeouts, retry with jitter, status → error, nothing secret in a message."""

from tigertag.net.session import Http, Patience

__all__ = ["Http", "Patience"]
