"""What crashes, bugs and races may do to a scan, and what they may not."""

from collections.abc import Iterator, Sequence
from threading import Event, Thread

import pytest

from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import EditOutcome, Failed, NotRead
from tigertag.errors import Conflict, LibraryError
from tigertag.libraries.folder import FolderLibrary
from tigertag.model import Edit, Item, Label, Rule, RuleAction, Shown
from tigertag.scan.write import WriteStage
from tigertag.services import rules, scans

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process dies here."""


def die_before_concluding(world: World, monkeypatch: pytest.MonkeyPatch, write: str) -> int:
    """Run a scan that dies after its tags were written, before it could say so."""

    scan_id = world.start(write)
    runner = scans.run(world.core, scan_id)

    def die(_writeback: WriteStage, _chunk: object, _outcomes: object) -> None:
        # No thread of a process that dies goes on with what another one has left.
        runner.stop.set()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(WriteStage, "_conclude", die)
        with pytest.raises(Killed):
            runner.run()
    return scan_id


def test_a_removal_that_a_crash_cut_off_is_no_tombstone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    rules.add(world.core, Rule(RuleAction.DENY, "red"))
    world.run(die_before_concluding(world, monkeypatch, "apply"))
    rules.remove(world.core, 1)
    world.scan("apply")
    assert world.tags("a.png") == {"red"}


def test_a_scan_that_was_cut_off_and_cancelled_can_be_undone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")
    scan_id = die_before_concluding(world, monkeypatch, "apply")
    scans.cancel(world.core, scan_id)
    world.undo(scan_id)
    assert world.tags("a.png") == set()


def test_what_was_written_before_a_crash_is_counted_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")
    status = world.run(die_before_concluding(world, monkeypatch, "apply"))
    assert (status.adds, status.scan.state) == (1, "done")


def test_a_new_scan_waits_until_a_cancelled_one_has_let_go(world: World) -> None:
    world.picture("a.png", "red")
    sending, go_on = Event(), Event()
    send = FolderLibrary.send

    def send_slowly(library: FolderLibrary, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        sending.set()
        go_on.wait()
        return send(library, edits)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FolderLibrary, "send", send_slowly)
        scan_id = world.start("apply")
        runner = Thread(target=scans.run(world.core, scan_id).run)
        runner.start()
        sending.wait()
        scans.cancel(world.core, scan_id)
        with pytest.raises(Conflict, match="still ending"):
            scans.undo(world.core, scan_id)
        go_on.set()
        runner.join()
    world.undo(scan_id)
    assert world.tags("a.png") == set()


def test_a_canary_that_went_wrong_stops_every_worker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        world.picture(f"{number}.png", "red")
    ruined: list[str] = []

    def ruin(_library: FolderLibrary, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            ruined.append(edit.item.key)
            yield EditOutcome(edit.item.key, Shown(edit.item.key, edit.adds, rest="ruined"))

    monkeypatch.setattr(FolderLibrary, "send", ruin)
    with pytest.raises(LibraryError, match="changed more than its tags"):
        world.scan("apply")
    assert len(ruined) == 1


def test_a_canary_that_could_not_be_written_is_followed_by_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")
    world.picture("b.png", "red")
    batches: list[int] = []
    send = FolderLibrary.send

    def refuse_a(library: FolderLibrary, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        batches.append(len(edits))
        for edit in edits:
            if edit.item.key == "a.png":
                yield EditOutcome("a.png", None, "refused")
            else:
                yield from send(library, [edit])

    monkeypatch.setattr(FolderLibrary, "send", refuse_a)
    status = world.scan("apply")
    assert (batches, status.failures) == ([1, 1], (("a.png", "refused"),))


def test_an_item_of_which_the_library_says_nothing_has_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")
    monkeypatch.setattr(FolderLibrary, "send", lambda _library, _edits: iter(()))
    status = world.scan("apply")
    assert (status.todo, status.failed) == (0, 1)


def test_a_bug_of_the_library_in_reading_tags_fails_its_items_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")

    def stumble(_library: FolderLibrary, _items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        raise KeyError("bug")

    monkeypatch.setattr(FolderLibrary, "read_tags", stumble)
    status = world.scan("apply")
    assert (status.scan.state, status.failed) == ("done", 1)


def test_a_scan_goes_on_when_one_of_its_engines_was_switched_off(world: World) -> None:
    other = ColourEngine("other")
    world.engines.append(other)
    world.picture("a.png", "red")
    scan_id = world.start("apply")
    world.run_listing(scan_id)
    world.engines.remove(other)
    status = world.run(scan_id)
    assert (set(status.waiting), world.tags("a.png")) == ({"other"}, {"red"})


def test_the_tags_of_one_engine_are_applied_when_another_failed(world: World) -> None:
    world.engines.append(ColourEngine("bad", fails={"red": Failed("", "no", retryable=False)}))
    world.picture("a.png", "red")
    preview = world.scan()
    assert (preview.failed, preview.adds) == (1, 1)
    world.apply(preview.scan.id)
    assert world.tags("a.png") == {"red"}


def test_what_failed_for_good_is_not_asked_again_for_a_new_rule(world: World) -> None:
    world.engine.fails = {"red": Failed("", "refused", retryable=False)}
    world.picture("a.png", "red")
    world.scan("apply")
    rules.add(world.core, Rule(RuleAction.DENY, "blue"))
    world.scan("apply")
    assert world.engine.asked == ["red"]


def test_a_scan_of_one_engine_leaves_the_tags_of_another_as_they_are(world: World) -> None:
    other = ColourEngine("other")
    world.engines.append(other)
    world.picture("a.png", "red")
    for fingerprint in ("1", "2", "1"):
        world.engine.fingerprint = fingerprint
        world.engine.extra = (Label("warm", 0.9),) if fingerprint == "1" else ()
        world.scan("apply")
    world.scan_with("other")
    assert world.tags("a.png") == {"red", "warm"}


def test_names_that_no_tag_can_bear_are_tidied(world: World) -> None:
    odd = (Label("a\ud800b\x00 c", 0.9), Label(" ", 0.9), Label("x" * 900, 0.9))
    world.engine.extra = odd
    world.picture("a.png", "red")
    world.scan("apply")
    assert world.tags("a.png") == {"red", "a b c", "x" * 200}
