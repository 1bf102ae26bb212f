"""A core that scans the section "Photos" of a place."""

from pathlib import Path
from typing import Any

from PIL import Image

from tests.colours import COLOURS, ColourEngine
from tests.sqlite import make_migrated
from tests.unit.libraries.server_place import ServerPlace
from tests.unit.media.pictures import encoded
from tests.unit.policy.trees import TREE
from tigertag.contracts import Host, Sampling
from tigertag.core import Core, EngineEntry, LibraryEntry
from tigertag.services import scan_status, scans
from tigertag.services.scan_status import Status
from tigertag.services.scans import Request
from tigertag.store import Store

PICTURES = {name: encoded(Image.new("RGB", (40, 30), rgb), "JPEG") for name, rgb in COLOURS.items()}


class Scanned(ServerPlace):
    """A place that is scanned by an engine that sees colours, once it has begun."""

    engine: ColourEngine

    def begin(
        self, home: Path, *, engine: ColourEngine | None = None, sampling: Sampling | None = None
    ) -> None:
        self.engine = engine or ColourEngine()
        self._home = home
        self._sampling = sampling or Sampling()
        self._store = Store(make_migrated(home / "tigertag.db"))

    def close(self) -> None:
        self._store.close()
        super().close()

    @property
    def core(self) -> Core:
        engine = EngineEntry("colour", "test", self.engine, "", 0.5, 10)
        library = LibraryEntry("box", "test", self.library, "", self._sampling)
        host = Host(self._home, self.http)
        return Core(host, self._store, TREE, (engine,), (library,), (), workers=2, lease_s=5.0)

    def run(self, scan_id: int) -> Status:
        scans.run(self.core, scan_id).run()
        return scan_status.status(self.core, scan_id)

    def scan(self, write: str = "preview") -> Status:
        return self.run(scans.start(self.core, Request("box", "Photos", write=write)))


class Box(Scanned):
    """A place with photos of one colour each, and a core that scans it."""

    keys: dict[str, Any]
    section: Any
    edit_method: str

    @property
    def edits(self) -> int:
        """How many edits the server was sent."""
        raise NotImplementedError

    @property
    def costs_of_listing(self) -> dict[str, int]:
        """What of the server's counts a scan adds to that finds nothing to do."""
        raise NotImplementedError

    def photos(self, count: int) -> None:
        for number in range(count):
            colour = list(COLOURS)[number % 3]
            self.keys[f"{number}"] = self.server.add_photo(
                self.section, f"{number}", PICTURES[colour]
            )

    def all_tags(self) -> list[list[str]]:
        return [self.tags(name) for name in self.keys]
