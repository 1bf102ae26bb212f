"""The small durable store of an engine, in the database."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from uuid import uuid4

from tigertag.errors import StoreError
from tigertag.store import Store, engine_state

logger = logging.getLogger(__name__)


class StoredPluginState:
    """See `contracts.PluginState`. Opens the database when it is used first."""

    def __init__(self, store: Store, engine: str) -> None:
        self._store = store
        self._engine = engine

    def get(self, name: str) -> str | None:
        with self._store.read() as db:
            return engine_state.state(db, self._engine, name)

    def put(self, name: str, value: str) -> None:
        with self._store.write() as db:
            engine_state.put_state(db, self._engine, name, value)

    def drop(self, name: str) -> None:
        with self._store.write() as db:
            engine_state.drop_state(db, self._engine, name)

    def under(self, prefix: str) -> dict[str, str]:
        with self._store.read() as db:
            return engine_state.states_under(db, self._engine, prefix)

    @contextmanager
    def alone(self, name: str, *, lease_s: float) -> Iterator[bool]:
        """Hold the lease, prolonged while the block runs."""
        owner = uuid4().hex
        if not self._lease(name, owner, lease_s):
            yield False
            return
        ended = Event()
        heart = Thread(target=self._beat, args=(name, owner, lease_s, ended), daemon=True)
        heart.start()
        try:
            yield True
        finally:
            ended.set()
            heart.join()
            with self._store.write() as db:
                engine_state.release(db, self._engine, name, owner=owner)

    def _lease(self, name: str, owner: str, lease_s: float) -> bool:
        with self._store.write() as db:
            return engine_state.lease(db, self._engine, name, owner=owner, lease_s=lease_s)

    def _beat(self, name: str, owner: str, lease_s: float, ended: Event) -> None:
        while not ended.wait(lease_s / 3):
            try:
                self._lease(name, owner, lease_s)
            except StoreError as exc:
                # The lease still holds for a while, and the next beat may get through.
                logger.warning("the lease %s could not be renewed: %s", name, exc)
