"""A library that lists far less than is known is unavailable until the user says otherwise."""

import errno
import os

import pytest

from tests.fake_library import FakeLibrary
from tests.unit.libraries.folder.test_listing import apart, failing_at
from tests.world import World
from tigertag.errors import LibraryShrunk, LibraryUnavailable
from tigertag.libraries import folder
from tigertag.libraries.folder import listing
from tigertag.services import scan_status, scans
from tigertag.services.scan_status import Status
from tigertag.services.scans import Request
from tigertag.store import chunks, schema


def gone(world: World) -> int:
    with world.store.read() as db:
        return len(db.execute(schema.items.select().where(schema.items.c.gone)).all())


def filled(world: World, number: int) -> None:
    for one in range(number):
        world.picture(f"{one}.png", "red")
    world.scan()


def keep(world: World, number: int) -> None:
    for path in sorted(world.photos.iterdir())[number:]:
        path.unlink()


def refused(world: World, write: str = "preview") -> Status:
    scan_id = world.start(write)
    with pytest.raises(LibraryShrunk):
        world.run(scan_id)
    return scan_status.status(world.core, scan_id)


def accepted(world: World, write: str = "preview") -> Status:
    request = Request("photos", None, write=write, accept_missing=True)
    return world.run(scans.start(world.core, request))


def test_an_empty_folder_is_unavailable_where_anything_is_known(world: World) -> None:
    filled(world, 3)
    keep(world, 0)
    status = refused(world)
    assert (status.scan.state, status.scan.missing, gone(world)) == ("failed", 3, 0)
    assert issubclass(LibraryShrunk, LibraryUnavailable)


@pytest.mark.parametrize(("known", "listed"), [(21, 6), (30, 9)])
def test_under_a_third_of_more_than_twenty_is_unavailable(
    world: World, known: int, listed: int
) -> None:
    filled(world, known)
    keep(world, listed)
    assert (refused(world).scan.missing, gone(world)) == (known - listed, 0)


@pytest.mark.parametrize(("known", "listed"), [(20, 1), (21, 7), (30, 10)])
def test_what_the_user_may_well_have_deleted_is_gone(world: World, known: int, listed: int) -> None:
    filled(world, known)
    keep(world, listed)
    assert (world.scan().scan.state, gone(world)) == ("done", known - listed)


def test_items_are_gone_once_the_user_says_so(world: World) -> None:
    filled(world, 3)
    keep(world, 0)
    refused(world)
    assert (accepted(world).scan.state, gone(world)) == ("done", 3)
    assert world.scan().scan.state == "done"


def test_nothing_is_asked_or_written_while_too_few_are_listed(world: World) -> None:
    filled(world, 30)
    keep(world, 5)
    world.picture("new.png", "blue")
    status = refused(world, "apply")
    assert (status.asked, world.tags("new.png"), world.tags("0.png")) == (0, set(), set())
    accepted(world, "apply")
    assert (world.tags("new.png"), world.tags("0.png")) == ({"blue"}, {"red"})


def test_moved_photos_are_counted_not_their_names(world: World) -> None:
    filled(world, 30)
    for path in list(world.photos.iterdir()):
        path.rename(path.with_name(f"moved-{path.name}"))
    assert world.scan().scan.state == "done"


def test_a_forecast_marks_nothing_as_gone_either(world: World) -> None:
    filled(world, 3)
    keep(world, 0)
    scan_id = scans.start(world.core, Request("photos", mode="forecast"))
    with pytest.raises(LibraryShrunk):
        world.run(scan_id)
    assert gone(world) == 0


def test_a_scan_of_what_is_new_does_not_mind(world: World) -> None:
    filled(world, 3)
    keep(world, 0)
    assert (world.scan(mode="new").scan.state, gone(world)) == ("done", 0)


def test_groups_without_their_items_are_unavailable(world: World) -> None:
    shelf = FakeLibrary()
    world.library = shelf
    shelf.group("show")
    for number in range(3):
        shelf.put(f"e{number}", "red", "show")
    world.scan()
    shelf.take("e0", "e1", "e2")
    assert (refused(world).scan.missing, gone(world)) == (3, 0)


def test_items_without_their_groups_are_unavailable(world: World) -> None:
    shelf = FakeLibrary()
    world.library = shelf
    shelf.group("show")
    shelf.put("e0", "red", "show")
    world.scan()
    shelf.take("show")
    assert (refused(world).scan.missing, gone(world)) == (1, 0)


def test_items_in_a_folder_that_cannot_be_read_are_not_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a/1.png", "red")
    world.picture("b/2.png", "red")
    world.scan()
    monkeypatch.setattr(os, "scandir", failing_at("/b", errno.EACCES))
    status = world.scan()
    assert (status.scan.state, gone(world)) == ("done", 0)
    assert [one.reason for one in status.left_out] == ["unreadable_folder"]


def test_excluding_most_items_needs_no_confirmation(world: World) -> None:
    for number in range(30):
        world.picture(f"trash/{number}.png", "red")
    world.picture("a.png", "blue")
    done = world.scan("apply")
    options = folder.Options(path=world.photos, exclude=("trash/",))
    world.library = folder.build("photos", options, world.host)
    world.library.open()
    assert (world.scan("apply").scan.state, gone(world)) == ("done", 30)
    assert done.adds == 31
    world.undo(done.scan.id)
    world.library = folder.build("photos", folder.Options(path=world.photos), world.host)
    world.library.open()
    assert (world.tags("trash/0.png"), world.tags("a.png")) == (set(), set())


def test_a_folder_that_is_not_mounted_any_more_is_unavailable(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        world.picture(f"{number}.png", "red")
    world.picture("nas/a.png", "red")
    with monkeypatch.context() as patch:
        patch.setattr(listing, "_subfolder", apart(listing._subfolder))
        world.scan()
    (world.photos / "nas/a.png").unlink()
    assert (refused(world).scan.missing, gone(world)) == (1, 0)
    accepted(world)
    world.scan()
    assert gone(world) == 1


def listed_in_part(world: World, monkeypatch: pytest.MonkeyPatch, *, unchanged: int) -> bool:
    """List 8 of 30 items that are known, and a new one; return whether that may be worked on."""
    monkeypatch.setattr("tigertag.scan.missing._ENOUGH", 5)
    filled(world, 30)
    keep(world, 8)
    for path in sorted(world.photos.iterdir())[unchanged:]:
        os.utime(path, (1, 1))
    world.picture("new.png", "blue")
    scan_id = world.start("apply")
    with pytest.raises(LibraryShrunk):
        world.run_listing(scan_id)
    with world.store.write() as db:
        return chunks.lease(db, scan_id, owner="test", lease_s=5.0, kind="items") is not None


def test_what_is_new_need_not_wait_for_a_third_of_a_large_library(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert listed_in_part(world, monkeypatch, unchanged=5)
    assert gone(world) == 0


def test_other_files_at_the_place_of_a_large_library_are_not_taken_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not listed_in_part(world, monkeypatch, unchanged=4)


def test_what_is_new_waits_while_a_file_system_of_the_library_is_not_mounted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.library, "not_mounted", lambda section, mounts: "It is away.")
    assert not listed_in_part(world, monkeypatch, unchanged=8)
