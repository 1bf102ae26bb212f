"""Limits of requests at once that hold over all machines: see `contracts.RequestSlots`.

Requests of one process wait one behind the other: the first has a place in the database's queue
(`store.request_slots`) and looks now and then whether its turn has come. So processes take turns,
and each asks the database no more often than one of its threads would. Urgent ones wait behind no
others: they have a turn of their own.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import uniform
from threading import Event, Lock, Thread

from tigertag.errors import StoreError, Unavailable
from tigertag.net import holding, is_cancelled
from tigertag.store import Store, request_slots
from tigertag.store.request_slots import Place

logger = logging.getLogger(__name__)

LEASE_S = 10.0
_SHORTEST_S, _LONGEST_S = 0.02, 0.5
"""Between two looks: a tenth of what a request takes, and longer the farther its turn is."""
_SLOWER = 1.1


class Places:
    """What this process holds in the queues of all engines, kept alive. Thread-safe."""

    def __init__(self, store: Store, owner: str, *, lease_s: float = LEASE_S) -> None:
        self.store = store
        self.owner = owner
        self.lease_s = lease_s
        self._held: set[Place] = set()
        self._lock = Lock()
        self._is_beating = False

    def enter(self, engine: str, limit: int, *, urgent: bool) -> tuple[Place, int]:
        """Take a place, and return how many are ahead of it. Raises `StoreError`."""
        with self.store.write() as db:
            place, ahead = request_slots.enter(
                db, engine, owner=self.owner, lease_s=self.lease_s, limit=limit, urgent=urgent
            )
        with self._lock:
            self._held.add(place)
            if not self._is_beating:
                self._is_beating = True
                Thread(target=self._beat, name="tigertag-slots", daemon=True).start()
        return place, ahead

    def begin(self, place: Place, limit: int) -> int | None:
        """Begin if it is this one's turn; return how many are ahead. Raises `StoreError`."""
        with self.store.read() as db:
            ahead = request_slots.ahead(db, place)
        if ahead is None or ahead >= limit:
            return ahead
        with self.store.write() as db:
            return request_slots.begin(db, place, limit)

    def leave(self, place: Place) -> None:
        """Give a place up; it runs out by itself where the database cannot be reached."""
        with self._lock:
            self._held.discard(place)
        try:
            with self.store.write() as db:
                request_slots.leave(db, place)
        except StoreError as exc:
            # The answer that was paid for must not be lost over this.
            logger.warning("a request's slot is given back when its lease ends: %s", exc)

    def _beat(self) -> None:
        """Renew all leases as long as there are any."""
        while True:
            time.sleep(self.lease_s / 4)
            with self._lock:
                held = set(self._held)
                if not held:
                    self._is_beating = False
                    return
            try:
                with self.store.write() as db:
                    request_slots.renew(db, held, lease_s=self.lease_s)
            except StoreError as exc:
                logger.warning("the slots of requests could not be renewed: %s", exc)
            except Exception:
                logger.exception("a bug; the slots are renewed at the next beat")


@dataclass(frozen=True, slots=True)
class _Turn:
    """The request that waits for its turn at the database. `freed`: it may have come."""

    lock: Lock = field(default_factory=Lock)
    freed: Event = field(default_factory=Event)


class SharedSlots:
    """The slots of one engine. See `contracts.RequestSlots`."""

    def __init__(self, places: Places, engine: str) -> None:
        self._places = places
        self._engine = engine
        self._turns = {urgent: _Turn() for urgent in (False, True)}
        self._took_s = 0.0

    @contextmanager
    def slot(self, limit: int, *, urgent: bool = False) -> Iterator[None]:
        with holding(self._turns[urgent].lock):
            place = self._first_of(limit, urgent=urgent)
        since = time.monotonic()
        try:
            yield
        finally:
            self._took_s += (time.monotonic() - since - self._took_s) / 4
            self._places.leave(place)
            # What one of our own gives back may be the slot that another waits for.
            for turn in self._turns.values():
                turn.freed.set()

    def _first_of(self, limit: int, *, urgent: bool) -> Place:
        """Wait for one of the first places of the queue, and return it."""
        place, ahead = self._places.enter(self._engine, limit, urgent=urgent)
        freed, slower = self._turns[urgent].freed, 1.0
        try:
            while ahead >= limit:
                if is_cancelled():
                    raise Unavailable("Stopped while waiting for requests of other workers.")
                freed.clear()
                freed.wait(self._pause_s(ahead, limit, slower))
                slower *= _SLOWER
                now = self._places.begin(place, limit)
                if now is None:
                    self._places.leave(place)
                    place, now = self._places.enter(self._engine, limit, urgent=urgent)
                ahead = now
        except BaseException:
            self._places.leave(place)
            raise
        return place

    def _pause_s(self, ahead: int, limit: int, slower: float) -> float:
        turns = ahead // limit
        pause_s = min(max(self._took_s / 10, _SHORTEST_S) * turns * slower, _LONGEST_S)
        return uniform(0.5, 1.5) * pause_s
