"""What is done beside the answers, and keeps none of them waiting."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from tigertag.errors import TigerTagError

logger = logging.getLogger(__name__)


class Afterwards:
    """Does jobs on threads of its own, at most `most` at once. Thread-safe."""

    def __init__(self, engine: str, most: int) -> None:
        self._engine = engine
        self._most = most
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    def do(self, job: Callable[[], None]) -> None:
        """Do it soon; what goes wrong is logged."""
        with self._lock:
            if self._pool is None:
                name = f"tigertag-{self._engine}-after"
                self._pool = ThreadPoolExecutor(self._most, thread_name_prefix=name)
            self._pool.submit(self._done, job)

    def close(self) -> None:
        """Wait for what is to be done, and let go of the threads."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _done(self, job: Callable[[], None]) -> None:
        try:
            job()
        except TigerTagError as exc:
            logger.warning("engine %s: %s", self._engine, exc)
        except Exception:
            logger.exception("engine %s has a bug", self._engine)
