"""How a picture leaves: small enough, and reserved."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tigertag.contracts import RunContext
from tigertag.engines.compreface.sdk import TOO_BIG, Refused
from tigertag.errors import AuthFailed
from tigertag.model import Frame
from tigertag.remote.jpeg import jpeg
from tigertag.remote.once import Passing

SIDE_PX = 1080
_MOST_BYTES = 5_000_000
_SMALLER_SIDE_PX, _SMALLER_BYTES = 720, 1_000_000

T = TypeVar("T")


def fitting(frame: Frame, send: Callable[[bytes], T]) -> T:
    """Send a picture; where it is too big for what stands in between, a smaller one, once."""
    try:
        return send(jpeg(frame, short_side_px=SIDE_PX, max_bytes=_MOST_BYTES))
    except Refused as exc:
        if exc.status != TOO_BIG:
            raise
    return send(jpeg(frame, short_side_px=_SMALLER_SIDE_PX, max_bytes=_SMALLER_BYTES))


@contextmanager
def reserved(run: RunContext, sample: str, *, host: str, picture: bytes) -> Iterator[None]:
    """Reserve a call that carries a picture; settle it where it is known what came of it."""
    call = run.calls.reserve(sample, host=host, size_bytes=len(picture))
    try:
        yield
    except Passing as exc:
        if not exc.in_doubt:
            call.settle(units=0, cost_usd=0.0)
        raise
    except (AuthFailed, Refused):
        call.settle(units=0, cost_usd=0.0)
        raise
    call.settle(units=0, cost_usd=0.0)
