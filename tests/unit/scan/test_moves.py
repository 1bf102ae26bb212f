"""Photos that are moved or renamed stay what they are; copies do not become them."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from tests.colours import COLOURS
from tests.world import World
from tigertag.contracts import Failed
from tigertag.libraries import folder
from tigertag.model import Item, Rule, RuleAction, Section, Shown
from tigertag.scan import listing, moves
from tigertag.services import problems, scans
from tigertag.services.scans import Request
from tigertag.store import Db, items, schema
from tigertag.store.items import Move

pytestmark = pytest.mark.slow


def move(world: World, old: str, new: str, *, sidecar: bool = True) -> None:
    """Move a picture as `mv` does, with its sidecar or without."""
    source, target = world.photos / old, world.photos / new
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    beside = world.photos / f"{old}.xmp"
    if beside.exists():
        beside.rename(world.photos / f"{new}.xmp") if sidecar else beside.unlink()


def photo(world: World, name: str, colour: str, *, side_px: int = 16, seed: int = 0) -> Path:
    """A picture of a colour that has no equal."""
    path = world.photos / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", (side_px, side_px), COLOURS[colour])
    picture.putpixel((0, 0), (seed, 1, 1))
    picture.save(path)
    return path


def forget_contents(world: World) -> None:
    """Let the database be one of before contents were kept."""
    with world.store.write() as db:
        db.execute(schema.items.update().values(content="", file=""))


def count_items(world: World) -> int:
    with world.store.read() as db:
        return db.execute(select(func.count()).select_from(schema.items)).scalar_one()


@pytest.fixture
def tagged(world: World) -> World:
    """Three photos with their tags; from one of them the user has taken its tag."""
    for number, colour in enumerate(("red", "green", "blue")):
        photo(world, f"{colour}.png", colour, seed=number)
    world.scan("apply")
    world.set_tags("red.png", remove=["red"])
    world.scan("apply")
    world.engine.asked.clear()
    return world


def test_what_is_moved_is_not_asked_about_again(tagged: World) -> None:
    for colour in ("red", "green", "blue"):
        move(tagged, f"{colour}.png", f"2024/{colour}.png")
    status = tagged.scan("apply")
    assert (tagged.engine.asked, status.adds, status.removes) == ([], 0, 0)


def test_what_the_user_took_off_stays_off_where_the_photo_is_moved(tagged: World) -> None:
    move(tagged, "red.png", "2024/red.png")
    tagged.scan("apply")
    assert tagged.tags("2024/red.png") == set()


def test_what_the_user_took_off_stays_off_without_the_sidecar(tagged: World) -> None:
    move(tagged, "red.png", "2024/red.png", sidecar=False)
    tagged.scan("apply")
    tagged.scan("apply")
    assert tagged.tags("2024/red.png") == set()


def test_what_the_user_took_off_just_before_the_move_stays_off(tagged: World) -> None:
    tagged.set_tags("green.png", add=["mine"], remove=["green"])
    move(tagged, "green.png", "2024/green.png")
    tagged.scan("apply")
    assert tagged.tags("2024/green.png") == {"mine"}


def test_a_scan_is_undone_where_the_photos_are_now(world: World) -> None:
    photo(world, "a.png", "green")
    first = world.scan("apply").scan.id
    move(world, "a.png", "2024/b.png")
    world.scan("apply")
    assert world.tags("2024/b.png") == {"green"}
    assert world.undo(first).removes == 1
    assert world.tags("2024/b.png") == set()


def test_a_renamed_photo_is_the_same(tagged: World) -> None:
    move(tagged, "green.png", "meadow.png")
    tagged.scan("apply")
    assert (tagged.engine.asked, count_items(tagged)) == ([], 3)


def test_another_time_of_the_file_does_not_hide_that_it_was_moved(tagged: World) -> None:
    move(tagged, "green.png", "2024/green.png")
    os.utime(tagged.photos / "2024/green.png", (1, 1))
    tagged.scan("apply")
    tagged.scan("apply")
    assert (tagged.engine.asked, tagged.tags("2024/green.png")) == ([], {"green"})


def test_tags_that_were_left_behind_are_written_again(tagged: World) -> None:
    move(tagged, "green.png", "2024/green.png", sidecar=False)
    assert tagged.scan("preview").adds == 1
    tagged.scan("apply")
    assert tagged.tags("2024/green.png") == {"green"}


def test_an_undo_before_tags_that_were_left_behind_are_written_again_holds_them(
    world: World,
) -> None:
    photo(world, "a.png", "green")
    first = world.scan("apply").scan.id
    move(world, "a.png", "b.png", sidecar=False)
    scan_id = world.start("apply")
    world.run_listing(scan_id)
    scans.cancel(world.core, scan_id)
    world.undo(first)
    world.scan("apply")
    assert world.tags("b.png") == set()


def test_a_copy_is_another_item(tagged: World) -> None:
    shutil.copy2(tagged.photos / "red.png", tagged.photos / "copy.png")
    tagged.scan("apply")
    assert (tagged.tags("copy.png"), tagged.tags("red.png")) == ({"red"}, set())
    assert count_items(tagged) == 4


def test_a_copy_in_a_scan_of_what_is_new_is_another_item(tagged: World) -> None:
    shutil.copy2(tagged.photos / "red.png", tagged.photos / "copy.png")
    tagged.scan("apply", mode="new")
    assert (tagged.tags("copy.png"), tagged.tags("red.png")) == ({"red"}, set())


def test_a_move_is_seen_by_a_scan_of_what_is_new(tagged: World) -> None:
    move(tagged, "red.png", "2024/red.png")
    tagged.scan("apply", mode="new")
    assert (tagged.engine.asked, tagged.tags("2024/red.png")) == ([], set())


def test_what_is_edited_as_it_is_moved_is_new(tagged: World) -> None:
    move(tagged, "red.png", "2024/red.png")
    photo(tagged, "2024/red.png", "red", side_px=32)
    tagged.scan("apply")
    assert tagged.tags("2024/red.png") == {"red"}


def test_a_photo_of_the_same_size_in_the_place_of_one_that_is_gone_is_new(world: World) -> None:
    # Pictures without compression are of one size.
    for colour in ("red", "green"):
        Image.new("RGB", (16, 16), COLOURS[colour]).save(world.home / f"{colour}.bmp")
    (world.photos / "2023").mkdir()
    shutil.copy2(world.home / "red.bmp", world.photos / "2023/1.bmp")
    world.scan("apply")
    (world.photos / "2023/1.bmp").unlink()
    (world.photos / "2024").mkdir()
    shutil.copy2(world.home / "green.bmp", world.photos / "2024/1.bmp")
    os.utime(world.photos / "2024/1.bmp", ns=(0, (world.home / "red.bmp").stat().st_mtime_ns))
    world.scan("apply")
    assert world.tags("2024/1.bmp") == {"green"}


def test_a_move_is_known_though_a_scan_came_in_between(tagged: World) -> None:
    move(tagged, "red.png", "../away.png")
    tagged.scan("apply")
    move(tagged, "../away.png", "2024/red.png")
    tagged.scan("apply")
    assert (tagged.engine.asked, tagged.tags("2024/red.png")) == ([], set())


def test_what_comes_back_to_its_place_is_the_same(tagged: World) -> None:
    tagged.photos.rename(tagged.home / "unmounted")
    tagged.photos.mkdir()
    photo(tagged, "other.png", "green", side_px=32)
    tagged.scan("apply")
    shutil.rmtree(tagged.photos)
    (tagged.home / "unmounted").rename(tagged.photos)
    tagged.engine.asked.clear()
    tagged.scan("apply")
    assert (tagged.engine.asked, tagged.tags("red.png")) == ([], set())


def test_photos_that_take_each_others_names_take_what_is_known_along(tagged: World) -> None:
    move(tagged, "red.png", "tmp.png")
    move(tagged, "green.png", "red.png")
    move(tagged, "blue.png", "green.png")
    move(tagged, "tmp.png", "blue.png")
    tagged.scan("apply")
    assert tagged.engine.asked == []
    assert [tagged.tags(f"{name}.png") for name in ("red", "green", "blue")] == [
        {"green"}, {"blue"}, set(),
    ]  # fmt: skip


def test_photos_that_move_up_by_one_take_what_is_known_along(tagged: World) -> None:
    move(tagged, "blue.png", "last.png")
    move(tagged, "green.png", "blue.png")
    move(tagged, "red.png", "green.png")
    tagged.scan("apply")
    assert tagged.engine.asked == []
    assert [tagged.tags(f"{name}.png") for name in ("green", "blue", "last")] == [
        set(), {"green"}, {"blue"},
    ]  # fmt: skip


def test_a_photo_that_takes_the_place_of_another_is_not_that_one(tagged: World) -> None:
    (tagged.photos / "blue.png").unlink()
    (tagged.photos / "blue.png.xmp").unlink()
    move(tagged, "red.png", "blue.png")
    tagged.scan("apply")
    assert (tagged.engine.asked, tagged.tags("blue.png")) == ([], set())


def test_a_photo_that_is_replaced_by_another_keeps_its_sidecar_and_whose_tags_those_are(
    tagged: World,
) -> None:
    (tagged.photos / "red.png").rename(tagged.photos / "blue.png")
    tagged.scan("apply")
    assert tagged.tags("blue.png") == {"red"}


def test_tags_that_another_program_changed_as_a_photo_was_replaced_are_those_of_the_place(
    tagged: World,
) -> None:
    tagged.set_tags("blue.png", add=["mine"])
    (tagged.photos / "red.png").rename(tagged.photos / "blue.png")
    tagged.scan("apply")
    assert tagged.tags("blue.png") == {"mine", "red"}


def test_of_photos_that_are_alike_each_is_known_by_its_name(world: World) -> None:
    for name in ("a/1.png", "b/1.png", "b/2.png"):
        photo(world, name, "green")
    world.scan("apply")
    world.set_tags("b/1.png", remove=["green"])
    world.scan("apply")
    world.engine.asked.clear()
    for name in ("a/1.png", "b/1.png", "b/2.png"):
        move(world, name, f"2024/{name}")
    world.scan("apply")
    assert world.engine.asked == []
    assert world.tags("2024/b/1.png") == set()
    assert world.tags("2024/a/1.png") == world.tags("2024/b/2.png") == {"green"}


def test_of_photos_that_are_alike_and_renamed_nobody_knows_which_is_which(world: World) -> None:
    for name in ("1.png", "2.png"):
        photo(world, name, "green")
    world.scan("apply")
    for old, new in (("1.png", "3.png"), ("2.png", "4.png")):
        move(world, old, new)
    world.scan("apply")
    assert count_items(world) == 4
    assert world.tags("3.png") == world.tags("4.png") == {"green"}


def test_a_photo_of_an_older_database_is_known_by_its_name_size_and_time(tagged: World) -> None:
    forget_contents(tagged)
    move(tagged, "red.png", "2024/red.png")
    move(tagged, "green.png", "2024/renamed.png")
    tagged.scan("apply")
    assert tagged.tags("2024/red.png") == set()
    assert len(tagged.engine.asked) == 1


def test_of_older_photos_of_one_name_size_and_time_none_is_taken_for_the_other(
    world: World,
) -> None:
    for name in ("a/1.png", "b/1.png"):
        os.utime(photo(world, name, "green"), (1, 1))
    world.scan("apply")
    forget_contents(world)
    move(world, "a/1.png", "c/1.png")
    move(world, "b/1.png", "d/1.png")
    world.scan("apply")
    assert count_items(world) == 4


def test_a_preview_is_applied_where_the_photo_is_since_a_later_scan(world: World) -> None:
    photo(world, "a.png", "green")
    preview = world.scan().scan.id
    move(world, "a.png", "b.png")
    assert world.apply(preview).failed == 1
    world.scan()
    world.apply(preview)
    assert world.tags("b.png") == {"green"}


def test_a_move_while_a_scan_is_at_work_costs_nothing_twice(world: World) -> None:
    for number in range(3):
        photo(world, f"{number}.png", "green", seed=number)
    scan_id = world.start("apply")
    world.run_listing(scan_id)
    move(world, "0.png", "2024/0.png")
    world.run(scan_id)
    move(world, "1.png", "2024/1.png")
    world.scan("apply")
    assert len(world.engine.asked) == 3
    assert world.tags("2024/0.png") == world.tags("2024/1.png") == {"green"}


def test_what_a_paid_engine_has_answered_is_not_paid_again(world: World) -> None:
    world.engine.local, world.engine.units, world.engine.cost_usd = False, 1, 0.01
    for number in range(3):
        photo(world, f"{number}.png", "green", seed=number)
    world.scan("apply")
    for number in range(3):
        move(world, f"{number}.png", f"2024/{number}.png", sidecar=False)
        os.utime(world.photos / f"2024/{number}.png", (number, number))
    world.engine.fingerprint = "colour-2"
    world.scan("apply")
    with world.store.read() as db:
        assert db.execute(select(func.count()).select_from(schema.calls)).scalar_one() == 3


def test_a_photo_that_could_not_be_answered_is_not_asked_about_where_it_is_moved(
    world: World,
) -> None:
    world.engine.fails["green"] = Failed("", "No.", retryable=False)
    photo(world, "a.png", "green")
    world.scan()
    world.engine.asked.clear()
    move(world, "a.png", "b.png")
    world.scan()
    assert world.engine.asked == []


def test_a_forecast_counts_nothing_of_what_was_moved(tagged: World) -> None:
    move(tagged, "red.png", "2024/red.png")
    told = tagged.scan(mode="forecast").scan.forecast
    assert [(one["engine"], one["items"]) for one in json.loads(told)] == [("colour", 0)]
    tagged.scan("apply")
    assert tagged.tags("2024/red.png") == set()


class Died(BaseException):
    """What a kill is to the code that it meets."""


def test_a_listing_that_dies_between_two_moves_goes_on(
    tagged: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for colour in ("red", "green", "blue"):
        move(tagged, f"{colour}.png", f"2024/{colour}.png")
    scan_id = tagged.start("apply")
    carried: list[Sequence[Move]] = []

    def carry_over(db: Db, section_id: int, moved: Sequence[Move], scan_id: int) -> None:
        if carried:
            raise Died
        carried.append(moved)
        items.carry_over(db, section_id, moved, scan_id)

    with monkeypatch.context() as patch:
        patch.setattr(listing, "batched", lambda values, size=0: ([one] for one in values))
        patch.setattr(listing, "carry_over", carry_over)
        with pytest.raises(Died):
            tagged.run_listing(scan_id)
    tagged.let_leases_run_out()
    status = tagged.run(scan_id)
    assert (tagged.engine.asked, count_items(tagged)) == ([], 3)
    assert (status.adds, tagged.tags("2024/red.png")) == (0, set())


def test_no_file_is_opened_that_is_no_candidate(
    tagged: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    contents = moves.Moves._contents

    def seen(self: moves.Moves, asked: Sequence[Item], run: object) -> dict[str, str]:
        opened.extend(item.key for item in asked)
        return contents(self, asked, run)  # type: ignore[arg-type]

    monkeypatch.setattr(moves.Moves, "_contents", seen)
    photo(tagged, "new.png", "green", side_px=64)
    tagged.scan()
    tagged.scan()
    assert opened == []
    move(tagged, "red.png", "2024/red.png")
    tagged.scan()
    assert opened == ["2024/red.png"]


@pytest.fixture
def parted(world: World) -> World:
    """A library of two sections, one photo in the first."""
    for name in ("a", "b"):
        (world.photos / name).mkdir()
    options = folder.Options(path=world.photos, sections=("a", "b"))
    world.library = folder.build("photos", options, world.host)
    photo(world, "a/1.png", "red", seed=1)
    photo(world, "b/2.png", "green", seed=2)
    return world


def scan_section(world: World, section: str) -> int:
    request = Request("photos", section, "changed", "apply")
    return world.run(scans.start(world.core, request)).scan.id


def words(world: World, name: str) -> set[str]:
    section = Section("photos", name.partition("/")[0], "")
    (shown,) = world.library.read_tags([Item("photos", section.id, name, "")])
    assert isinstance(shown, Shown)
    return {ref.name for ref in shown.tags}


@pytest.mark.parametrize("first", ["a", "b"])
def test_a_move_into_another_section_takes_all_along(parted: World, first: str) -> None:
    parted.picture("a/stays.png", "blue")
    scan_id = scan_section(parted, "a")
    scan_section(parted, "b")
    move(parted, "a/1.png", "b/1.png")
    scan_section(parted, first)
    scan_section(parted, "b")
    assert len(parted.engine.asked) == 3
    parted.undo(scan_id)
    assert (words(parted, "b/1.png"), words(parted, "b/2.png")) == (set(), {"green"})


def test_a_copy_into_another_section_is_another_item(parted: World) -> None:
    scan_section(parted, "a")
    shutil.copy2(parted.photos / "a/1.png", parted.photos / "b/1.png")
    scan_section(parted, "b")
    scan_section(parted, "a")
    assert len(parted.engine.asked) == 3
    assert words(parted, "a/1.png") == words(parted, "b/1.png") == {"red"}


def test_an_undo_makes_no_first_write_to_another_section(parted: World) -> None:
    scan_id = scan_section(parted, "a")
    move(parted, "a/1.png", "b/1.png")
    (parted.photos / "b/2.png").unlink()
    scan_section(parted, "b")
    status = parted.undo(scan_id)
    assert (status.failed, words(parted, "b/1.png")) == (1, {"red"})


def test_a_copy_of_what_lies_on_a_section_that_is_away_is_no_move(parted: World) -> None:
    scan_section(parted, "a")
    scan_section(parted, "b")
    (parted.photos / "b/2.png.xmp").unlink()
    scan_section(parted, "b")
    shutil.copy2(parted.photos / "b/2.png", parted.photos / "a/2.png")
    away = (parted.photos / "b").rename(parted.home / "away")
    (parted.photos / "b").mkdir()
    scan_section(parted, "a")
    (parted.photos / "b").rmdir()
    away.rename(parted.photos / "b")
    scan_section(parted, "b")
    assert (words(parted, "b/2.png"), words(parted, "a/2.png")) == (set(), {"green"})


def test_a_copy_of_what_the_settings_leave_out_is_no_move(tagged: World) -> None:
    def excluding(*patterns: str) -> None:
        options = folder.Options(path=tagged.photos, exclude=patterns)
        tagged.library = folder.build("photos", options, tagged.host)

    excluding("red.png")
    tagged.scan("apply")
    shutil.copy2(tagged.photos / "red.png", tagged.photos / "copy.png")
    tagged.scan("apply")
    excluding()
    tagged.scan("apply")
    assert (tagged.tags("red.png"), tagged.tags("copy.png")) == (set(), {"red"})


def test_a_preview_writes_nothing_to_what_was_moved_into_another_section(parted: World) -> None:
    parted.rules = (Rule(RuleAction.DENY, "green", section="photos/a"),)
    photo(parted, "b/stays.png", "blue")
    scan_section(parted, "a")
    preview = scans.start(parted.core, Request("photos", "b", "changed", "preview"))
    parted.run(preview)
    move(parted, "b/2.png", "a/2.png")
    scan_section(parted, "a")
    assert parted.apply(preview).failed == 1
    assert words(parted, "a/2.png") == set()


def test_a_problem_moves_along_with_its_photo(world: World) -> None:
    world.engine.fails["red"] = Failed("", "refused", retryable=False)
    photo(world, "a.png", "red")
    world.scan()
    shutil.copy(world.photos / "a.png", world.photos / "b.png")
    (world.photos / "a.png").unlink()
    world.scan()
    assert [one.card.item.key for one in problems.listed(world.core).items] == ["b.png"]
