import pytest

from tigertag.model import Edit, Field, Item, Media, Shown, TagRef
from tigertag.served.edits import is_storable, left, took

ITEM = Item("box", "1", "7", "revision", media=Media.PHOTO, title="a", size_bytes=1, stamp=None)


def refs(*names: str) -> tuple[TagRef, ...]:
    return tuple(TagRef(Field.TAG, name) for name in names)


def shown(*names: str) -> Shown:
    return Shown("7", refs(*names))


@pytest.mark.parametrize("name", ["", "  ", "a\x00", "a\nb", "\ud800"])
def test_what_is_no_text_cannot_be_stored(name: str) -> None:
    assert not is_storable(name)


def test_what_is_there_in_another_case_is_not_added_again() -> None:
    assert left(Edit(ITEM, refs("cat", "dog"), ()), shown("Cat")) == (refs("dog"), ())


def test_what_is_removed_is_spelled_as_the_server_does() -> None:
    assert left(Edit(ITEM, (), refs("cat", "dog")), shown("Cat")) == ((), refs("Cat"))


def test_of_two_spellings_the_one_that_was_meant_is_removed() -> None:
    assert left(Edit(ITEM, (), refs("cat")), shown("cat", "Cat")) == ((), refs("cat"))


def test_an_edit_took_where_any_of_it_shows() -> None:
    edit = Edit(ITEM, refs("cat", "dog"), refs("sky"))
    assert took(edit, shown("sky"), shown("sky", "dog"))
    assert took(edit, shown("sky"), shown())
    assert not took(edit, shown("sky", "cat"), shown("sky", "cat"))
