"""HTTP: timeouts, retry with jitter, status → error, nothing secret in a message."""

from tigertag.net.http import HttpClient
from tigertag.net.retry import (
    RetryPolicy,
    cancellable,
    holding,
    is_cancelled,
    is_urgent,
    shielded,
    urgent,
    wait,
)
from tigertag.net.session import Session, mapped_errors, retry_after_s

__all__ = [
    "HttpClient",
    "RetryPolicy",
    "Session",
    "cancellable",
    "holding",
    "is_cancelled",
    "is_urgent",
    "mapped_errors",
    "retry_after_s",
    "shielded",
    "urgent",
    "wait",
]
