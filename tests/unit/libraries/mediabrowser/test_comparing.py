"""What counts as lost in a write, what as somebody's edit, and what as neither."""

from typing import Any

import pytest

from tests.unit.libraries.mediabrowser.places import FILM
from tigertag.libraries.mediabrowser.metadata import (
    Difference,
    difference,
    difference_of_tags,
    not_kept,
    restored,
)

BEFORE: dict[str, Any] = {"Id": "1", "Type": "Movie", "Name": "a", "Tags": ["x"], **FILM}
LOST, OTHER, SAME = Difference(lost=("Tags",)), Difference(other=("Tags",)), Difference()
MERGED = Difference(merged=("Tags",))


@pytest.mark.parametrize("name", [*FILM, "Name"])
def test_the_loss_of_anything_shows(name: str) -> None:
    after = {key: value for key, value in BEFORE.items() if key != name}
    assert difference(BEFORE, after) == Difference(lost=(name,))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Overview", " "),
        ("LockData", False),
        ("PremiereDate", "0001-01-01T00:00:00.0000000Z"),
        ("Genres", ["Drama"]),
        ("Studios", []),
        ("ProviderIds", {"Tmdb": ""}),
        ("ProviderIds", {"Imdb": "7"}),
    ],
)
def test_what_is_empty_or_has_not_all_its_values_is_lost(name: str, value: Any) -> None:
    assert difference(BEFORE, BEFORE | {name: value}) == Difference(lost=(name,))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Overview", "Another film."),
        ("OriginalTitle", "b"),
        ("CommunityRating", 0.0),
        ("PremiereDate", "1999-03-30T23:00:00.0000000Z"),
        ("Genres", ["Drama", "Western"]),
        ("Genres", ["Drama", "Comedy", "Western"]),
        ("Studios", [{"Name": "Theirs"}]),
        ("ProviderIds", {"Tmdb": "43"}),
        ("ProviderIds", {"Tmdb": "42", "Imdb": "7"}),
        ("People", [{"Name": "Ann", "Role": "Me", "Type": "Actor"}]),
        ("LockedFields", ["Name", "Genres"]),
    ],
)
def test_what_has_another_value_or_one_more_is_somebodys_edit(name: str, value: Any) -> None:
    assert difference(BEFORE, BEFORE | {name: value}) == Difference(other=(name,))


@pytest.mark.parametrize(
    "more",
    [
        {"UserData": {"PlayCount": 3}},
        {"Etag": "2"},
        {"ImageTags": {"Primary": "2"}},
        {"Trickplay": {"a": {}}},
        {"MediaSources": [{"ETag": "2"}]},
        {"Tags": ["y"]},
        {"SortName": "b"},
        {"OriginalTitle": "", "CustomRating": None, "EndDate": None},
        {"Genres": ["Comedy", "Drama"]},
        {"PremiereDate": "1999-03-31T00:00:00Z"},
        {"ProviderIds": {"Tmdb": "42", "Imdb": ""}},
        {"Studios": [{"Name": "Ours", "Id": "8"}]},
    ],
)
def test_what_changes_by_itself_or_means_the_same_does_not_show(more: dict[str, Any]) -> None:
    assert not difference(BEFORE, BEFORE | more)


def test_a_number_that_is_nought_is_told_from_none() -> None:
    assert difference({"ParentIndexNumber": 0}, {}).lost == ("ParentIndexNumber",)


@pytest.mark.parametrize(
    ("had", "has", "expected"),
    [
        ("mine", "cat", LOST),
        ("mine yours", "mine cat", LOST),
        ("straße Strasse", "straße cat", MERGED),
        ("Mine mine", "Mine cat", MERGED),
        ("Mine mine", "MINE cat", MERGED),
        ("caf\u00e9 cafe\u0301", "caf\u00e9 cat", MERGED),
        ("Mine mine", "mine cat", MERGED),
        ("Mine mine", "cat", LOST),
        ("Mine mine yours", "Mine cat", LOST),
        ("mine mine", "mine cat", SAME),
        ("cafe\u0301", "caf\u00e9 cat", SAME),
        ("mine", "yours cat", OTHER),
        ("mine", "mine cat", SAME),
        ("mine", "Mine cat", SAME),
        ("mine", "mine yours cat", SAME),
        ("mine", "mine", SAME),
    ],
)
def test_tags_are_lost_only_where_nobody_can_have_replaced_them(
    had: str, has: str, expected: Difference
) -> None:
    there = had.split()
    assert difference_of_tags(there, [*there, "cat"], has.split()) == expected


def test_spaces_around_a_tag_and_blank_tags_are_no_loss() -> None:
    there = [" mine ", "  "]
    assert difference_of_tags(there, [*there, "cat"], ["mine", "cat"]) == SAME


@pytest.mark.parametrize("name", ["Genres", "ProductionLocations"])
def test_values_that_were_made_one_are_told_from_lost_ones(name: str) -> None:
    before = BEFORE | {name: ["Drama", "drama", "Comedy"]}
    merged = difference(before, before | {name: ["Drama", "Comedy"]})
    lost = difference(before, before | {name: ["Drama", "drama"]})
    assert (merged, lost) == (Difference(merged=(name,)), Difference(lost=(name,)))


def test_a_value_that_stands_twice_may_stand_once() -> None:
    assert not difference(BEFORE | {"Genres": ["Drama", "Drama"]}, BEFORE | {"Genres": ["Drama"]})


@pytest.mark.parametrize(
    ("told", "tags"),
    [
        ({}, ["Mine", "mine"]),
        ({}, ["Mine", " MINE"]),
        ({"Genres": ["Drama", "drama"]}, []),
        ({"Studios": [{"Name": "Ours"}, {"Name": "ours"}]}, []),
        ({"ProductionLocations": ["Norway", "NORWAY"]}, []),
        ({"ProviderIds": {"Tmdb": "nm0000123"}}, []),
        ({"ProviderIds": {"Imdb": "42"}}, []),
    ],
)
def test_what_jellyfin_12_would_not_keep_is_known_before(
    told: dict[str, Any], tags: list[str]
) -> None:
    assert not_kept(BEFORE | told, tags)


@pytest.mark.parametrize(
    "tags", [["mine", "mine"], ["straße", "Strasse"], ["caf\u00e9", "cafe\u0301"], [" mine"]]
)
def test_what_jellyfin_12_takes_for_two_tags_or_for_the_same_is_kept(tags: list[str]) -> None:
    assert not_kept(BEFORE, tags) == ""


def test_an_item_is_restored_where_it_lost_something_and_nowhere_else() -> None:
    after = BEFORE | {"Overview": None, "ProviderIds": {"Imdb": "7"}, "Genres": ["Western"]}
    whole = restored(BEFORE, after, ["Overview", "ProviderIds", "Tags"])
    expected = {"ProviderIds": {"Tmdb": "42", "Imdb": "7"}, "Genres": ["Western"]}
    assert whole == BEFORE | expected
