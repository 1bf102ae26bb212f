"""An engine that knows faces, and enrols them as slowly as it is told to."""

from dataclasses import dataclass, field
from threading import Event

from tests.colours import ColourEngine
from tigertag.contracts import Enrolled, RunContext

LEFT_OUT = "faces.yaml, line 4: ada.png is left out: CompreFace finds no face in it."


@dataclass
class FaceEngine(ColourEngine):
    """`enrol` raises what it is told to, waits while it is to `rest`, and counts its beginnings."""

    id: str = "who"
    fingerprint: str = "who-1"
    local: bool = False
    refuses: Exception | None = None
    rest: bool = False
    go: Event = field(default_factory=Event)
    begun: int = 0

    def enrol(self, run: RunContext, *, by_itself: bool = False) -> Enrolled:
        self.begun += 1
        assert not self.rest or self.go.wait(10)
        if self.refuses is not None:
            raise self.refuses
        return Enrolled(3, 1, (LEFT_OUT,))
