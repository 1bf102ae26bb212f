"""Items of a library, found by what people call them."""

import pytest

from tigertag.errors import Unreadable
from tigertag.genres.predict import ItemsByName
from tigertag.model import Item, Media

TITLES = {
    "1": "sintel_trailer.mp4",
    "2": "Dark · S01E01 · Secrets",
    "3": "Dark · S01E02 · Lies",
    "4": "Other · S01E02 · Lies",
    "5": "Mr. Robot",
}


def item(name: str) -> Item:
    named = ItemsByName("photos", [name])
    for key, title in TITLES.items():
        named.add(Item("photos", "1", key, "1", Media.VIDEO, title, stamp="1"))
    return named.item(name)


def refusal(name: str) -> str:
    with pytest.raises(Unreadable) as caught:
        item(name)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"Library photos has no video or picture {name!r}")


def test_what_is_like_nothing_is_told_how_titles_are_written() -> None:
    assert "an episode's is like 'Show · S01E02 · Title'" in refusal("xyzzy")


def test_a_part_of_a_title_is_answered_with_the_titles() -> None:
    assert refusal("dark") == (
        "; did you mean 'Dark · S01E01 · Secrets' or 'Dark · S01E02 · Lies'?"
    )


def test_a_misspelt_title_is_answered_with_one() -> None:
    assert refusal("Mr. Rowbot") == "; did you mean 'Mr. Robot'?"


def test_a_title_that_several_episodes_bear_is_not_guessed() -> None:
    assert "'Dark · S01E02 · Lies' or 'Other · S01E02 · Lies'?" in refusal("Lies")


def test_the_beginning_of_a_title_with_a_dot_is_no_file() -> None:
    assert "did you mean 'Mr. Robot'?" in refusal("Mr")


@pytest.mark.parametrize(
    ("name", "key"),
    [("Sintel_Trailer", "1"), ("SINTEL_trailer.mp4", "1"), ("secrets", "2"), ("3", "3")],
)
def test_a_title_is_found_as_people_write_it(name: str, key: str) -> None:
    assert item(name).key == key
