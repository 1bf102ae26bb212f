import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.libraries.folder.folders import PHOTO, FolderPlace
from tigertag.contracts import Need, NotRead
from tigertag.errors import ItemGone, LibraryUnavailable, Unreadable
from tigertag.libraries.folder import FolderLibrary, Options
from tigertag.libraries.folder.listing import files
from tigertag.model import Item, Section


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    library = FolderLibrary("photos", Options(path=tmp_path / "none"))
    with pytest.raises(LibraryUnavailable, match="mounted"):
        library.open()


def test_a_section_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    library = FolderLibrary("photos", Options(path=tmp_path, sections=("none",)))
    with pytest.raises(LibraryUnavailable, match="none"):
        library.open()


def test_a_section_that_leads_out_by_a_link_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/out").symlink_to(tmp_path)
    library = FolderLibrary("photos", Options(path=tmp_path / "root", sections=("out",)))
    with pytest.raises(LibraryUnavailable, match="leads out"):
        library.open()


def failing_at(folder: str, code: int) -> Callable[..., Any]:
    real = os.scandir

    def scandir(path: str) -> Any:
        if path.endswith(folder):
            raise OSError(code, os.strerror(code))
        return real(path)

    return scandir


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_a_folder_that_cannot_be_read_is_passed_over_with_a_warning(
    place: FolderPlace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: int,
) -> None:
    for name in ("a/1.jpg", "b/2.jpg", "c/3.jpg"):
        place.add_photo(name)
    monkeypatch.setattr(os, "scandir", failing_at("/b", code))
    with caplog.at_level(logging.WARNING):
        assert place.keys() == ["a/1.jpg", "c/3.jpg"]
    assert [record.getMessage() for record in caplog.records] == [
        f"folder b passed over: {os.strerror(code)}"
    ]


