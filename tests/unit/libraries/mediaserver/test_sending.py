from collections.abc import Iterator, Sequence

import pytest

from tigertag.libraries.mediaserver import sending
from tigertag.libraries.mediaserver.sending import Reader, TagChange, is_storable, left_to_do
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
    assert left_to_do(Edit(ITEM, refs("cat", "dog"), ()), shown("Cat")) == (refs("dog"), ())


def test_what_is_removed_is_spelled_as_the_server_does() -> None:
    assert left_to_do(Edit(ITEM, (), refs("cat", "dog")), shown("Cat")) == ((), refs("Cat"))


def test_of_two_spellings_the_one_that_was_meant_is_removed() -> None:
    assert left_to_do(Edit(ITEM, (), refs("cat")), shown("cat", "Cat")) == ((), refs("cat"))


@pytest.mark.parametrize("named", ["CAT", "cat"])
def test_of_two_spellings_of_which_neither_was_meant_none_is_removed(named: str) -> None:
    assert left_to_do(Edit(ITEM, (), refs(named)), shown("Cat", "cAt")) == ((), ())


@pytest.mark.parametrize("there", [("straße", "Strasse"), ("Strasse", "straße")])
def test_a_word_that_only_folds_to_what_was_meant_stays(there: tuple[str, ...]) -> None:
    assert left_to_do(Edit(ITEM, (), refs("straße")), shown(*there)) == ((), refs("straße"))


def test_what_is_named_twice_is_removed_once() -> None:
    assert left_to_do(Edit(ITEM, (), refs("cat", "CAT")), shown("Cat")) == ((), refs("Cat"))


def test_the_same_word_in_another_field_is_another_tag() -> None:
    genre = TagRef(Field.GENRE, "cat")
    seen = Shown("7", (genre, *refs("Cat")))
    assert left_to_do(Edit(ITEM, (), (genre,)), seen) == ((), (genre,))


def took_effect(edit: Edit, before: Shown, after: Shown) -> bool:
    return TagChange(*left_to_do(edit, before)).shows_in(after)


def test_an_edit_took_where_any_of_it_shows() -> None:
    edit = Edit(ITEM, refs("cat", "dog"), refs("sky"))
    assert took_effect(edit, shown("sky"), shown("sky", "dog"))
    assert took_effect(edit, shown("sky"), shown())
    assert not took_effect(edit, shown("sky", "cat"), shown("sky", "cat"))


def test_an_edit_took_where_one_of_two_alike_is_gone() -> None:
    edit = Edit(ITEM, (), refs("straße"))
    assert took_effect(edit, shown("straße", "Strasse"), shown("Strasse"))
    assert not took_effect(edit, shown("straße", "Strasse"), shown("straße", "Strasse"))


class Server:
    """Shows one more tag each time that it is read."""

    def __init__(self) -> None:
        self.tags: list[str] = []

    def read(self, items: Sequence[Item]) -> Iterator[Shown]:
        self.tags.append(f"{len(self.tags) + 1}")
        yield from [Shown(item.key, refs(*self.tags)) for item in items]


def test_what_was_read_a_moment_ago_is_not_read_again() -> None:
    reader = Reader(Server().read)
    (before,) = reader.read([ITEM])
    assert reader.fresh_by_key([ITEM]) == {"7": before}


def test_a_reading_serves_one_write() -> None:
    reader = Reader(Server().read)
    list(reader.read([ITEM]))
    assert reader.fresh_by_key([ITEM]) == {"7": shown("1")}
    assert reader.fresh_by_key([ITEM]) == {"7": shown("1", "2")}


def test_what_was_read_too_long_ago_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(Server().read)
    list(reader.read([ITEM]))
    monkeypatch.setattr(sending, "READ_FRESH_S", -1.0)
    assert reader.fresh_by_key([ITEM]) == {"7": shown("1", "2")}


def test_only_the_last_readings_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_MOST_READINGS", 0)
    reader = Reader(Server().read)
    list(reader.read([ITEM]))
    assert reader.fresh_by_key([ITEM]) == {"7": shown("1", "2")}
