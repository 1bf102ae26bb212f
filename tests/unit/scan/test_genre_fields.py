"""Scans of a library that puts genres elsewhere than other tags."""

import pytest

from tests.fake_library import FakeLibrary
from tests.world import World
from tigertag.model import Field, Kind, Label, TagRef

pytestmark = pytest.mark.slow

COMEDY = TagRef(Field.GENRE, "comedy")
RED = TagRef(Field.TAG, "red")


@pytest.fixture
def shelf(world: World) -> FakeLibrary:
    made = FakeLibrary()
    made.genre_field = Field.GENRE
    made.put("a", "red")
    world.library = made
    world.engine.extra = (Label("comedy", 0.9, kind=Kind.GENRE),)
    return made


def test_genres_go_where_genres_are_and_all_else_to_the_tags(
    world: World, shelf: FakeLibrary
) -> None:
    world.scan("apply")
    assert set(shelf.tags["a"]) == {COMEDY, RED}


def test_without_such_a_place_genres_are_tags(world: World, shelf: FakeLibrary) -> None:
    shelf.genre_field = None
    world.scan("apply")
    assert set(shelf.tags["a"]) == {TagRef(Field.TAG, "comedy"), RED}


def test_an_item_that_takes_all_elsewhere_takes_genres_there(
    world: World, shelf: FakeLibrary
) -> None:
    shelf.takes["a"] = Field.LABEL
    world.scan("apply")
    assert {tag.field for tag in shelf.tags["a"]} == {Field.LABEL}


def test_another_place_moves_our_genres_alone(world: World, shelf: FakeLibrary) -> None:
    shelf.tag("a", "Drama", field=Field.GENRE)
    world.scan("apply")
    shelf.genre_field = None
    world.scan("apply")
    drama = TagRef(Field.GENRE, "Drama")
    assert set(shelf.tags["a"]) == {drama, RED, TagRef(Field.TAG, "comedy")}
    assert world.engine.asked == ["red"]


def test_the_same_place_is_settled_once(world: World, shelf: FakeLibrary) -> None:
    world.scan("apply")
    assert world.scan("apply").scan.unchanged == 1


def test_what_is_borne_already_is_the_users(world: World, shelf: FakeLibrary) -> None:
    shelf.tag("a", "Comedy", field=Field.GENRE)
    applied = world.scan("apply")
    world.undo(applied.scan.id)
    assert shelf.tags["a"] == [TagRef(Field.GENRE, "Comedy")]


def test_an_undo_takes_off_ours_alone(world: World, shelf: FakeLibrary) -> None:
    shelf.tag("a", "Drama", field=Field.GENRE)
    applied = world.scan("apply")
    world.undo(applied.scan.id)
    assert shelf.tags["a"] == [TagRef(Field.GENRE, "Drama")]


def test_a_genre_that_the_user_took_off_stays_off(world: World, shelf: FakeLibrary) -> None:
    world.scan("apply")
    shelf.tags["a"].remove(COMEDY)
    shelf.tag("a", "mine")
    world.scan("apply")
    shelf.genre_field = None
    world.scan("apply", mode="force")
    assert shelf.names("a") == {"red", "mine"}


def test_genres_go_up_to_the_genres_of_a_show(world: World, shelf: FakeLibrary) -> None:
    shelf.group("season", "show")
    shelf.group("show")
    shelf.put("e", "red", "season", "show")
    shelf.takes |= {"e": Field.LABEL, "season": Field.LABEL}
    world.scan("apply")
    assert set(shelf.tags["show"]) == {COMEDY, RED}
    assert {tag.field for tag in shelf.tags["season"]} == {Field.LABEL}


def test_what_was_previewed_is_applied_where_it_was_shown(world: World, shelf: FakeLibrary) -> None:
    preview = world.scan()
    world.apply(preview.scan.id)
    assert set(shelf.tags["a"]) == {COMEDY, RED}
