"""Counts over tables that may be large: made beside the caller, so that none waits for long."""

from dataclasses import dataclass
from threading import Lock, Thread
from time import monotonic

from tigertag.core import Core
from tigertag.errors import StoreError, StoreUnavailable
from tigertag.store import totals

_PATIENCE_S = 0.01
_KEEP_S = 5.0


@dataclass(frozen=True, slots=True)
class Counts:
    """`items`: by library, section and outcome."""

    items: dict[tuple[str, str, str], int]
    edits_unsettled: dict[str, int]


def counts(core: Core) -> Counts:
    """Return the counts as they are, or, if that takes a while, as they were at the last call.

    Raises `StoreError`.
    """
    return core.cache.get(("counts",), lambda: _LastCounts(core), keep_s=float("inf")).get()


class _LastCounts:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = Lock()
        self._counting: Thread | None = None
        self._counts: Counts | None = None
        self._fresh_until = self._took_s = 0.0

    def get(self) -> Counts:
        with self._lock:
            is_counting = self._counting is not None and self._counting.is_alive()
            if not is_counting and monotonic() >= self._fresh_until:
                self._counting = Thread(target=self._count, name="tigertag-counts", daemon=True)
                self._counting.start()
            counting = self._counting
        if counting is not None and (self._counts is None or self._took_s < _PATIENCE_S):
            counting.join(None if self._counts is None else _PATIENCE_S)
        if self._counts is None:
            raise StoreUnavailable("The items in the database cannot be counted now.")
        return self._counts

    def _count(self) -> None:
        begun = monotonic()
        try:
            with self._core.store.read() as db:
                self._counts = Counts(totals.items(db), totals.edits_unsettled(db))
        except StoreError:
            # The old ones hold; who asks meets the same error in the figures that are not kept.
            return
        self._took_s = monotonic() - begun
        self._fresh_until = monotonic() + _KEEP_S
