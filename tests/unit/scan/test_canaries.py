"""The first write to a section is one write, verified, before any other is sent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock, Thread
from time import sleep

import pytest

from tests.world import World
from tigertag.contracts import EditOutcome
from tigertag.core import Core
from tigertag.errors import LibraryError
from tigertag.libraries.folder import FolderLibrary
from tigertag.model import Edit, Shown
from tigertag.scan import session
from tigertag.scan.runner import Runner
from tigertag.scan.write import WriteStage
from tigertag.services import scan_status, scans
from tigertag.store import Db, Store, schema
from tigertag.store import scans as scan_rows
from tigertag.store.scans import ScanRow

pytestmark = pytest.mark.slow

SEND = FolderLibrary.send
READ = FolderLibrary.read_tags


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    made = World(tmp_path, database_url)
    for number in range(80):
        made.picture(f"{number}.png", "red")
    yield made
    made.close()


class Wiping:
    """A library that ruins the rest of each item that is written, and says so itself or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, tells: bool) -> None:
        self.ruined: set[str] = set()
        self.lock = Lock()
        self.tells = tells
        monkeypatch.setattr(FolderLibrary, "send", lambda library, edits: self.send(library, edits))
        monkeypatch.setattr(FolderLibrary, "read_tags", lambda lib, some: self.read(lib, some))

    def send(self, library: FolderLibrary, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            with self.lock:
                self.ruined.add(edit.item.key)
            if self.tells:
                raise LibraryError("It lost more than its tags. All writing has stopped.")
            for outcome in SEND(library, [edit]):
                assert outcome.after is not None
                yield replace(outcome, after=replace(outcome.after, rest="ruined"))

    def read(self, library: FolderLibrary, some: Sequence[object]) -> Iterator[object]:
        for one in READ(library, some):  # type: ignore[arg-type]
            if isinstance(one, Shown) and one.key in self.ruined:
                yield replace(one, rest="ruined")
            else:
                yield one


def work_on(world: World, scan_id: int, *, lease_s: float = 60.0, runners: int = 3) -> list[str]:
    """Let runners with databases of their own, as processes have them, work on a scan."""
    errors: list[str] = []

    def work() -> None:
        store = Store(world.store.url.render_as_string(hide_password=False))
        try:
            core = replace(world.core, store=store, lease_s=lease_s)
            Runner(core, scan_id).run()
        except LibraryError as exc:
            errors.append(str(exc))
        finally:
            store.close()

    threads = [Thread(target=work) for _ in range(runners)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return errors


@pytest.fixture
def slow_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that take their time to say that a scan has failed."""
    fail = session.fail

    def fail_late(core: Core, scan_id: int, reason: str) -> None:
        sleep(0.3)
        fail(core, scan_id, reason)

    monkeypatch.setattr(session, "fail", fail_late)


def slowly(get: Callable[[Db, int], ScanRow]) -> Callable[[Db, int], ScanRow]:
    def get_slowly(db: Db, scan_id: int) -> ScanRow:
        row = get(db, scan_id)
        sleep(0.05)
        return row

    return get_slowly


@pytest.mark.usefixtures("slow_to_fail")
@pytest.mark.parametrize("tells", [True, False])
def test_a_server_that_wipes_with_each_write_harms_one_item(
    world: World, monkeypatch: pytest.MonkeyPatch, tells: bool
) -> None:
    wiping = Wiping(monkeypatch, tells=tells)
    scan_id = world.start("apply")
    errors = work_on(world, scan_id)
    assert len(wiping.ruined) == 1
    assert (len(errors), scan_status.status(world.core, scan_id).scan.state) == (1, "failed")


def test_nothing_is_written_beside_a_first_write_that_takes_longer_than_a_lease(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_the_end: list[str] = []
    slow = Event()

    def send(library: FolderLibrary, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        if not slow.is_set():
            before_the_end.extend(edit.item.key for edit in edits)
            if len(before_the_end) == 1:
                sleep(3.0)
                slow.set()
        return SEND(library, edits)

    monkeypatch.setattr(FolderLibrary, "send", send)
    scan_id = world.start("apply")
    assert work_on(world, scan_id, lease_s=1.5) == []
    assert len(before_the_end) == 1
    assert scan_status.status(world.core, scan_id).done == 80


def test_a_first_write_that_a_crash_cut_off_is_looked_at_before_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_writeback: WriteStage, _chunk: object, _outcomes: object) -> None:
        raise Killed

    wiping = Wiping(monkeypatch, tells=False)
    scan_id = world.start("apply")
    with monkeypatch.context() as patch:
        patch.setattr(WriteStage, "_conclude", die)
        with pytest.raises(Killed):
            world.run(scan_id)
    assert len(wiping.ruined) == 1
    with monkeypatch.context() as patch:
        # Between two statements of one transaction PostgreSQL shows what others have committed.
        patch.setattr("tigertag.store.scans.get", slowly(scan_rows.get))
        with pytest.raises(LibraryError, match="changed more than its tags"):
            world.run(scan_id)
    assert len(wiping.ruined) == 1
    with pytest.raises(LibraryError, match="changed more than its tags"):
        world.scan("apply")
    assert len(wiping.ruined) == 2


def test_a_first_write_that_a_crash_cut_off_and_that_did_no_harm_holds_nothing_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_writeback: WriteStage, _chunk: object, _outcomes: object) -> None:
        raise Killed

    scan_id = world.start("apply")
    with monkeypatch.context() as patch:
        patch.setattr(WriteStage, "_conclude", die)
        with pytest.raises(Killed):
            world.run(scan_id)
    world.let_leases_run_out()
    assert world.run(scan_id).done == 80
    assert {name for number in range(80) for name in world.tags(f"{number}.png")} == {"red"}


@pytest.mark.usefixtures("slow_to_fail")
def test_an_undo_makes_its_first_write_alone_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = world.scan("apply").scan.id
    with world.store.write() as db:
        db.exec_driver_sql("UPDATE sections SET canary = 'none'")
    wiping = Wiping(monkeypatch, tells=True)
    assert len(work_on(world, scans.undo(world.core, applied))) == 1
    assert len(wiping.ruined) == 1


def test_who_loses_its_chunk_over_the_first_write_keeps_no_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "slept"
    root.mkdir()
    world = World(root, f"sqlite:///{root}/slept.db")
    taken = Lock()

    def sleeping(library: FolderLibrary, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        if taken.acquire(blocking=False):
            with world.store.write() as db:
                chunks = schema.chunks
                of_another = {"token": chunks.c.token + 1, "state": "queued", "lease_until": 0}
                db.execute(chunks.update().where(chunks.c.state == "leased").values(of_another))
        return SEND(library, edits)

    monkeypatch.setattr(FolderLibrary, "send", sleeping)
    for number in range(4):
        world.picture(f"{number}.png", "red")
    assert world.scan("apply").scan.state == "done"
    world.close()
