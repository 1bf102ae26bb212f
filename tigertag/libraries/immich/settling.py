"""When it can be known what came of a write: Immich works on for a while after its answer.

What is written goes to a sidecar, and the asset's tags are then replaced by those that are read
there; that moves its `updatedAt`. With idle queues this takes 0.2 s, behind an import hours. The
next write to the asset, or a look at it, has to come a second after that: of writes that followed
at once, some were lost.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from tigertag.contracts import NotRead
from tigertag.errors import LibraryUnavailable
from tigertag.libraries.immich.server import ImmichClient
from tigertag.libraries.immich.tags import ShownByImmich
from tigertag.libraries.mediaserver.sending import Reader
from tigertag.model import Item, Shown
from tigertag.net import wait

_MOST_LOOKS = 5

Readings = dict[str, ShownByImmich | NotRead]
"""What assets show, by their keys."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is waited, in seconds.

    `settle_s`: after `updatedAt` has moved. `moved_within_s`: for it to move after the first write
    to a folder; no more than a stop of the program may take. `look_s`: before the first look.
    `slower_s`: before a first write that was dropped is made once more. `look_again_s`: before a
    write is verified, or made where it could not be made yet.
    """

    settle_s: float = 1.0
    moved_within_s: float = 8.0
    look_s: float = 0.3
    slower_s: float = 3.0
    look_again_s: float = 1.5


class Settling:
    """Tells, by `updatedAt` alone, whether Immich is still at work on assets. Thread-safe."""

    def __init__(
        self, client: Callable[[], ImmichClient], reader: Reader[ShownByImmich], pace: Pace
    ) -> None:
        self.pace = pace
        self._client = client
        self._reader = reader

    @staticmethod
    def settles(before: Shown, now: Shown) -> bool:
        """See `contracts.VerifyingLater`. `now`: by `read`.

        Tags change at once. What shows no trace never arrived: a first write is in the ledger as
        sent before it is, and after a crash in between nothing would ever move.
        """
        return now.stamp != before.stamp or set(now.tags) == set(before.tags)

    def look(self, items: Sequence[Item]) -> Readings:
        return self._reader.by_key(items)

    def read(self, items: Sequence[Item]) -> Readings:
        """Return what the assets show; what has just changed is read until it no longer does.

        Raises `LibraryError`, also when cancelled: what is changing is no problem of its own.
        """
        read = self.look(items)
        moving = [item for item in items if self.is_young(read[item.key])]
        for _look in range(_MOST_LOOKS):
            if not moving:
                break
            if not wait(self.pace.settle_s):
                raise LibraryUnavailable("Stopped while Immich was changing what is to be read.")
            again = self.look(moving)
            moving = [each for each in moving if _has_moved(read[each.key], again[each.key])]
            read |= again
        for item in moving:
            read[item.key] = NotRead(item.key, "Immich keeps changing it; scan again later.")
        return read

    def read_to_write(self, items: Sequence[Item]) -> tuple[Readings, set[str]]:
        """Return what the assets show right now, and the keys of those that are changing."""
        read = self.look(items)
        young = [item.key for item in items if self.is_young(read[item.key])]
        if not young:
            return read, set()
        wait(self.pace.settle_s)
        again = self.look(items)
        return again, {key for key in young if _has_moved(read[key], again[key])}

    def wait(self, before: Mapping[Item, Shown]) -> Readings:
        """Wait until Immich is done with assets that were written, and return what they show.

        Those with which it is not are left out.
        """
        settled: Readings = {}
        left = dict(before)
        moved_at_s: dict[tuple[str, str | None], float] = {}
        until_s, look_s = time.monotonic() + self.pace.moved_within_s, self.pace.look_s
        while left and time.monotonic() < until_s and wait(look_s):
            asked_at_s = time.monotonic()
            read = self.look(list(left))
            for item in list(left):
                reading = read[item.key]
                if isinstance(reading, ShownByImmich):
                    if reading.stamp == left[item].stamp:
                        continue
                    # The clock of the database, which dates it, may not be that of the server.
                    first_s = moved_at_s.setdefault((item.key, reading.stamp), asked_at_s)
                    is_old = asked_at_s - first_s >= self.pace.settle_s
                    if not is_old and self.is_young(reading):
                        continue
                settled[item.key] = reading
                del left[item]
            look_s = min(2 * look_s, self.pace.settle_s)
        return settled

    def is_young(self, reading: Shown | NotRead) -> bool:
        """Whether Immich may still be at work on what was read."""
        if isinstance(reading, NotRead) or not reading.stamp:
            return False
        with suppress(ValueError, TypeError):
            age = self._client().server_now() - datetime.fromisoformat(reading.stamp)
            return age.total_seconds() < self.pace.settle_s
        return False


def _has_moved(before: Shown | NotRead, now: Shown | NotRead) -> bool:
    return isinstance(now, Shown) and isinstance(before, Shown) and now.stamp != before.stamp
