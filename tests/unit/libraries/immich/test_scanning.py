"""Scans of Immich: of what is new, by `updatedAt`, which own writes move; and with a lesser key."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.writers import EXTRACTION_S, PACE
from tests.unit.libraries.scanned import PICTURES
from tests.world import World
from tigertag.errors import LibraryReadOnly
from tigertag.libraries import immich
from tigertag.libraries.immich import Options

pytestmark = pytest.mark.slow

_THREE_DAYS_S = 3 * 24 * 3600.0


@dataclass
class Scanned:
    """A timeline whose photos nobody has touched for days."""

    server: ImmichServer
    world: World

    def photo(self, name: str, colour: str, *, age_s: float = 0.0) -> str:
        updated = time.time() - age_s
        return self.server.add_photo(None, name, PICTURES[colour], updated=updated)

    @property
    def edits(self) -> int:
        return sum(line.startswith(("PUT", "DELETE")) for line in self.server.log)


@pytest.fixture
def scanned(tmp_path: Path) -> Iterator[Scanned]:
    with ImmichServer() as server:
        server.extraction_s = EXTRACTION_S
        world = World(tmp_path, f"sqlite:///{tmp_path}/tigertag.db")
        options = Options.model_validate({"url": server.url, "api_key": server.key})
        world.library = immich.build("photos", options, world.host, pace=PACE)
        yield Scanned(server, world)
        world.store.close()


def test_only_what_has_changed_since_is_listed_and_only_what_is_new_is_looked_at(
    scanned: Scanned,
) -> None:
    names = ("a.jpg", "b.jpg", "c.jpg")
    a, *_others = [scanned.photo(name, "red", age_s=_THREE_DAYS_S) for name in names]
    assert scanned.world.scan().scan.listed == 3
    scanned.server.tag(a, "koala")
    scanned.server.settle()
    scanned.photo("d.jpg", "green")
    scanned.world.engine.asked.clear()
    status = scanned.world.scan(mode="new")
    assert status.scan.listed == 2
    assert len(scanned.world.engine.asked) == 1


def test_tags_that_were_written_make_nothing_new(scanned: Scanned) -> None:
    for name in ("a.jpg", "b.jpg"):
        scanned.photo(name, "red", age_s=_THREE_DAYS_S)
    assert scanned.world.scan("apply").adds == 2
    edits = scanned.edits
    status = scanned.world.scan("apply", mode="new")
    assert (status.scan.listed, status.changed, status.failed) == (2, 0, 0)
    assert len(scanned.world.engine.asked) == 2
    assert scanned.edits == edits


def test_what_was_not_processed_yet_is_new_once_it_is(scanned: Scanned) -> None:
    scanned.photo("a.jpg", "red", age_s=_THREE_DAYS_S)
    scanned.world.scan()
    scanned.server.jobs.paused = True
    scanned.server.add_photo(None, "b.jpg", PICTURES["green"], processed=False)
    assert scanned.world.scan(mode="new").scan.listed == 0
    scanned.server.jobs.resume()
    scanned.server.settle()
    assert scanned.world.scan(mode="new").scan.listed == 1


@pytest.mark.parametrize("permission", ["tag.create", "tag.asset"])
def test_a_key_that_cannot_write_previews_and_the_scan_that_applies_names_what_it_lacks(
    scanned: Scanned, permission: str
) -> None:
    scanned.photo("a.jpg", "red", age_s=_THREE_DAYS_S)
    key = scanned.server.keys[scanned.server.key]
    key.permissions = tuple(each for each in key.permissions if each != permission)
    assert scanned.world.scan().adds == 1
    with pytest.raises(LibraryReadOnly, match=f"lacks the permission {permission}"):
        scanned.world.apply(1)
