"""HTTP: timeouts, retry with jitter, status → error, nothing secret in a message."""

from tigertag.net.client import Session
from tigertag.net.faults import mapped
from tigertag.net.patience import Patience, heeding, holding, undisturbed
from tigertag.net.session import Http

__all__ = ["Http", "Patience", "Session", "heeding", "holding", "mapped", "undisturbed"]
