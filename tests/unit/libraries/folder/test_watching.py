"""A folder that is watched: new photos are noticed, TigerTag's own writes are not."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.libraries.folder.folders import PHOTO, FolderPlace
from tigertag.contracts import Watch
from tigertag.libraries.folder import watching
from tigertag.model import Edit, Field, Section, TagRef

_QUIET_S = 0.5


class Watched:
    """A folder, its watch, and the sections that it has noticed changes in."""

    def __init__(self, place: FolderPlace) -> None:
        self.place = place
        self.noticed: list[str] = []
        self.watch: Watch = place.library.watch(self._notice)

    def _notice(self, section: Section) -> None:
        self.noticed.append(section.id)

    def after(self, act: Callable[[], object]) -> set[str]:
        """Where something is noticed of what is done, until nothing more is noticed of it.

        A file that is written is noticed more than once: when it is made, and when it is closed.
        """
        self.noticed.clear()
        act()
        until, seen = time.monotonic() + 5, -1
        while len(self.noticed) > seen and time.monotonic() < until:
            seen = len(self.noticed) or -1
            time.sleep(_QUIET_S / 2)
        return set(self.noticed)

    def ignores(self, act: Callable[[], object]) -> bool:
        self.noticed.clear()
        act()
        time.sleep(_QUIET_S)
        return not self.noticed


@pytest.fixture
def watched(place: FolderPlace) -> Iterator[Watched]:
    place.add_photo("old.jpg")
    made = Watched(place)
    assert made.watch.problem == ""
    yield made
    made.watch.close()


def test_a_new_photo_is_noticed_also_in_a_new_folder(watched: Watched) -> None:
    assert watched.after(lambda: watched.place.add_photo("new.jpg")) == {"."}
    assert watched.after(lambda: watched.place.add_photo("2026/May/new.jpg")) == {"."}


def test_a_photo_or_folder_that_is_moved_in_is_noticed(watched: Watched, tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", watched.place.root
    outside.mkdir()
    (outside / "new.jpg").write_bytes(PHOTO)
    assert watched.after(lambda: os.rename(outside, root / "inside")) == {"."}
    assert watched.after(lambda: os.rename(root / "inside" / "new.jpg", root / "x.jpg")) == {"."}


def test_what_tigertag_writes_and_reads_is_not_noticed(watched: Watched) -> None:
    library = watched.place.library
    (section,) = library.sections()
    (item,) = library.items(section)

    def tag_and_read() -> None:
        list(library.send([Edit(item, (TagRef(Field.TAG, "cat"),), ())]))
        (watched.place.root / "old.jpg").read_bytes()

    assert watched.ignores(tag_and_read)
    assert (watched.place.root / "old.jpg.xmp").exists()


def test_what_is_not_listed_is_not_noticed(watched: Watched) -> None:
    root = watched.place.root

    def add_others() -> None:
        (root / "notes.txt").write_text("x")
        (root / "@eaDir").mkdir()
        (root / "@eaDir" / "thumb.jpg").write_bytes(PHOTO)
        (root / "old.jpg").unlink()

    assert watched.ignores(add_others)


def test_each_section_is_noticed_by_itself(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    place = FolderPlace(tmp_path, sections=("a", "b"))
    watched = Watched(place)
    assert watched.after(lambda: place.add_photo("b/new.jpg")) == {"b"}
    assert watched.ignores(lambda: place.add_photo("c/new.jpg"))
    watched.watch.close()


def test_a_folder_that_goes_away_is_a_problem(watched: Watched) -> None:
    os.rename(watched.place.root, watched.place.root.with_name("gone"))
    assert "removed, replaced or unmounted" in watched.watch.problem
    watched.place.root.mkdir()
    assert "replaced" in watched.watch.problem


def test_a_folder_that_is_not_there_is_a_problem(place: FolderPlace) -> None:
    library = place.library
    place.root.rmdir()
    watch = library.watch(lambda _section: None)
    assert "cannot be read" in watch.problem
    watch.close()


@pytest.mark.parametrize(
    ("kind", "at"), [("nfs4", ""), ("cifs", ""), ("fuse.mergerfs", ""), ("nfs", "/on a share")]
)
def test_a_file_system_of_other_machines_is_a_problem(
    place: FolderPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, at: str
) -> None:
    mounts = tmp_path / "mountinfo"
    where = f"{os.path.realpath(place.root)}{at}".replace(" ", "\\040")
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"40 22 0:50 / {where} rw shared:2 - {kind} nas:/photos rw\n"
    )
    monkeypatch.setattr(watching, "_MOUNTS", mounts)
    watch = place.library.watch(lambda _section: None)
    assert kind in watch.problem
    assert "schedule" in watch.problem


def test_a_limit_of_the_system_is_a_problem(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watchdog passes over folders below the root for which no watch is left."""
    for name in ("a", "b", "c"):
        (place.root / name).mkdir()
    counts: Any = iter((5, 7))
    monkeypatch.setattr(watching, "_watches", lambda: next(counts))
    watch = place.library.watch(lambda _section: None)
    assert "2 of 4 folders are watched" in watch.problem
    watch.close()


def test_a_refused_watch_is_a_problem(place: FolderPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchdog.observers import inotify_c

    def refuse(*_args: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(inotify_c.InotifyFD, "add_callback", refuse)
    watch = place.library.watch(lambda _section: None)
    assert "max_user_watches" in watch.problem
    watch.close()
