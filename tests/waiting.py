"""Waiting for what another thread does."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Return once it holds; fail where it does not in time."""
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.002)
