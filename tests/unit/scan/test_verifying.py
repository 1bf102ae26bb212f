"""Tags that a server accepts at once and stores later, or drops, are verified before they count."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import select

from tests.fake_library import FakeLibrary
from tests.world import World
from tigertag.contracts import EditOutcome, NotRead
from tigertag.errors import LibraryError
from tigertag.model import Edit, Item, Label, Shown, TagRef
from tigertag.scan import planning, verify, write
from tigertag.scan.write import WriteStage
from tigertag.services import scan_status, scans
from tigertag.services.scan_status import Status
from tigertag.store import Db, Store, ledger, schema
from tigertag.store.chunks import Chunk
from tigertag.store.ledger import EditRow


class LateLibrary(FakeLibrary):
    """Stores what it has accepted when it is read next, unless it is busy.

    `drops`: how many times it drops the tags of an item; `loses`: items whose owner's tags go;
    `removes_one`: of the tags that an edit takes off, it takes off the first alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.busy = False
        self.drops: dict[str, int] = {}
        self.loses: set[str] = set()
        self.removes_one = False
        self.sent: list[str] = []
        self.most_open = 0
        self._accepted: dict[str, Sequence[TagRef]] = {}

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            key = edit.item.key
            self.sent.append(key)
            gone = {ref.word for ref in edit.removes[: 1 if self.removes_one else None]}
            left = [ref for ref in self.tags.get(key, ()) if ref.word not in gone]
            self.tags[key] = [*left, *edit.adds]
            self._accepted[key] = edit.adds
            self.most_open = max(self.most_open, len(self._accepted))
            yield EditOutcome(key, None, sent=True, look_again_s=0.01)

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        if not self.busy:
            for key, adds in list(self._accepted.items()):
                self._store(key, adds)
        yield from super().read_tags(items)

    def _store(self, key: str, adds: Sequence[TagRef]) -> None:
        del self._accepted[key]
        if self.drops.get(key, 0) > 0:
            self.drops[key] -= 1
            self.tags[key] = [ref for ref in self.tags[key] if ref not in adds]
        if key in self.loses:
            self.tags[key] = [ref for ref in self.tags[key] if ref in adds]
        self._touch(key)

    def forget_all(self) -> None:
        """Never store what was accepted: its queue was emptied."""
        self._accepted.clear()
        self.busy = False

    def settles(self, before: Shown, now: Shown) -> bool:
        return before.stamp != now.stamp or before.tags == now.tags

    def dropped(self, item: Item) -> LibraryError:
        return LibraryError(f"Library photos: it cannot store the tags of {item.key}.")


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "RETRY_S", 0.02)
    monkeypatch.setattr(write, "_SHORTEST_GAP_S", 0.02)


@pytest.fixture
def library(world: World) -> LateLibrary:
    library = LateLibrary()
    for number in range(30):
        library.put(f"{number}", "red")
    world.library = library
    return library


def edits(world: World, scan_id: int) -> list[EditRow]:
    with world.store.read() as db:
        return ledger.edits_where(db, ledger._edits.c.scan_id == scan_id)


def states(world: World, scan_id: int) -> set[str]:
    return {edit.state for edit in edits(world, scan_id)}


def rest(world: World, library: LateLibrary, scan_id: int | None = None) -> Status:
    """Scan while the library is busy, so that what is written first stays open."""
    library.busy = True
    scan_id = scan_id or world.start("apply")
    runner = scans.run(world.core, scan_id)
    look_again = verify.Verification.look_again

    def in_an_hour(own: verify.Verification, chunk: Chunk, item_id: int, _after_s: float) -> None:
        look_again(own, chunk, item_id, 3600.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify.Verification, "look_again", in_an_hour)
        runner.run()
    return scan_status.status(world.core, scan_id)


def cancel(world: World, scan_id: int) -> None:
    with world.store.write() as db:
        db.execute(
            schema.scans.update().where(schema.scans.c.id == scan_id).values(state="cancelled")
        )


def let_a_day_go_by(world: World, library: LateLibrary, scan_id: int) -> None:
    """Nothing that was accepted is ever stored."""
    library.forget_all()
    with world.store.write() as db:
        long_ago = datetime.now(UTC) - timedelta(hours=25)
        db.execute(schema.edits.update().values(planned_at=long_ago))
    world.make_due(scan_id)


class Killed(BaseException):
    """The process dies here."""


def kill(*_args: object) -> None:
    raise Killed


def test_tags_that_are_dropped_twice_stop_the_scan(world: World, library: LateLibrary) -> None:
    library.drops["7"] = 9
    with pytest.raises(LibraryError, match="cannot store the tags of 7"):
        world.scan("apply")
    assert library.sent.count("7") == 2
    assert library.names("7") == set()


