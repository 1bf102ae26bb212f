import pytest

from tigertag.libraries.mediaserver.edits import is_storable, left, took
from tigertag.model import Edit, Field, Item, Media, Shown, TagRef

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


@pytest.mark.parametrize("named", ["CAT", "cat"])
def test_of_two_spellings_of_which_neither_was_meant_none_is_removed(named: str) -> None:
    assert left(Edit(ITEM, (), refs(named)), shown("Cat", "cAt")) == ((), ())


@pytest.mark.parametrize("there", [("straße", "Strasse"), ("Strasse", "straße")])
def test_a_word_that_only_folds_to_what_was_meant_stays(there: tuple[str, ...]) -> None:
    assert left(Edit(ITEM, (), refs("straße")), shown(*there)) == ((), refs("straße"))


def test_what_is_named_twice_is_removed_once() -> None:
    assert left(Edit(ITEM, (), refs("cat", "CAT")), shown("Cat")) == ((), refs("Cat"))


def test_the_same_word_in_another_field_is_another_tag() -> None:
    genre = TagRef(Field.GENRE, "cat")
    seen = Shown("7", (genre, *refs("Cat")))
    assert left(Edit(ITEM, (), (genre,)), seen) == ((), (genre,))


def test_an_edit_took_where_any_of_it_shows() -> None:
    edit = Edit(ITEM, refs("cat", "dog"), refs("sky"))
    assert took(edit, shown("sky"), shown("sky", "dog"))
    assert took(edit, shown("sky"), shown())
    assert not took(edit, shown("sky", "cat"), shown("sky", "cat"))


def test_an_edit_took_where_one_of_two_alike_is_gone() -> None:
    edit = Edit(ITEM, (), refs("straße"))
    assert took(edit, shown("straße", "Strasse"), shown("Strasse"))
    assert not took(edit, shown("straße", "Strasse"), shown("straße", "Strasse"))
