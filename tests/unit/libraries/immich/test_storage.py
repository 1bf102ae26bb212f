"""Which folders of an external library a first write speaks for."""

from tigertag.libraries.immich.storage import StorageFolders, Trial
from tigertag.libraries.immich.tagging import Step
from tigertag.libraries.immich.tags import ShownByImmich
from tigertag.model import Edit, Item


def at(path: str, library: str = "books") -> ShownByImmich:
    return ShownByImmich(path, path=path, library_id=library)


def seen(*paths: str) -> StorageFolders:
    folders = StorageFolders()
    folders.see(map(at, paths))
    return folders


def verify(folders: StorageFolders, asset: ShownByImmich) -> None:
    edit = Edit(Item("box", "1", asset.key, "revision"), (), ())
    step = Step(edit, asset, frozenset(), is_remove=False, is_last=True)
    trial = Trial(folders.folder(asset), step, frozenset())
    assert folders.begin(trial)
    folders.end(trial, is_writable=True)


def test_a_first_write_speaks_for_a_folder_below_the_common_one_and_all_in_it() -> None:
    folders = seen("/p/2023/a.jpg", "/p/2024/05/b.jpg")
    verify(folders, at("/p/2024/05/b.jpg"))
    assert folders.is_writable(at("/p/2024/06/c.jpg"))
    assert not folders.is_writable(at("/p/2023/a.jpg"))
    assert not folders.is_writable(at("/p/2024/05/b.jpg", library="other"))


def test_what_lies_in_the_common_folder_itself_speaks_for_no_folder_in_it() -> None:
    folders = seen("/p/a.jpg", "/p/2024/b.jpg")
    verify(folders, at("/p/a.jpg"))
    assert folders.is_writable(at("/p/z.jpg"))
    assert not folders.is_writable(at("/p/2024/b.jpg"))


def test_a_common_folder_that_turns_out_wider_keeps_what_was_verified() -> None:
    folders = seen("/p/2024/05/a.jpg")
    verify(folders, at("/p/2024/05/a.jpg"))
    folders.see([at("/q/b.jpg")])
    assert folders.is_writable(at("/p/2024/05/a.jpg"))
    assert not folders.is_writable(at("/p/2024/06/a.jpg"))


def test_uploads_are_one_folder() -> None:
    folders = StorageFolders()
    verify(folders, at("/data/aa/a.jpg", ""))
    assert folders.is_writable(at("/data/bb/b.jpg", ""))
    assert not folders.is_writable(at("/data/bb/b.jpg"))
