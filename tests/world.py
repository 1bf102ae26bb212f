"""A small world to scan: a folder of one-coloured pictures, and an engine that names colours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from tests.colours import COLOURS, ColourEngine
from tests.sqlite import make_migrated
from tests.unit.policy.trees import TREE
from tigertag.breakers import CircuitBreakers
from tigertag.contracts import AnyEngine, Host, Library, RunContext, Sampling
from tigertag.core import Core, EngineEntry, LibraryEntry
from tigertag.libraries import folder
from tigertag.model import Edit, Field, Rule, Shown, TagRef
from tigertag.net import HttpClient
from tigertag.scan import context
from tigertag.scan.listing import ListingStage
from tigertag.services import scan_status, scans
from tigertag.services.scan_status import Status
from tigertag.services.scans import Request
from tigertag.store import Store, chunks, schema
from tigertag.store import scans as scans_store
from tigertag.store.chunks import FAR


class World:
    """Pictures in a folder, a database, and a core over both."""

    def __init__(self, root: Path, database_url: str) -> None:
        self.home = root
        self.photos = root / "photos"
        self.photos.mkdir()
        self.engine = ColourEngine()
        self.engines: list[AnyEngine] = [self.engine]
        self.rules: tuple[Rule, ...] = ()
        self.terms: dict[str, dict[str, Any]] = {}
        self.circuits = CircuitBreakers()
        self.poll_s = 0.02
        self.store = Store(database_url)
        if self.store.sqlite_path is not None:
            make_migrated(self.store.sqlite_path)
        self.host = Host(root / "models", HttpClient())
        self.library: Library = folder.build("photos", folder.Options(path=self.photos), self.host)
        self.sampling = Sampling()
        self.skip_tags: tuple[str, ...] = ()

    def picture(self, name: str, colour: str, *, side_px: int = 16) -> Path:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (side_px, side_px), COLOURS[colour]).save(path)
        return path

    @property
    def core(self) -> Core:
        entries = tuple(
            EngineEntry(one.id, "test", one, "", 0.5, 10, **self.terms.get(one.id, {}))
            for one in self.engines
        )
        library = LibraryEntry(
            "photos", "tigertag.folder", self.library, "", self.sampling, self.skip_tags
        )
        return Core(
            self.host,
            self.store,
            TREE,
            entries,
            (library,),
            self.rules,
            workers=2,
            lease_s=5.0,
            home=self.home,
            poll_s=self.poll_s,
            circuits=self.circuits,
        )

    def start(self, write: str = "preview", mode: str = "changed") -> int:
        return scans.start(self.core, Request("photos", None, mode, write))

    def run_listing(self, scan_id: int) -> None:
        """List the items of a scan, and do no more of it."""
        core = self.core
        with self.store.write() as db:
            scan = context.make(core, db, scans_store.get(db, scan_id), self.library)
            chunk = chunks.lease(db, scan_id, owner="test", lease_s=5.0)
        assert chunk is not None
        ListingStage(self.core, scan).run(chunk, RunContext())
        with self.store.write() as db:
            chunks.finish(db, chunk)

    def run(self, scan_id: int) -> Status:
        scans.run(self.core, scan_id).run()
        return scan_status.status(self.core, scan_id)

    def scan(self, write: str = "preview", mode: str = "changed") -> Status:
        return self.run(self.start(write, mode))

    def scan_with(self, engine: str) -> Status:
        request = Request("photos", None, "changed", "apply", (engine,))
        return self.run(scans.start(self.core, request))

    def state(self, scan_id: int) -> str:
        with self.store.read() as db:
            return scans_store.get(db, scan_id).state

    def make_due(self, scan_id: int) -> None:
        """Let the time come for which a scan's chunks wait, but for those that have to be woken."""
        waits = schema.chunks.c.due_at
        where = (schema.chunks.c.scan_id == scan_id, waits > 0, waits < FAR)
        with self.store.write() as db:
            db.execute(schema.chunks.update().where(*where).values(due_at=1.0))

    def let_leases_run_out(self) -> None:
        with self.store.write() as db:
            held = schema.chunks.c.state == "leased"
            db.execute(schema.chunks.update().where(held).values(lease_until=0.0))

    def forget_circuits(self) -> None:
        """Let the time come for which engines that are down are left alone."""
        self.circuits = CircuitBreakers()

    def apply(self, scan_id: int) -> Status:
        return self.run(scans.apply(self.core, scan_id))

    def undo(self, scan_id: int) -> Status:
        return self.run(scans.undo(self.core, scan_id))

    def tags(self, name: str) -> set[str]:
        """The tags that the picture bears now."""
        (section,) = self.library.sections()
        (item,) = [item for item in self.library.items(section) if item.key == name]
        (seen,) = self.library.read_tags([item])
        assert isinstance(seen, Shown)
        return {ref.name for ref in seen.tags}

    def set_tags(self, name: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Change a picture's tags as a user would, behind TigerTag's back."""
        (section,) = self.library.sections()
        (item,) = [item for item in self.library.items(section) if item.key == name]
        adds = tuple(TagRef(Field.TAG, word) for word in add)
        removes = tuple(TagRef(Field.TAG, word) for word in remove)
        list(self.library.send([Edit(item, adds, removes)]))

    def close(self) -> None:
        self.store.close()
