"""Events as they happen: server-sent events, for a few clients at once and a while each."""

from collections.abc import Callable, Iterator
from threading import BoundedSemaphore
from time import monotonic, sleep

from flask import Response
from werkzeug.exceptions import ServiceUnavailable

from tigertag.errors import StoreError

MEDIA_TYPE = "text/event-stream"
_LOOK_EVERY_S = 1.0
_HEARTBEAT_S = 15.0
_LASTS_S = 300.0
_RETRY_AFTER_S = 30
_MOST = 2
_RETRY = "retry: 3000\n\n"


class EventStreams:
    """Counts who listens: each listener holds a thread that answers requests otherwise."""

    def __init__(self, *, lasts_s: float = _LASTS_S) -> None:
        self._places = BoundedSemaphore(_MOST)
        self._lasts_s = lasts_s
        self._goes_on: Callable[[], bool] = lambda: True

    def end_unless(self, goes_on: Callable[[], bool]) -> None:
        """End all streams within a second of the time at which this is false."""
        self._goes_on = goes_on

    def answer(self, look: Callable[[], list[str]]) -> Response:
        """Answer with what each look finds: parts of the stream.

        Raises `ServiceUnavailable` while as many listen as may.
        """
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable(
                f"{_MOST} programs listen to events already; try again later.",
                retry_after=_RETRY_AFTER_S,
            )
        response = Response(self._parts(look), content_type=MEDIA_TYPE)
        # Called in any case, also for a client that went before the first part.
        response.call_on_close(self._places.release)
        # Else nginx keeps parts back until it has many.
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def _parts(self, look: Callable[[], list[str]]) -> Iterator[str]:
        yield _RETRY
        ends, said_at = monotonic() + self._lasts_s, monotonic()
        while self._goes_on():
            try:
                parts = look()
            except StoreError:
                # The client comes again, with the id of what it has seen.
                return
            if not parts and monotonic() - said_at >= _HEARTBEAT_S:
                parts = [": still here\n\n"]
            if parts:
                yield "".join(parts)
                said_at = monotonic()
            if monotonic() >= ends:
                return
            sleep(_LOOK_EVERY_S)


def part(name: str, data: str, *, number: int | None = None) -> str:
    """One event; `data` is JSON in a line. One without a number is not sent again."""
    numbered = "" if number is None else f"id: {number}\n"
    return f"{numbered}event: {name}\ndata: {data}\n\n"
