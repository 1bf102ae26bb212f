"""Scans from beginning to end, over a real folder and a real database."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import pytest

from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import EditOutcome, Failed, Library, Outcome, RunContext
from tigertag.errors import (
    AuthFailed,
    Conflict,
    LibraryError,
    LibraryReadOnly,
    StoreFull,
    Unavailable,
)
from tigertag.libraries.folder import FolderLibrary
from tigertag.model import Edit, Item, Rule, RuleAction, Sample, Section, Shown
from tigertag.services import rules, scan_status, scans
from tigertag.store import chunks


def test_a_preview_says_what_it_would_write_and_writes_nothing(world: World) -> None:
    world.picture("a.png", "red")
    status = world.scan()
    assert (status.scan.state, status.adds, world.tags("a.png")) == ("done", 1, set())
    assert list(world.photos.iterdir()) == [world.photos / "a.png"]


def test_an_applied_scan_writes_its_tags(world: World) -> None:
    world.picture("a.png", "red")
    world.picture("sub/b.png", "blue")
    world.scan("apply")
    assert (world.tags("a.png"), world.tags("sub/b.png")) == ({"red"}, {"blue"})


def test_what_is_unchanged_is_neither_asked_about_nor_opened(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    monkeypatch.setattr(type(world.library), "fetch", None)
    monkeypatch.setattr(type(world.library), "read_tags", None)
    status = world.scan("apply")
    assert (status.scan.unchanged, status.total, world.engine.asked) == (1, 0, ["red"])


def test_a_preview_that_was_not_applied_is_shown_again_without_asking(world: World) -> None:
    world.picture("a.png", "red")
    world.scan()
    assert (world.scan().adds, world.engine.asked) == (1, ["red"])


def test_a_picture_that_changed_is_asked_about_again(world: World) -> None:
    world.picture("a.png", "red")
    world.picture("b.png", "red")
    world.scan("apply")
    world.picture("a.png", "blue", side_px=32)
    world.scan("apply")
    assert (world.tags("a.png"), world.engine.asked) == ({"blue"}, ["red", "red", "blue"])


def test_a_new_rule_decides_again_without_asking(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    rules.add(world.core, Rule(RuleAction.DENY, "red"))
    world.scan("apply", "decide")
    assert (world.tags("a.png"), world.engine.asked) == (set(), ["red"])


def test_a_forced_scan_asks_anew_once(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    world.scan("apply", "force")
    assert world.engine.asked == ["red", "red"]


def test_a_tag_that_the_user_took_off_stays_off_also_through_force(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    world.set_tags("a.png", remove=["red"])
    world.scan("apply")
    world.scan("apply", "force")
    assert world.tags("a.png") == set()


def test_a_lifted_tombstone_lets_the_next_scan_add_the_tag(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    world.set_tags("a.png", remove=["red"])
    world.scan("apply")
    assert rules.lift(world.core, [], word="Red") == 1
    world.scan("apply")
    assert world.tags("a.png") == {"red"}


def test_the_users_own_tag_is_never_removed(world: World) -> None:
    world.picture("a.png", "red")
    world.set_tags("a.png", add=["Red", "holiday"])
    world.scan("apply")
    world.engine.fingerprint = "colour-2"
    rules.add(world.core, Rule(RuleAction.DENY, "red"))
    world.scan("apply")
    assert world.tags("a.png") == {"Red", "holiday"}


def test_applying_a_preview_asks_no_engine(world: World) -> None:
    world.picture("a.png", "red")
    preview = world.scan()
    status = world.apply(preview.scan.id)
    assert (world.tags("a.png"), status.adds, world.engine.asked) == ({"red"}, 1, ["red"])
    assert world.scan("apply").scan.unchanged == 1


def test_applying_a_preview_reads_the_items_again(world: World) -> None:
    world.picture("a.png", "red")
    preview = world.scan()
    world.set_tags("a.png", add=["RED"])
    assert world.apply(preview.scan.id).adds == 0


def test_an_undo_takes_back_only_what_still_stands(world: World) -> None:
    world.picture("a.png", "red")
    world.picture("b.png", "red")
    done = world.scan("apply")
    world.set_tags("a.png", add=["own"])
    world.set_tags("b.png", remove=["red"])
    status = world.undo(done.scan.id)
    assert (world.tags("a.png"), world.tags("b.png"), status.removes) == ({"own"}, set(), 1)


def test_what_was_undone_is_held_off_until_it_is_applied_again(world: World) -> None:
    world.picture("a.png", "red")
    done = world.scan("apply")
    world.undo(done.scan.id)
    world.scan("apply", "force")
    assert world.tags("a.png") == set()
    world.apply(done.scan.id)
    assert world.tags("a.png") == {"red"}


def test_undoing_an_undo_brings_the_tags_back(world: World) -> None:
    world.picture("a.png", "red")
    undone = world.undo(world.scan("apply").scan.id)
    redone = world.undo(undone.scan.id)
    assert (redone.scan.kind, world.tags("a.png")) == ("redo", {"red"})
    world.undo(redone.scan.id)
    assert world.tags("a.png") == set()


def test_undoing_a_removal_keeps_the_tag_from_being_removed_again(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    rules.add(world.core, Rule(RuleAction.DENY, "red"))
    removed = world.scan("apply")
    world.undo(removed.scan.id)
    world.scan("apply")
    assert world.tags("a.png") == {"red"}


def test_a_preview_cannot_be_undone(world: World) -> None:
    world.picture("a.png", "red")
    preview = world.scan()
    with pytest.raises(Conflict, match="wrote nothing"):
        scans.undo(world.core, preview.scan.id)


def test_an_engine_that_cannot_go_on_lets_the_others_work(world: World) -> None:
    down = ColourEngine(id="down", raises={"open": Unavailable("down for now")})
    world.engines.append(down)
    world.picture("a.png", "red")
    status = world.scan("apply")
    assert (world.tags("a.png"), dict(status.waiting)) == ({"red"}, {"down": "down for now"})


def test_what_waited_for_an_engine_is_asked_by_the_next_scan(world: World) -> None:
    world.engine.raises = {"red": AuthFailed("refused")}
    world.picture("a.png", "red")
    world.scan("apply")
    world.engine.raises = {}
    world.scan("apply")
    assert world.tags("a.png") == {"red"}


def test_an_engine_that_fails_keeps_the_tags_it_gave(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    world.engine.fingerprint = "colour-2"
    world.engine.raises = {"open": Unavailable("down for now")}
    world.scan("apply")
    assert world.tags("a.png") == {"red"}


def test_an_engine_that_is_gone_keeps_the_tags_it_gave(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    world.engines[:] = [ColourEngine(id="other", extra=())]
    world.scan("apply")
    assert world.tags("a.png") == {"red"}


def test_a_bug_in_an_engine_fails_the_item_it_stumbles_over_alone(world: World) -> None:
    world.engine.raises = {"green": RuntimeError("bug")}
    for name, colour in (("a.png", "red"), ("b.png", "green"), ("c.png", "blue")):
        world.picture(name, colour)
    status = world.scan("apply")
    assert [key for key, _reason in status.failures] == ["b.png"]
    assert (status.scan.state, world.tags("c.png")) == ("done", {"blue"})


def test_a_broken_picture_fails_alone_and_is_not_tried_in_vain(world: World) -> None:
    world.picture("a.png", "red")
    (world.photos / "broken.jpg").write_bytes(b"no picture")
    first, second = world.scan("apply"), world.scan("apply")
    assert (first.failed, first.done, second.scan.unchanged) == (1, 1, 2)


def test_an_answer_that_failed_for_now_is_asked_for_again(world: World) -> None:
    world.engine.fails = {"red": Failed("", "busy", retryable=True)}
    world.picture("a.png", "red")
    assert world.scan("apply").failed == 1
    world.engine.fails = {}
    assert world.scan("apply").done == 1


def test_a_picture_that_vanishes_fails_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = world.picture("a.png", "red")
    world.picture("b.png", "blue")
    items = type(world.library).items

    def items_then_vanish(
        library: FolderLibrary, section: Section, _since: datetime | None = None
    ) -> Iterator[Item]:
        yield from items(library, section)
        gone.unlink(missing_ok=True)

    monkeypatch.setattr(type(world.library), "items", items_then_vanish)
    status = world.scan("apply")
    assert (status.failed, status.done, world.engine.asked) == (1, 1, ["blue"])


def test_a_second_scan_of_a_section_is_refused_while_one_is_active(world: World) -> None:
    world.start()
    with pytest.raises(Conflict, match="Scan 1"):
        world.start("apply")


def test_a_paused_scan_goes_on_where_it_was(world: World) -> None:
    for number in range(40):
        world.picture(f"{number}.png", "red")
    scan_id = world.start("apply")
    scans.pause(world.core, scan_id)
    assert scan_status.status(world.core, scan_id).scan.state == "paused"
    scans.resume(world.core, scan_id)
    assert (world.run(scan_id).done, len(world.engine.asked)) == (40, 40)


def test_a_cancelled_scan_does_nothing_more(world: World) -> None:
    world.picture("a.png", "red")
    scan_id = world.start("apply")
    scans.cancel(world.core, scan_id)
    scans.run(world.core, scan_id).run()
    assert (world.engine.asked, world.tags("a.png")) == ([], set())


def test_a_first_write_that_changes_more_than_tags_stops_all_writing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        world.picture(name, "red")
    sent: list[str] = []

    def ruin(_library: Library, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            sent.append(edit.item.key)
            yield EditOutcome(edit.item.key, Shown(edit.item.key, edit.adds, rest="ruined"))

    monkeypatch.setattr(type(world.library), "send", ruin)
    scan_id = world.start("apply")
    with pytest.raises(LibraryError, match="changed more than its tags"):
        world.run(scan_id)
    assert (len(sent), scan_status.status(world.core, scan_id).scan.state) == (1, "failed")


def test_a_read_only_library_ends_the_scan_with_one_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")

    def refuse(_library: Library, _edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        raise LibraryReadOnly("The folder is read-only.")

    with monkeypatch.context() as patch:
        patch.setattr(type(world.library), "send", refuse)
        with pytest.raises(LibraryReadOnly):
            world.scan("apply")
    assert scan_status.status(world.core, 1).scan.error == "The folder is read-only."
    assert (world.scan("apply").adds, len(world.engine.asked)) == (1, 1)


def test_a_full_database_keeps_what_was_committed(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    with world.store.read() as db:
        pages = db.exec_driver_sql("PRAGMA page_count").scalar_one()
        db.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    for number in range(200):
        world.picture(f"{number}.png", "blue")
    with pytest.raises(StoreFull, match="committed is kept"):
        world.scan("apply", "force")
    assert world.tags("a.png") == {"red"}


def test_an_answer_that_comes_after_the_lease_was_lost_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")
    tag = ColourEngine.tag

    def tag_slowly(
        engine: ColourEngine, batch: Sequence[Sample], run: RunContext
    ) -> Iterator[Outcome]:
        yield from tag(engine, batch, run)
        with world.store.write() as db:
            db.exec_driver_sql("UPDATE chunks SET token = token + 1, lease_until = 0")

    monkeypatch.setattr(ColourEngine, "tag", tag_slowly)
    world.scan("apply")
    assert (world.engine.asked, world.tags("a.png")) == (["red"], {"red"})


def test_an_edit_that_a_crash_cut_off_is_found_out(world: World) -> None:
    """The tag was written, the program died before it could say so: it is ours all the same."""
    world.picture("a.png", "red")
    world.scan("apply")
    with world.store.write() as db:
        db.exec_driver_sql("UPDATE edits SET state = 'planned', after = ''")
        db.exec_driver_sql("DELETE FROM standing")
        db.exec_driver_sql("UPDATE items SET settled = ''")
    rules.add(world.core, Rule(RuleAction.DENY, "red"))
    world.scan("apply")
    assert world.tags("a.png") == set()


def test_a_chunk_whose_lease_ran_out_is_taken_over(world: World) -> None:
    world.picture("a.png", "red")
    scan_id = world.start("apply")
    with world.store.write() as db:
        chunks.lease(db, scan_id, owner="dead", lease_s=0.0)
    assert world.run(scan_id).done == 1


def test_an_item_over_which_the_program_dies_is_left_out_in_the_end(world: World) -> None:
    world.picture("a.png", "red")
    world.picture("b.png", "blue")
    scan_id = world.start("apply")
    world.run_listing(scan_id)
    with world.store.write() as db:
        db.exec_driver_sql("UPDATE chunks SET attempts = 5 WHERE kind = 'items'")
        db.exec_driver_sql("UPDATE work SET attempts = 8 WHERE id = 1")
    status = world.run(scan_id)
    assert [reason for _key, reason in status.failures] == [
        "TigerTag crashed 8 times on this item; it is skipped."
    ]
    assert (status.scan.state, len(world.engine.asked)) == ("done", 1)
