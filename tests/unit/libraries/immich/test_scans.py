"""Whole scans of an Immich library: preview, apply, undo, and what the server may do."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.places import Place
from tests.unit.libraries.scanned import PICTURES, Box
from tests.unit.libraries.server_contract import ScanContract
from tigertag.errors import LibraryError
from tigertag.model import Label
from tigertag.scan import runner, verify
from tigertag.services import scan_status, scans
from tigertag.services.scan_status import Status
from tigertag.services.scans import Request

pytestmark = pytest.mark.slow


class ImmichBox(Box, Place):
    """An Immich with coloured photos, and a core that scans its timeline."""

    edit_method = "PUT /api/tags/assets"

    def __init__(self, server: ImmichServer, home: Path) -> None:
        super().__init__(server)
        self.begin(home)

    def scan(self, write: str = "preview", section: str = "Timeline") -> Status:
        return self.run(scans.start(self.core, Request("box", section, write=write)))

    def tags(self, name: str) -> list[str]:
        """What the server keeps once nothing is left to do."""
        self.server.settle()
        ids = self.server.assets[self.keys[name]].tags
        return [self.server.tags_by_id[id].value for id in ids]

    def add_picture(self, name: str, library: str) -> None:
        path = f"/pictures/{name}"
        self.keys[name] = self.server.add_photo(library, name, PICTURES["red"], path=path)

    @property
    def last_scan(self) -> int:
        return scan_status.listed(self.core).items[0].scan.id

    @property
    def costs_of_listing(self) -> dict[str, int]:
        return {"POST /search/metadata": 3}

    @property
    def edits(self) -> int:
        return self.server.counts["PUT /tags/assets"]


@pytest.fixture
def box(server: ImmichServer, tmp_path: Path) -> Iterator[ImmichBox]:
    made = ImmichBox(server, tmp_path)
    yield made
    made.close()


class TestImmichScans(ScanContract):
    crowd = 30

    def scan_until_it_stops(self, box: Box) -> None:
        with suppress(LibraryError):
            box.scan("apply")


@pytest.mark.parametrize("extraction_s", [0.02, 0.3])
def test_many_tags_written_by_a_scan_are_all_verified_and_all_undone(
    box: ImmichBox, extraction_s: float
) -> None:
    box.engine.extra = tuple(Label(f"word {number}", 0.9) for number in range(4))
    box.photos(20)
    box.tag("3", "mine")
    box.server.extraction_s = extraction_s
    applied = box.scan("apply")
    assert applied.failed == 0
    assert [len(tags) for tags in box.all_tags()] == [5, 5, 5, 6] + [5] * 16
    undone = box.run(scans.undo(box.core, applied.scan.id))
    assert (undone.scan.state, undone.failed) == ("done", 0)
    assert box.all_tags() == [[], [], [], ["mine"]] + [[]] * 16


def test_an_undo_goes_on_in_another_process_after_each_step(
    box: ImmichBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.engine.extra = tuple(Label(f"word {number}", 0.9) for number in range(3))
    box.photos(6)
    box.tag("3", "mine")
    applied = box.scan("apply")
    box.server.extraction_s = 0.3
    monkeypatch.setattr(runner, "_SOON_VERIFIED_S", 0.0)
    monkeypatch.setattr(runner, "_SOON_S", 0.0)
    scan_id, runs = scans.undo(box.core, applied.scan.id), 1
    while box.run(scan_id).scan.active and runs < 100:
        box.reopen()
        runs += 1
        time.sleep(0.1)
    assert scan_status.status(box.core, scan_id).scan.state == "done"
    assert runs > 4
    assert box.all_tags() == [[], [], [], ["mine"], [], []]


def test_behind_a_backlog_a_scan_ends_once_its_tags_are_stored(box: ImmichBox) -> None:
    box.photos(6)
    box.server.behind_s = 0.4
    status = box.scan("apply")
    assert (status.done, status.failed) == (6, 0)
    assert box.server.jobs.idle
    assert box.all_tags() == [["red"], ["green"], ["blue"]] * 2


def test_a_folder_that_immich_cannot_write_stops_the_scan_after_one_photo(box: ImmichBox) -> None:
    library = box.server.add_library("/pictures", writable=False)
    for number in range(6):
        box.add_picture(f"{number}.jpg", library)
    (title,) = box.sections().keys() - {"Timeline"}
    with pytest.raises(LibraryError, match="cannot write beside the originals of /pictures"):
        box.scan("apply", title)
    assert box.all_tags() == [[]] * 6
    assert box.edits == 2


def test_an_undo_whose_tags_come_back_stops_and_says_so(
    box: ImmichBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "RETRY_S", 0.1)
    library = box.server.add_library("/pictures")
    for number in range(3):
        box.add_picture(f"{number}.jpg", library)
    (title,) = box.sections().keys() - {"Timeline"}
    applied = box.scan("apply", title)
    box.server.disk.read_only.add("/pictures")
    with pytest.raises(LibraryError, match="put back tags that TigerTag took off"):
        box.run(scans.undo(box.core, applied.scan.id))
    assert box.all_tags() == [["red"]] * 3


def test_tags_of_the_owner_that_are_lost_stop_the_scan_and_are_put_back_by_an_undo(
    box: ImmichBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.photos(6)
    box.tag("4", "mine", "Places/Vienna")
    write_sidecar = box.server.disk.write_sidecar
    with monkeypatch.context() as patched:
        patched.setattr(
            box.server.disk,
            "write_sidecar",
            lambda asset, tags: write_sidecar(asset, [tag for tag in tags if tag == "green"]),
        )
        with pytest.raises(LibraryError, match="undo"):
            box.scan("apply")
    box.run(scans.undo(box.core, box.last_scan))
    assert sorted(box.tags("4")) == ["Places/Vienna", "mine"]
