"""Whole scans of an Immich library: preview, apply, undo, and what the server may do."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.places import Place
from tests.unit.libraries.scanned import PICTURES, Box
from tests.unit.libraries.server_contract import ScanContract
from tigertag.contracts import Host
from tigertag.core import Core
from tigertag.errors import LibraryError
from tigertag.model import Label
from tigertag.services import scans
from tigertag.services.scan_status import Status
from tigertag.services.scans import Request

pytestmark = pytest.mark.slow


class ImmichBox(Box, Place):
    """An Immich with coloured photos, and a core that scans its timeline."""

    edit_method = "PUT /api/tags/assets"

    def __init__(self, server: ImmichServer, home: Path) -> None:
        super().__init__(server)
        self.begin(home)

    def scan(self, write: str = "preview") -> Status:
        return self.run(scans.start(self.core, Request("box", "Timeline", write=write)))

    def tags(self, name: str) -> list[str]:
        """What the server keeps once nothing is left to do."""
        self.server.settle()
        ids = self.server.assets[self.keys[name]].tags
        return [self.server.tags_by_id[id].value for id in ids]

    @property
    def costs_of_listing(self) -> dict[str, int]:
        return dict(self.server.counts)

    @property
    def edits(self) -> int:
        return self.server.counts["PUT /tags/assets"]


@pytest.fixture
def box(media: ImmichServer, tmp_path: Path) -> Iterator[ImmichBox]:
    made = ImmichBox(media, tmp_path)
    yield made
    made.close()


class TestImmichScans(ScanContract):
    crowd = 30

    def scan_until_it_stops(self, box: Box) -> None:
        with suppress(LibraryError):
            box.scan("apply")
