"""Whole scans of an Emby or Jellyfin section: preview, apply, undo, and what a server may do."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.mediabrowser import MediaServer
from tests.mediabrowser.editing import distinct
from tests.unit.libraries.mediabrowser.places import Place
from tests.unit.libraries.metadata_contract import MetadataScanContract
from tests.unit.libraries.scanned import PICTURES, Box
from tests.unit.libraries.server_contract import ScanContract
from tigertag.errors import LibraryError
from tigertag.model import Label
from tigertag.services import scans

pytestmark = pytest.mark.slow

TAGGED = [["red"], ["green"], ["blue"]]


class MediaBox(Box, Place):
    """A server with coloured photos, and a core that scans it."""

    edit_method = "POST"

    def __init__(self, media: MediaServer, home: Path) -> None:
        super().__init__(media)
        self.begin(home)

    @property
    def costs_of_listing(self) -> dict[str, int]:
        views = "GET /Users/{UserId}/Views" if self.media.emby else "GET /UserViews"
        return {views: 2, "GET /Items": 1}

    @property
    def edits(self) -> int:
        return sum(count for name, count in self.media.counts.items() if name.startswith("POST"))


@pytest.fixture
def box(media: MediaServer, tmp_path: Path) -> Iterator[MediaBox]:
    made = MediaBox(media, tmp_path)
    yield made
    made.close()


@pytest.fixture
def jelly_box(jellyfin: MediaServer, tmp_path: Path) -> Iterator[MediaBox]:
    made = MediaBox(jellyfin, tmp_path)
    yield made
    made.close()


class TestEmbyAndJellyfinScans(ScanContract):
    crowd = 30

    def scan_until_it_stops(self, box: Box) -> None:
        """A connection that is reset fails the items of that moment, one by one."""
        with suppress(LibraryError):
            box.scan("apply")


class TestEmbyAndJellyfinScansForMetadata(MetadataScanContract):
    counted = frozenset(
        f"GET /Items/{{{id}}}/{what}"
        for id in ("Id", "itemId")
        for what in ("Download", "Images/{Type}", "Images/{imageType}")
    )


def test_a_first_write_that_spoils_an_item_stops_the_scan_and_is_undone(
    jelly_box: MediaBox,
) -> None:
    jelly_box.photos(6)
    for number in range(6):
        jelly_box.values(f"{number}")["Overview"] = "Mine."
    once = [{"Overview": None}]
    jelly_box.media.after_edit = lambda one: one.told.update(once.pop() if once else {})
    with pytest.raises(LibraryError, match=r"put back as it was\. All writing has stopped"):
        jelly_box.scan("apply")
    assert jelly_box.all_tags() == [[]] * 6
    assert {jelly_box.values(f"{number}")["Overview"] for number in range(6)} == {"Mine."}


def test_two_tags_that_differ_in_case_never_stop_the_other_items(jelly_box: MediaBox) -> None:
    jelly_box.photos(6)
    jelly_box.tag("0", "Christmas", "christmas")
    status = jelly_box.scan("apply")
    keeps = jelly_box.media.major < 12
    assert (status.failed, status.done) == ((0, 6) if keeps else (1, 5))
    assert jelly_box.tags("0") == ["Christmas", "christmas", "red"][: 3 if keeps else 2]
    assert jelly_box.all_tags()[1:] == (TAGGED * 2)[1:]


def test_an_emby_that_merges_the_tags_of_the_first_item_fails_that_item_alone(
    emby: MediaServer, tmp_path: Path
) -> None:
    box = MediaBox(emby, tmp_path)
    box.photos(6)
    box.tag("0", "Christmas", "christmas")
    emby.after_edit = lambda one: one.told.update(Tags=distinct(one.told["Tags"]))
    status = box.scan("apply")
    assert (status.failed, status.done, box.all_tags()[1:]) == (1, 5, (TAGGED * 2)[1:])
    box.close()


def test_an_edit_of_somebody_between_a_write_and_its_reading_is_kept(jelly_box: MediaBox) -> None:
    jelly_box.photos(3)
    once = [{"Overview": "Just written."}]
    jelly_box.media.after_edit = lambda one: one.told.update(once.pop() if once else {})
    status = jelly_box.scan("apply")
    assert (status.failed, status.done, jelly_box.all_tags()) == (1, 2, TAGGED)
    assert [jelly_box.values(f"{n}").get("Overview") for n in range(3)].count("Just written.") == 1


def test_all_tags_that_the_owner_took_off_stay_off_on_emby(
    emby: MediaServer, tmp_path: Path
) -> None:
    box = MediaBox(emby, tmp_path)
    box.photos(3)
    box.scan("apply")
    box.media.untag(box.keys["0"], "red")
    box.scan("apply")
    assert box.tags("0") == []
    box.close()


def test_all_tags_of_a_photo_that_the_owner_took_off_and_locked_stay_off(
    jelly_box: MediaBox,
) -> None:
    jelly_box.photos(3)
    jelly_box.scan("apply")
    jelly_box.media.untag(jelly_box.keys["0"], "red")
    with jelly_box.media.changing(jelly_box.keys["0"]) as photo:
        photo.told["LockedFields"] = ["Tags"]
    jelly_box.scan("apply")
    assert jelly_box.tags("0") == []


def test_tags_that_jellyfins_refresh_dropped_are_put_back_without_asking_an_engine(
    jelly_box: MediaBox,
) -> None:
    jelly_box.photos(6)
    jelly_box.scan("apply")
    for key in jelly_box.keys.values():
        jelly_box.media.refresh(key)
    assert jelly_box.all_tags() == [[]] * 6
    asked = len(jelly_box.engine.asked)
    jelly_box.scan("apply")
    assert (jelly_box.all_tags(), len(jelly_box.engine.asked)) == (TAGGED * 2, asked)


def test_tags_that_were_put_back_can_be_undone(jelly_box: MediaBox) -> None:
    jelly_box.photos(1)
    jelly_box.scan("apply")
    jelly_box.media.refresh(jelly_box.keys["0"])
    again = jelly_box.scan("apply")
    jelly_box.run(scans.undo(jelly_box.core, again.scan.id))
    assert jelly_box.tags("0") == []


def readd(box: MediaBox, name: str, file: str) -> None:
    """Let the server give a photo another id; its tags are lost with the old one."""
    box.media.remove(box.keys[name])
    box.keys[name] = box.media.add_photo(box.section, name, PICTURES["red"], file=file)


def one_photo(box: MediaBox) -> None:
    box.keys["0"] = box.media.add_photo(box.section, "0", PICTURES["red"], file="/data/0.jpg")


@pytest.mark.parametrize("file", ["/data/0.jpg", "/data/2024/0.jpg"])
def test_a_photo_of_another_id_is_not_asked_about_again_and_gets_its_tags(
    box: MediaBox, file: str
) -> None:
    one_photo(box)
    first = box.scan("apply").scan.id
    readd(box, "0", file)
    box.scan("apply")
    assert (len(box.engine.asked), box.tags("0")) == (1, ["red"])
    box.run(scans.undo(box.core, first))
    assert box.tags("0") == []


def test_what_the_user_took_off_stays_off_a_photo_of_another_id(box: MediaBox) -> None:
    # One of two: the loss of all tags of a photo is taken for Jellyfin's own doing.
    box.engine.extra = (Label("sky", 0.9),)
    one_photo(box)
    box.scan("apply")
    box.media.untag(box.keys["0"], "sky")
    box.scan("apply")
    readd(box, "0", "/data/0.jpg")
    box.scan("apply")
    assert box.tags("0") == ["red"]
