"""What this server may do wrong, once, some times, or from now on."""

from tests.server_faults import Fault
from tests.server_faults import Faults as Base

KINDS = ("html", "empty", "garbled", "reset", "silent", "lost", "too big", "nonsense", "down")


class Faults(Base):
    """Those of the fake Plex, with kinds of its own: see `CompreFaceServer.fail`."""

    def add(self, kind: int | str, *, at: str, after: int, times: float) -> None:
        if isinstance(kind, str) and kind not in KINDS:
            raise ValueError(f"{kind!r} is none of {KINDS}")
        self._coming.append(Fault(kind, at, after, times))