def test_a_root_that_goes_away_while_it_is_listed_is_unavailable(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.add_photo("deep/b.jpg")
    (section,) = place.library.sections()
    listing = place.library.items(section)
    next(listing)
    place.root.rename(place.root.with_name("elsewhere"))
    with pytest.raises(LibraryUnavailable):
        list(listing)


def test_a_photo_that_goes_away_while_it_is_listed_is_passed_over(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_photo("a.jpg")
    place.add_photo("b.jpg")
    real = os.scandir

    def scandir(path: str) -> Any:
        found = real(path)
        (place.root / "b.jpg").unlink()
        return found

    monkeypatch.setattr(os, "scandir", scandir)
    assert place.keys() == ["a.jpg"]


def test_names_that_are_no_utf8_have_keys_of_their_own(place: FolderPlace) -> None:
    for name in (b"\xff.jpg", b"\xff\\udcfe.jpg", b"\\udcff\xfe.jpg", rb"\udcff.jpg"):
        Path(os.fsdecode(os.fsencode(place.root) + b"/" + name)).write_bytes(PHOTO)
    keys = place.keys()
    assert len(set(keys)) == 4
    assert all(key.encode() for key in keys)


def test_a_name_that_is_no_utf8_asks_to_be_renamed(place: FolderPlace) -> None:
    Path(os.fsdecode(os.fsencode(place.root) + b"/\xff.jpg")).write_bytes(PHOTO)
    (section,) = place.library.sections()
    (item,) = place.library.items(section)
    with pytest.raises(Unreadable, match="rename it"), place.library.fetch(item, Need(8)):
        pass
    (read,) = place.library.read_tags([item])
    assert isinstance(read, NotRead)


@pytest.mark.parametrize("key", ["../secret.jpg", "/etc/passwd", "", "a\0.jpg", "out.jpg"])
def test_nothing_outside_the_root_is_fetched(place: FolderPlace, key: str) -> None:
    secret = place.root.with_name("secret.jpg")
    secret.write_bytes(PHOTO)
    (place.root / "out.jpg").symlink_to(secret)
    item = Item("photos", ".", key, "1")
    with pytest.raises(Unreadable), place.library.fetch(item, Need(8)):
        pass


def test_a_folder_or_a_pipe_is_not_fetched(place: FolderPlace) -> None:
    (place.root / "folder.jpg").mkdir()
    os.mkfifo(place.root / "pipe.jpg")
    assert place.keys() == []
    for key in ("folder.jpg", "pipe.jpg"):
        item = Item("photos", ".", key, "1")
        with pytest.raises(Unreadable), place.library.fetch(item, Need(8)):
            pass


def test_a_root_that_went_away_is_not_taken_for_photos_that_did(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    item = place.item("a.jpg")
    place.root.rename(place.root.with_name("elsewhere"))
    with pytest.raises(LibraryUnavailable), place.library.fetch(item, Need(8)):
        pass
    with pytest.raises(LibraryUnavailable):
        list(place.library.read_tags([item]))


def test_hidden_and_foreign_files_are_passed_over(place: FolderPlace) -> None:
    for name in (
        "a.JPG",
        "b.HeIc",
        ".c.jpg",
        ".d/e.jpg",
        "@eaDir/e.jpg",
        "f.txt",
        "g.jpg.xmp",
        "h",
        ".jpg",
    ):
        place.add_photo(name)
    assert place.keys() == ["a.JPG", "b.HeIc"]


def test_links_are_followed_to_files_inside_only(place: FolderPlace) -> None:
    place.add_photo("deep/a.jpg")
    secret = place.root.with_name("secret.jpg")
    secret.write_bytes(PHOTO)
    (place.root / "in.jpg").symlink_to("deep/a.jpg")
    (place.root / "out.jpg").symlink_to(secret)
    (place.root / "broken.jpg").symlink_to("nothing.jpg")
    (place.root / "deep/loop").symlink_to(place.root)
    assert place.keys() == ["in.jpg", "deep/a.jpg"]


def test_a_listing_opens_no_file_and_is_sorted_and_lazy(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg", "c.jpg", "b/a/0.jpg"):
        place.add_photo(name)
        place.tag(name, "mine")

    def fail(*_about: object, **_more: object) -> None:
        raise AssertionError("a listing opened a file")

    monkeypatch.setattr("builtins.open", fail)
    monkeypatch.setattr(os, "open", fail)
    listing = files(str(place.root), ".")
    assert next(listing).key == "a.jpg"
    assert [photo.key for photo in listing] == ["c.jpg", "b/1.jpg", "b/2.jpg", "b/a/0.jpg"]


def test_sections_part_the_folder(tmp_path: Path) -> None:
    for name in ("2023", "2024/May"):
        (tmp_path / name).mkdir(parents=True)
    place = FolderPlace(tmp_path, sections=("2024/May", "2023"))
    for name in ("outside.jpg", "2023/a.jpg", "2024/b.jpg", "2024/May/c.jpg"):
        place.add_photo(name)
    assert place.library.sections() == (
        Section("photos", "2024/May", "2024/May"),
        Section("photos", "2023", "2023"),
    )
    assert place.keys() == ["2024/May/c.jpg", "2023/a.jpg"]


def test_without_sections_the_whole_folder_is_one(place: FolderPlace) -> None:
    assert place.library.sections() == (Section("photos", ".", place.root.name),)


def test_small_pictures_are_passed_over_when_told_to(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path, min_bytes=len(PHOTO))
    place.add_photo("a.jpg")
    (tmp_path / "small.jpg").write_bytes(PHOTO[:-1])
    assert place.keys() == ["a.jpg"]


def test_a_photo_that_goes_away_later_is_gone(place: FolderPlace) -> None:
    place.add_photo("deep/a.jpg")
    item = place.item("deep/a.jpg")
    place.remove_photo("deep/a.jpg")
    (place.root / "deep").rmdir()
    with pytest.raises(ItemGone), place.library.fetch(item, Need(8)):
        pass
