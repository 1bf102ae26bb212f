import errno
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.libraries.folder.folders import PHOTO, FolderPlace
from tigertag.contracts import Need, NotedItems, Notes, NotRead
from tigertag.errors import ItemGone, LibraryUnavailable, Unreadable
from tigertag.libraries.folder import FolderLibrary, Options, listing
from tigertag.libraries.folder.exclusion import Exclusion
from tigertag.libraries.folder.listing import Listing
from tigertag.model import Item, Section


def noted(place: FolderPlace) -> Notes:
    (section,) = place.library.sections()
    found = place.library.items(section)
    assert isinstance(found, NotedItems)
    list(found)
    return found.notes


def reasons(place: FolderPlace) -> dict[str, int]:
    return {one.reason.value: one.count for one in noted(place).left_out}


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
    (record,) = caplog.records
    assert record.getMessage().startswith(f"folder b skipped: {os.strerror(code)}")


def test_items_of_a_folder_that_cannot_be_read_are_noted_as_unread(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_photo("b/1.jpg")
    monkeypatch.setattr(os, "scandir", failing_at("/b", errno.EACCES))
    notes = noted(place)
    assert notes.unread == ["b/"]
    assert f"runs as uid {os.geteuid()}" in notes.left_out[0].examples[0]


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
    listing = Listing("photos", str(place.root), ".", Exclusion(), Notes()).items()
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


@pytest.mark.parametrize(
    "folder",
    [
        *("#recycle/2023", "$RECYCLE.BIN/S-1-5-21", "@Recycle", "@Recently-Snapshot", "lost+found"),
        *("iPhoto Library/Thumbnails", "deep/iPhoto Library/Thumbnails", ".Trash-1000/files"),
        *("Photos Library.photoslibrary/resources/derivatives", "My.lrdata", "@eaDir", "#snapshot"),
        *(".zfs/snapshot", ".snapshots", ".@__thumb", "System Volume Information", "a.trickplay"),
        *("data/me/files_trashbin/files", "appdata_oc1x/preview", "Shoot/CaptureOne/Cache"),
    ],
)
def test_trash_packages_and_previews_are_left_out(place: FolderPlace, folder: str) -> None:
    place.add_photo(f"{folder}/p.jpg")
    place.add_photo("a.jpg")
    assert (place.keys(), reasons(place)) == (["a.jpg"], {"excluded_folder": 1})


@pytest.mark.parametrize("folder", ["thumbs", "encoded-video", "profile", "iPhoto Library/Masters"])
def test_folders_that_are_only_called_like_those_of_programs_are_listed(
    place: FolderPlace, folder: str
) -> None:
    place.add_photo(f"{folder}/p.jpg")
    assert place.keys() == [f"{folder}/p.jpg"]


def test_what_immich_makes_of_its_photos_is_left_out(place: FolderPlace) -> None:
    for folder in ("thumbs", "encoded-video", "profile", "library"):
        place.add_photo(f"immich/{folder}/p.jpg")
    assert place.keys() == ["immich/library/p.jpg"]


def test_a_folder_with_nomedia_is_left_out_with_all_below(place: FolderPlace) -> None:
    place.add_photo("private/deep/p.jpg")
    (place.root / "private/.nomedia").touch()
    assert (place.keys(), reasons(place)) == ([], {"nomedia": 1})


@pytest.mark.parametrize(
    ("patterns", "keys"),
    [
        ("!#recycle/", ["#recycle/p.jpg", "a/b.jpg", "a/c.png"]),
        ("!.*", [".hidden/p.jpg", "a/b.jpg", "a/c.png"]),
        ("!private/", ["a/b.jpg", "a/c.png", "private/p.jpg"]),
        ("*.png", ["a/b.jpg"]),
        ("/a/", []),
        ("/b.jpg, *.png", ["a/b.jpg"]),
        ("*.png\n!c.png", ["a/b.jpg", "a/c.png"]),
    ],
)
def test_patterns_leave_out_and_take_in_again(
    tmp_path: Path, patterns: str, keys: list[str]
) -> None:
    place = FolderPlace(tmp_path, exclude=patterns)
    for name in ("#recycle/p.jpg", ".hidden/p.jpg", "private/p.jpg", "a/b.jpg", "a/c.png"):
        place.add_photo(name)
    (tmp_path / "private/.nomedia").touch()
    assert place.keys() == keys


def test_a_section_that_is_named_is_listed_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / ".private").mkdir()
    place = FolderPlace(tmp_path, sections=(".private",))
    place.add_photo(".private/a.jpg")
    (tmp_path / ".private/.nomedia").touch()
    assert place.keys() == [".private/a.jpg"]
    assert not place.library.leaves_out(place.item(".private/a.jpg"))


def test_what_is_left_out_is_counted_by_reason_with_a_few_examples(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path, min_bytes=len(PHOTO))
    for name in ("a.jpg", "._a.jpg", "r.CR2", "r.nef", "x.jxl", "p.psd", "notes.txt", "a.jpg.xmp"):
        place.add_photo(name)
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(b"small")
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "broken.jpg").symlink_to("nothing")
    assert reasons(place) == {
        "excluded_file": 1,
        "too_small": 5,
        "raw": 2,
        "jpeg_xl": 1,
        "other_format": 1,
        "link": 2,
    }
    (small,) = [one for one in noted(place).left_out if one.reason == "too_small"]
    assert small.examples == ("0.jpg", "1.jpg", "2.jpg")


def test_a_file_that_settings_leave_out_now_is_told_from_one_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    before = FolderPlace(tmp_path)
    for name in ("hidden/a.jpg", "b.png", "c.jpg"):
        before.add_photo(name)
    items = [before.item(name) for name in ("hidden/a.jpg", "b.png", "c.jpg")]
    now = FolderLibrary("photos", Options(path=tmp_path, exclude=("*.png",)))
    now.open()
    assert [now.leaves_out(item) for item in items] == [False, True, False]
    (tmp_path / "hidden/.nomedia").touch()
    assert [now.leaves_out(item) for item in items] == [True, True, False]


def test_a_folder_that_was_a_mount_and_is_none_now_is_named(place: FolderPlace) -> None:
    (place.root / "nas").mkdir()
    (section,) = place.library.sections()
    assert "nas" in place.library.not_mounted(section, ["nas"])
    assert not place.library.not_mounted(section, [])


def test_file_systems_of_their_own_are_noted_where_something_is_listed(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_photo("nas/deep/a.jpg")
    (place.root / "empty").mkdir()
    monkeypatch.setattr(listing, "_subfolder", apart(listing._subfolder))
    assert noted(place).mounts == {"nas"}


def apart(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Let folders lie on a file system of their own: `nas` and `empty`."""

    def made(folder: Any, path: str, entry: Any) -> Any:
        found = inner(folder, path, entry)
        return replace(found, mount=path) if path in ("nas", "empty") else found

    return made
