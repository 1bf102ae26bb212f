"""Whole scans of a Plex section: preview, apply, undo, and a server that fails in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plex import PlexServer
from tests.unit.libraries.metadata_contract import MetadataScanContract
from tests.unit.libraries.plex.plexes import PlexPlace
from tests.unit.libraries.scanned import PICTURES, Box
from tests.unit.libraries.server_contract import ScanContract
from tigertag.errors import LibraryError, LibraryUnavailable
from tigertag.model import Label
from tigertag.services import scans
from tigertag.services.scans import Request

pytestmark = pytest.mark.slow


class PlexBox(Box, PlexPlace):
    """A Plex server with coloured photos, and a core that scans it."""

    edit_method = "PUT"

    def __init__(self, plex: PlexServer, home: Path) -> None:
        super().__init__(plex)
        self.begin(home)

    @property
    def edits(self) -> int:
        return self.plex.counts["edit"]

    @property
    def costs_of_listing(self) -> dict[str, int]:
        return {"sections": 1, "list": 2}


@pytest.fixture
def box(plex: PlexServer, tmp_path: Path) -> Iterator[PlexBox]:
    made = PlexBox(plex, tmp_path)
    yield made
    made.close()


class TestPlexScans(ScanContract):
    pass


class TestPlexScansForMetadata(MetadataScanContract):
    counted = frozenset({"part", "transcode", "thumb"})


TAGGED = [["Red"], ["Green"], ["Blue"]]


def test_alike_photos_are_written_together(box: PlexBox) -> None:
    box.photos(45)
    box.scan("apply")
    assert box.all_tags() == TAGGED * 15
    assert box.plex.counts["edit"] <= 3 * 5
    assert box.plex.counts["transcode"] == 45


def test_what_was_written_but_not_read_back_is_known_for_ours(box: PlexBox) -> None:
    box.photos(30)
    cut_off = scans.start(box.core, Request("box", "Photos", write="apply"))
    box.plex.before_edit = lambda: box.plex.fail("maintenance", at="GET")
    with pytest.raises(LibraryUnavailable, match="migrating"):
        box.run(cut_off)
    box.plex.before_edit = lambda: None
    box.plex.mend()
    written = [tags for tags in box.all_tags() if tags]
    box.scan("apply")
    assert box.all_tags() == TAGGED * 10
    box.run(scans.undo(box.core, cut_off))
    assert box.all_tags().count([]) == len(written) > 0


@pytest.mark.parametrize("fault", ["cut", 404])
def test_what_was_written_while_the_read_back_was_lost_is_still_ours(
    box: PlexBox, fault: str | int
) -> None:
    box.photos(24)
    preview = box.scan()
    box.plex.fail(fault, at="GET /library/metadata", after=4, times=3)
    applied = box.run(scans.apply(box.core, preview.scan.id))
    box.plex.mend()
    assert box.all_tags() == TAGGED * 8
    box.run(scans.undo(box.core, applied.scan.id))
    assert box.all_tags() == [[]] * 24


def test_what_was_undone_while_the_read_back_was_lost_can_be_redone(box: PlexBox) -> None:
    box.photos(6)
    applied = box.scan("apply")
    box.plex.fail("cut", at="GET /library/metadata", after=2, times=3)
    undone = box.run(scans.undo(box.core, applied.scan.id))
    box.plex.mend()
    assert box.all_tags() == [[]] * 6
    box.run(scans.undo(box.core, undone.scan.id))
    assert box.all_tags() == TAGGED * 2


def test_an_undo_opens_the_lock_again(box: PlexBox) -> None:
    box.photos(1)
    applied = box.scan("apply")
    assert (box.tags("0"), box.plex.locks(box.keys["0"])) == (["Red"], {"tag"})
    box.run(scans.undo(box.core, applied.scan.id))
    assert (box.tags("0"), box.plex.locks(box.keys["0"])) == ([], set())


def test_an_undo_leaves_the_lock_to_a_tag_that_the_user_added_since(box: PlexBox) -> None:
    box.photos(1)
    applied = box.scan("apply")
    box.tag("0", *box.tags("0"), "Holiday")
    box.run(scans.undo(box.core, applied.scan.id))
    assert (box.tags("0"), box.plex.locks(box.keys["0"])) == (["Holiday"], {"tag"})


def test_undoing_all_in_any_order_ends_with_the_first_lock(box: PlexBox) -> None:
    box.photos(1)
    first = box.scan("apply")
    box.engine.extra = (Label("sky", 0.9),)
    box.engine.fingerprint = "colour-2"
    second = box.scan("apply")
    assert box.tags("0") == ["Red", "Sky"]
    box.run(scans.undo(box.core, first.scan.id))
    assert (box.tags("0"), box.plex.locks(box.keys["0"])) == (["Sky"], {"tag"})
    box.run(scans.undo(box.core, second.scan.id))
    assert (box.tags("0"), box.plex.locks(box.keys["0"])) == ([], set())


def test_applying_again_takes_nothing_away_that_came_since(box: PlexBox) -> None:
    box.photos(1)
    applied = box.run(scans.apply(box.core, box.scan().scan.id))
    box.engine.extra = (Label("sky", 0.9),)
    box.engine.fingerprint = "colour-2"
    box.scan("apply")
    box.run(scans.apply(box.core, applied.scan.id))
    assert box.tags("0") == ["Red", "Sky"]


def test_applying_to_a_section_that_was_deleted_fails_with_one_line(box: PlexBox) -> None:
    box.photos(1)
    preview = box.scan()
    box.plex.delete_section(box.section)
    with pytest.raises(LibraryError, match="no longer in library box"):
        box.run(scans.apply(box.core, preview.scan.id))


def readd(box: PlexBox, name: str, file: str) -> None:
    """Let the server give a photo another ratingKey; its tags are lost with the old one."""
    box.plex.remove_photo(box.keys[name])
    box.keys[name] = box.plex.add_photo(box.section, name, PICTURES["red"], file=file)


def one_photo(box: PlexBox) -> None:
    box.keys["0"] = box.plex.add_photo(box.section, "0", PICTURES["red"], file="/data/0.jpg")


def test_a_photo_of_another_key_is_not_asked_about_again_and_gets_its_tags(box: PlexBox) -> None:
    one_photo(box)
    first = box.scan("apply").scan.id
    readd(box, "0", "/data/0.jpg")
    box.scan("apply")
    assert (len(box.engine.asked), box.tags("0")) == (1, ["Red"])
    box.run(scans.undo(box.core, first))
    assert box.tags("0") == []


def test_what_the_user_took_off_stays_off_a_photo_of_another_key(box: PlexBox) -> None:
    one_photo(box)
    box.scan("apply")
    box.plex.untag(box.keys["0"], "Red")
    box.scan("apply")
    readd(box, "0", "/data/0.jpg")
    box.scan("apply")
    assert box.tags("0") == []


def test_a_photo_that_was_moved_on_the_server_is_known_by_its_picture(box: PlexBox) -> None:
    one_photo(box)
    box.scan("apply")
    readd(box, "0", "/data/2024/renamed.jpg")
    box.scan("apply")
    assert (len(box.engine.asked), box.tags("0")) == (1, ["Red"])


def test_a_photo_that_is_twice_on_the_server_is_two_items(box: PlexBox) -> None:
    one_photo(box)
    box.scan("apply")
    box.plex.untag(box.keys["0"], "Red")
    box.keys["1"] = box.plex.add_photo(box.section, "1", PICTURES["red"], file="/data/1.jpg")
    box.scan("apply")
    assert (box.tags("0"), box.tags("1")) == ([], ["Red"])