def test_tags_that_are_dropped_once_are_written_once_more(
    world: World, library: LateLibrary
) -> None:
    library.drops |= {"3": 1, "0": 1}
    status = world.scan("apply")
    assert (status.scan.state, status.done, status.failed) == ("done", 30, 0)
    assert all(library.names(key) == {"red"} for key in library.held)
    assert library.sent.count("3") == 2
    assert status.adds == 30


def test_tags_of_the_owner_that_go_meanwhile_stop_the_scan_and_an_undo_puts_them_back(
    world: World, library: LateLibrary
) -> None:
    lost = ("5", "6", "25")
    for key in lost:
        library.tag(key, "mine")
    library.loses |= {*lost}
    scan_id = world.start("apply")
    with pytest.raises(LibraryError, match=f"mine.*undo scan {scan_id}"):
        world.run(scan_id)
    library.loses.clear()
    undone = world.undo(scan_id)
    assert (undone.scan.state, undone.failed) == ("done", 0)
    assert [library.names(key) for key in lost] == [{"mine"}] * 3
    assert not any(library.names(key) for key in library.held if key not in lost)


def test_a_loss_over_a_first_write_is_put_back_whoever_looks_at_it(
    world: World, library: LateLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_LOCAL_CHUNK", 10)
    monkeypatch.setattr(planning, "_ASK_CHUNK", 10)
    for key in library.held:
        library.tag(key, "mine")
    waiting = rest(world, library)
    (first,) = library.sent
    library.loses.add(first)
    library.drops[first] = 1
    library.busy = False
    chunks = schema.chunks
    with world.store.write() as db:
        of_first = select(schema.decisions.c.chunk_id).join(schema.items)
        of_first = of_first.where(schema.items.c.key == first)
        others = chunks.c.id.not_in(of_first)
        db.execute(chunks.update().where(others, chunks.c.state == "queued").values(due_at=1.0))
    with pytest.raises(LibraryError, match="mine"):
        world.run(waiting.scan.id)
    library.loses.clear()
    world.undo(waiting.scan.id)
    assert library.names(first) == {"mine"}


def test_what_an_undo_has_put_back_stays_the_owners(world: World, library: LateLibrary) -> None:
    library.tag("5", "mine")
    library.loses.add("5")
    scan_id = world.start("apply")
    with pytest.raises(LibraryError, match="mine"):
        world.run(scan_id)
    library.loses.clear()
    undone = world.undo(scan_id)
    world.undo(undone.scan.id)
    assert "mine" in library.names("5")


def test_a_loss_over_a_write_that_was_cut_off_stops_the_scan_that_goes_on(
    world: World, library: LateLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.scan("apply")
    library.put("new", "green")
    library.tag("new", "mine")
    library.loses.add("new")
    library.busy = True
    scan_id = world.start("apply")
    with monkeypatch.context() as patch:
        patch.setattr(WriteStage, "_conclude", kill)
        with pytest.raises(Killed):
            world.run(scan_id)
    library.busy = False
    world.let_leases_run_out()
    with pytest.raises(LibraryError, match="mine"):
        world.run(scan_id)


def test_a_loss_under_a_scan_that_was_cancelled_stops_the_next_one(
    world: World, library: LateLibrary
) -> None:
    world.scan("apply")
    library.put("new", "green")
    library.tag("new", "mine")
    library.loses.add("new")
    waiting = rest(world, library)
    cancel(world, waiting.scan.id)
    library.busy = False
    with pytest.raises(LibraryError, match=f"mine.*undo scan {waiting.scan.id}"):
        world.scan("apply")
    library.loses.clear()
    world.undo(waiting.scan.id)
    assert library.names("new") == {"mine"}


def test_nothing_counts_as_written_before_it_was_verified(
    world: World, library: LateLibrary
) -> None:
    status = rest(world, library)
    assert (status.scan.state, status.done) == ("waiting", 0)
    assert states(world, status.scan.id) == {"sent"}


def test_a_first_write_is_verified_before_a_second_one_is_made(
    world: World, library: LateLibrary
) -> None:
    waiting = rest(world, library)
    assert (len(library.sent), len(edits(world, waiting.scan.id))) == (1, 1)


def test_chunks_that_wait_for_a_first_write_leave_nothing_in_the_ledger(
    world: World, library: LateLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_LOCAL_CHUNK", 10)
    monkeypatch.setattr(planning, "_ASK_CHUNK", 10)
    waiting = rest(world, library)
    assert (len(library.sent), len(edits(world, waiting.scan.id))) == (1, 1)
    library.busy = False
    world.make_due(waiting.scan.id)
    assert world.run(waiting.scan.id).done == 30


def test_a_first_write_that_is_never_stored_holds_up_the_others_for_a_day_at_most(
    world: World, library: LateLibrary
) -> None:
    waiting = rest(world, library)
    let_a_day_go_by(world, library, waiting.scan.id)
    status = world.run(waiting.scan.id)
    assert (status.scan.state, status.done, status.failed) == ("done", 29, 1)


def test_a_first_write_that_was_not_stored_within_a_day_does_not_pass(
    world: World, library: LateLibrary
) -> None:
    waiting = rest(world, library)
    let_a_day_go_by(world, library, waiting.scan.id)
    rest(world, library, waiting.scan.id)
    assert len(library.sent) == 2


def test_what_is_open_is_verified_after_a_restart(world: World, library: LateLibrary) -> None:
    waiting = rest(world, library)
    library.busy = False
    world.make_due(waiting.scan.id)
    status = world.run(waiting.scan.id)
    assert (status.scan.state, status.done, status.failed) == ("done", 30, 0)
    assert states(world, status.scan.id) == {"verified"}
    assert len(library.sent) == 30


def test_a_preview_judges_nothing_that_is_open(world: World, library: LateLibrary) -> None:
    waiting = rest(world, library)
    cancel(world, waiting.scan.id)
    world.scan("preview")
    assert states(world, waiting.scan.id) == {"sent"}


def test_another_scan_verifies_what_an_ended_one_has_left_open(
    world: World, library: LateLibrary
) -> None:
    waiting = rest(world, library)
    cancel(world, waiting.scan.id)
    library.busy = False
    status = world.scan("apply")
    assert (status.scan.state, status.failed) == ("done", 0)
    assert states(world, waiting.scan.id) == {"verified"}
    assert len(library.sent) == 30


def test_an_item_that_is_not_stored_within_a_day_fails_alone(
    world: World, library: LateLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.scan("apply")
    library.put("new", "green")
    waiting = rest(world, library)
    monkeypatch.setattr(write, "GIVEN_UP_AFTER", timedelta(0))
    world.make_due(waiting.scan.id)
    status = world.run(waiting.scan.id)
    assert (status.scan.state, status.failed) == ("done", 1)
    assert (status.problems, library.names("new")) == (1, {"green"})


def test_an_item_that_was_verified_is_unchanged_for_the_next_scan(
    world: World, library: LateLibrary
) -> None:
    world.scan("apply")
    status = world.scan("apply")
    assert (status.todo + status.done, status.scan.unchanged) == (0, 30)


def test_an_undo_is_verified_too(world: World, library: LateLibrary) -> None:
    applied = world.scan("apply")
    undone = world.undo(applied.scan.id)
    assert (undone.scan.state, undone.done, undone.failed) == ("done", 30, 0)
    assert not any(library.names(key) for key in library.held)
    assert states(world, undone.scan.id) == {"verified"}


def test_tags_that_are_taken_off_one_after_the_other_are_not_taken_for_dropped(
    world: World, library: LateLibrary
) -> None:
    world.engine.extra = (Label("warm", 0.9), Label("bright", 0.9))
    applied = world.scan("apply")
    library.removes_one = True
    undone = world.undo(applied.scan.id)
    assert (undone.scan.state, undone.done, undone.removes) == ("done", 30, applied.adds)
    assert not any(library.names(key) for key in library.held)


def test_a_preview_beside_an_open_undo_takes_nothing_for_removed_by_the_user(
    world: World, library: LateLibrary
) -> None:
    applied = world.scan("apply")
    undone = rest(world, library, scans.undo(world.core, applied.scan.id))
    assert states(world, undone.scan.id) == {"sent"}
    world.scan("preview", "force")
    with world.store.read() as db:
        assert ledger.tombstones(db) == []


def test_waiting_for_a_verification_costs_little(
    world: World, library: LateLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "gap_s", lambda _edits: 8.0)
    library.busy = True
    run = scans.run(world.core, world.start("apply"))
    writes: list[Store] = []
    calm: list[int] = []
    write_of = Store.write

    def counted(store: Store) -> AbstractContextManager[Db]:
        writes.append(store)
        return write_of(store)

    def watch() -> None:
        # Until it waits it has work, for as long as the machine is slow.
        for _second in range(30):
            before = len(writes)
            time.sleep(1)
            if len(writes) - before < 12:
                calm.append(len(writes) - before)
                break
        run.stop.set()

    send_of, watcher = library.send, Thread(target=watch)

    def sent(edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        watcher.start()
        return send_of(edits)

    monkeypatch.setattr(Store, "write", counted)
    monkeypatch.setattr(library, "send", sent)
    run.run()
    watcher.join()
    assert calm


def test_a_scan_says_that_it_waits_for_what_another_one_has_sent(
    world: World, library: LateLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel(world, rest(world, library).scan.id)
    monkeypatch.setattr(scan_status, "_LATE_STORED", timedelta(0))
    assert "the tags of 1 item;" in rest(world, library).waits["photos"]
