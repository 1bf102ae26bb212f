"""When it can be known what came of a write: Immich works on for a while after its answer.

What is written goes to a sidecar, and the asset's tags are then replaced by those that are read
there; that moves its `updatedAt`. With idle queues this takes 0.2 s, behind an import hours. The
next write to the asset, or a look at it, has to come a second after that: of writes that followed
at once, some were lost.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from tigertag.contracts import NotRead
from tigertag.libraries.immich.server import ImmichClient
from tigertag.libraries.immich.tags import ShownByImmich
from tigertag.libraries.mediaserver.listing import Recent
from tigertag.libraries.mediaserver.sending import Reader
from tigertag.model import Item, Shown
from tigertag.net import wait


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is waited, in seconds.

    `settle_s`: after `updatedAt` has moved. `moved_within_s`: for it to move while something else
    waits for that; no more than a stop of the program may take. `look_s`: before the first look.
    `slower_s`: before a first write that was dropped is made once more. `look_again_s`: before a
    write is verified, `send_again_s`: before one is made that could not be made yet.
    """

    settle_s: float = 1.0
    moved_within_s: float = 8.0
    look_s: float = 0.3
    slower_s: float = 3.0
    look_again_s: float = 1.5
    send_again_s: float = 30.0


@dataclass(frozen=True, slots=True)
class _Written:
    """What an asset showed right before it was written. `tags`: a digest of their ids."""

    stamp: str | None
    tags: int


class Settling:
    """Which assets Immich is still at work on, as far as this process knows. Thread-safe.

    What was written by a process that has ended is known by what the ledger keeps of it.
    """

    def __init__(
        self, client: Callable[[], ImmichClient], reader: Reader[ShownByImmich], pace: Pace
    ) -> None:
        self.pace = pace
        self._client = client
        self._reader = reader
        self._written = Recent[_Written]()

    def written(self, shown: ShownByImmich) -> None:
        """Take note of what an asset showed right before it was written."""
        self._reader.forget(shown.key)
        self._written.remember(shown.key, _Written(shown.stamp, _digest(shown)))

    def is_open(self, now: ShownByImmich) -> bool:
        """Whether what is shown of the last write of this process may still be dropped."""
        written = self._written.find(now.key)
        if written is None or now.stamp != written.stamp:
            return False
        # Tags change at once. What shows no trace never arrived.
        return _digest(now) != written.tags

    def settles(self, before: Shown, now: Shown) -> bool:
        """See `contracts.VerifyingLater`. `before`: as it is in the ledger."""
        if isinstance(now, ShownByImmich) and self._written.find(now.key) is not None:
            return not self.is_open(now)
        return now.stamp != before.stamp or set(now.tags) == set(before.tags)

    def read(self, items: Sequence[Item]) -> dict[str, ShownByImmich | NotRead]:
        """Return what the assets show; those that are changing just now are waited for, once."""
        read = self._reader.fresh_by_key(items)
        young = [item for item in items if self._is_young(read[item.key])]
        if young and wait(self.pace.settle_s):
            read |= self.look(young)
        return read

    def look(self, items: Sequence[Item]) -> dict[str, ShownByImmich | NotRead]:
        return self._reader.by_key(items)

    def wait(self, items: Sequence[Item]) -> dict[str, ShownByImmich | NotRead]:
        """Wait until Immich is done with assets; those with which it is not are left out."""
        settled: dict[str, ShownByImmich | NotRead] = {}
        left = {item.key: item for item in items}
        moved_at_s: dict[tuple[str, str | None], float] = {}
        until_s, look_s = time.monotonic() + self.pace.moved_within_s, self.pace.look_s
        while left and time.monotonic() < until_s and wait(look_s):
            asked_at_s = time.monotonic()
            for key, reading in self.look(list(left.values())).items():
                if isinstance(reading, ShownByImmich):
                    if self.is_open(reading):
                        continue
                    first_s = moved_at_s.setdefault((key, reading.stamp), asked_at_s)
                    is_old = asked_at_s - first_s >= self.pace.settle_s
                    if not is_old and self._is_young(reading):
                        continue
                settled[key] = reading
                del left[key]
            look_s = min(2 * look_s, self.pace.settle_s)
        return settled

    def _is_young(self, reading: ShownByImmich | NotRead) -> bool:
        if isinstance(reading, NotRead) or not reading.stamp:
            return False
        with suppress(ValueError, TypeError):
            age = self._client().server_now() - datetime.fromisoformat(reading.stamp)
            return age.total_seconds() < self.pace.settle_s
        return False


def _digest(shown: ShownByImmich) -> int:
    """A set of ids for each of many assets would take a lot of memory."""
    return hash(frozenset(shown.values))
