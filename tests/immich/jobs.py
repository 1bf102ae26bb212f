"""The work that Immich does later: sidecars are written, then the metadata is read anew.

A tag is in the database at once, and the asset's whole list is stored and locked. A job then writes
the stored list to the sidecar. When that is done, or has failed, it lifts the lock, whatever was
stored meanwhile, and has the metadata extracted; the next such job finds no lock, and writes
nothing. The extraction reads file and sidecar, moves `updatedAt`, and a moment later replaces the
tags by what it read. So tags go that were put while an older list was on its way to the sidecar.
"""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from tests.immich import sidecars
from tests.immich.holdings import Asset
from tests.immich.shapes import version_of

if TYPE_CHECKING:
    from tests.immich.state import State

_AT_ONCE = 5
"""Jobs of one queue that run at the same time."""
_LOOK, _WRITE, _READ, _REPLACE = 0.02, 0.43, 0.45, 0.1
"""The steps of a tag's way through both queues, as parts of `extraction_s`."""
_PACE = (0.8, 1.2)

Step = Callable[[], None]


class Jobs:
    """Both queues. `paused` holds back what has not begun; each job begins `behind_s` later."""

    def __init__(self, server: "State") -> None:
        self._server = server
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Step]] = []
        self._waiting: dict[str, deque[Step]] = {"sidecar": deque(), "extraction": deque()}
        self._running = dict.fromkeys(self._waiting, 0)
        self._number = 0
        self._random = Random(7)
        self._ended = False
        self.paused = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def idle(self) -> bool:
        with self._changed:
            return not self._due and not any(self._running.values()) and not self._backlog

    @property
    def _backlog(self) -> int:
        return sum(map(len, self._waiting.values()))

    def resume(self) -> None:
        with self._changed:
            self.paused = False
            self._begin()

    def write_sidecar(self, asset: Asset) -> None:
        self._queue("sidecar", lambda: self._look(asset))

    def extract(self, asset: Asset) -> None:
        self._queue("extraction", lambda: self._read(asset))

    def _queue(self, queue: str, job: Step) -> None:
        with self._changed:
            self._later(self._server.behind_s, lambda: self._join(queue, job))

    def _join(self, queue: str, job: Step) -> None:
        with self._changed:
            self._waiting[queue].append(job)
            self._begin()

    def _begin(self) -> None:
        for queue, waiting in self._waiting.items():
            while waiting and self._running[queue] < _AT_ONCE and not self.paused:
                self._running[queue] += 1
                self._pause(_LOOK, waiting.popleft())

    def _over(self, queue: str) -> None:
        with self._changed:
            self._running[queue] -= 1
            self._begin()

    def _pause(self, part: float, step: Step) -> None:
        """Take the next step when this part of a job is done; no two take the same time."""
        self._later(part * self._server.extraction_s * self._random.uniform(*_PACE), step)

    def _later(self, after_s: float, step: Step) -> None:
        with self._changed:
            self._number += 1
            heapq.heappush(self._due, (time.monotonic() + after_s, self._number, step))
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._ended and not (
                    self._due and self._due[0][0] <= time.monotonic() and not self._server.pool.hung
                ):
                    wait = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(0.01 if self._server.pool.hung else wait)
                if self._ended:
                    return
                step = heapq.heappop(self._due)[2]
                # What is under way counts as running, so that nobody takes this for idle.
                self._running["extraction"] += 1
            step()
            self._over("extraction")

    def _look(self, asset: Asset) -> None:
        """Take the tags to write. Where another such job has lifted the lock, there are none."""
        with self._server.lock:
            tags = list(asset.stored) if asset.locked else None
        if tags is None:
            self._over("sidecar")
            self.extract(asset)
        else:
            self._pause(_WRITE, lambda: self._write(asset, tags))

    def _write(self, asset: Asset, tags: list[str]) -> None:
        """The lock is lifted whether or not the sidecar could be written."""
        with self._server.lock:
            self._server.disk.write_sidecar(asset, tags)
            asset.locked = False
        self._over("sidecar")
        self.extract(asset)

    def _read(self, asset: Asset) -> None:
        """Read file and sidecar. Without its file nothing comes of it, and `updatedAt` stays."""
        with self._server.lock:
            found = None if asset.offline else found_in(self._server, asset)
        if found is None:
            self._over("extraction")
        else:
            self._pause(_READ, lambda: self._save(asset, found))

    def _save(self, asset: Asset, found: list[str]) -> None:
        """The metadata is saved, but for tags that are locked; `updatedAt` moves."""
        with self._server.lock:
            if not asset.locked:
                asset.stored = found
            tags = asset.stored
            self._server.process(asset)
            self._server.touch(asset)
        self._pause(_REPLACE, lambda: self._replace(asset, tags))

    def _replace(self, asset: Asset, tags: list[str]) -> None:
        with self._server.lock:
            self._server.replace_tags(asset, tags)
        self._over("extraction")


def found_in(server: "State", asset: Asset) -> list[str] | None:
    """The tags that file and sidecar hold; None if the file is not there."""
    try:
        file = dict(sidecars.lists_of_file(asset.source, version_of(asset)))
    except OSError:
        return None
    xmp = server.disk.sidecar_of(asset)
    return sidecars.tags_in(file | asset.embedded, {} if xmp is None else sidecars.lists_in(xmp))
