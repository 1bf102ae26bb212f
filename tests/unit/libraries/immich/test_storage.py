"""Which folders of an external library a first write speaks for."""

import pytest

from tigertag.libraries.immich import storage
from tigertag.libraries.immich.storage import StorageFolders, Trial
from tigertag.libraries.immich.tags import ShownByImmich
from tigertag.model import Item


def at(path: str, library: str = "books") -> ShownByImmich:
    return ShownByImmich(path, path=path, library_id=library)


def seen(*paths: str) -> StorageFolders:
    folders = StorageFolders()
    folders.see(map(at, paths))
    return folders


def test_a_first_write_speaks_for_a_folder_below_the_common_one_and_all_in_it() -> None:
    folders = seen("/p/2023/a.jpg", "/p/2024/05/b.jpg")
    folders.end(folders.folder(at("/p/2024/05/b.jpg")), is_writable=True)
    assert folders.is_writable(at("/p/2024/06/c.jpg"))
    assert not folders.is_writable(at("/p/2023/a.jpg"))
    assert not folders.is_writable(at("/p/2024/05/b.jpg", library="other"))


def test_what_lies_in_the_common_folder_itself_speaks_for_no_folder_in_it() -> None:
    folders = seen("/p/a.jpg", "/p/2024/b.jpg")
    folders.end(folders.folder(at("/p/a.jpg")), is_writable=True)
    assert folders.is_writable(at("/p/z.jpg"))
    assert not folders.is_writable(at("/p/2024/b.jpg"))


def test_a_common_folder_that_turns_out_wider_keeps_what_was_verified() -> None:
    folders = seen("/p/2024/05/a.jpg")
    folders.end(folders.folder(at("/p/2024/05/a.jpg")), is_writable=True)
    folders.see([at("/q/b.jpg")])
    assert folders.is_writable(at("/p/2024/05/a.jpg"))
    assert not folders.is_writable(at("/p/2024/06/a.jpg"))


def test_uploads_are_one_folder() -> None:
    folders = StorageFolders()
    folders.end(folders.folder(at("/data/aa/a.jpg", "")), is_writable=True)
    assert folders.is_writable(at("/data/bb/b.jpg", ""))
    assert not folders.is_writable(at("/data/bb/b.jpg"))


def test_a_first_write_that_stays_open_does_not_hold_up_its_folder_for_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders, item = StorageFolders(), Item("box", "1", "7", "revision")
    folder = folders.folder(at("/p/a.jpg"))
    folders.begin(folder, Trial(item, frozenset()))
    assert folders.trial(folder) is not None
    monkeypatch.setattr(storage, "_OPEN_FOR_S", -1.0)
    assert folders.trial(folder) is None
