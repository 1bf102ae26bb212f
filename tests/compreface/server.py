"""A strict fake of CompreFace 1.2 on a real socket."""

import threading
from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

from tests.compreface.handler import Handler
from tests.server_faults import Faults
from tests.service import AtOnce
from tests.wire import FakeServer

KINDS = (
    "html",
    "empty",
    "garbled",
    "reset",
    "silent",
    "late",
    "lost",
    "too big",
    "nonsense",
    "down",
)
KEY = "00000000-0000-4000-8000-00000000c0de"
"""The key of the recognition service."""


@dataclass(slots=True)
class Example:
    """A picture of a face that is kept; `person` is whose face it shows."""

    image_id: str
    subject: str
    person: str
    picture: bytes


class CompreFaceServer(FakeServer):
    """`with CompreFaceServer() as server:` serves on `server.url`, to whoever sends `server.key`.

    What TigerTag must never ask is kept in `violations` and raised when the block ends; `wiped`
    counts the collections that were deleted. `counts` are the requests by kind, `log` their lines,
    `bodies` what they carried. `answer_s`: how long a recognition takes; `most_at_once`: how many
    were under way at once. `similarity`: of a face to somebody whose it is, `likeness` to others.
    """

    blame = "CompreFace was asked what nobody may"

    def __init__(self, *, port: int = 0, key: str = KEY) -> None:
        super().__init__(port, Handler)
        self.key = key
        self.answer_s = 0.0
        self.silence_s = 2.5
        self.retry_after = ""
        """What an error asks for."""
        self.code = 0
        """What comes with a status that was told to `fail`, but with 500."""
        self.similarity = 0.99
        self.likeness = 0.3
        self.probability = 0.95
        self.keeps_pictures = True
        self.faults = Faults(KINDS)
        self.lock = threading.RLock()
        self.examples: dict[str, Example] = {}
        self.subjects: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.log: list[str] = []
        self.bodies: list[bytes] = []
        self.wiped = 0
        self.recognitions = AtOnce()

    def fail(
        self, kind: int | str, *, at: str = "", after: int = 0, times: float = float("inf")
    ) -> None:
        """Let requests fail whose `METHOD /path?query` holds `at`.

        `kind` is a status (500 comes as 500/41), "html" or "empty" (200), "garbled" (JSON that ends
        too early), "nonsense" (JSON of another shape), "down" (502 HTML), "too big" (413 HTML),
        "reset" (before anything is done), "silent" (so is this, for `silence_s`), "late" (done, but
        only after `silence_s`, and never answered) and "lost": it is done, but the answer never
        comes. The first `after` requests that match are served, the next `times` fail; `mend()`
        ends all that.
        """
        self.faults.add(kind, at=at, after=after, times=times)

    def mend(self) -> None:
        self.faults.clear()

    def add(self, subject: str, person: str, picture: bytes = b"theirs") -> str:
        """Keep a picture, as the owner does in CompreFace's own pages; return its image_id."""
        with self.lock:
            name = self.subjects.setdefault(subject.casefold(), subject)
            example = Example(str(uuid4()), name, person, picture)
            self.examples[example.image_id] = example
            return example.image_id

    def forget_everything(self) -> None:
        """Be installed anew."""
        with self.lock:
            self.examples.clear()
            self.subjects.clear()

    def pictures_of(self, subject: str) -> int:
        with self.lock:
            return sum(one.subject == subject for one in self.examples.values())

    @property
    def most_at_once(self) -> int:
        return self.recognitions.most
