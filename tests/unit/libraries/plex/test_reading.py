"""Items in full, a hundred at a time."""

from dataclasses import replace

import pytest

from tests.unit.libraries.plex.plexes import PlexPlace
from tests.unit.libraries.server_place import PHOTO
from tigertag.contracts import NotRead


@pytest.fixture
def crowd(place: PlexPlace) -> PlexPlace:
    for number in range(251):
        place.keys[f"{number}.jpg"] = place.plex.add_photo(place.section, f"{number}.jpg", PHOTO)
    return place


def test_items_are_read_a_hundred_at_a_time(crowd: PlexPlace) -> None:
    (section,) = crowd.library.sections()
    found = list(crowd.library.items(section))
    crowd.plex.counts.clear()
    read = list(crowd.library.read_tags(found))
    assert [one.key for one in read] == [item.key for item in found]
    assert crowd.plex.counts == {"metadata": 3}


@pytest.mark.parametrize("bears_missing", [True, False])
def test_items_that_went_away_do_not_hide_the_others(crowd: PlexPlace, bears_missing: bool) -> None:
    (section,) = crowd.library.sections()
    found = list(crowd.library.items(section))
    crowd.plex.bears_missing = bears_missing
    for number in (0, 7, 120, 249):
        crowd.plex.remove_photo(crowd.keys[f"{number}.jpg"])
    read = {one.key: one for one in crowd.library.read_tags(found)}
    gone = {one.key for one in read.values() if isinstance(one, NotRead)}
    assert gone == {str(crowd.keys[f"{number}.jpg"]) for number in (0, 7, 120, 249)}
    assert len(read) == 251


def test_a_page_of_items_that_is_short_does_not_read_as_items_gone(crowd: PlexPlace) -> None:
    (section,) = crowd.library.sections()
    found = list(crowd.library.items(section))
    crowd.plex.fail("short", at="/library/metadata", times=5)
    assert not any(isinstance(one, NotRead) for one in crowd.library.read_tags(found))


def test_a_key_that_is_none_of_plex_is_not_asked_for(place: PlexPlace) -> None:
    place.add_photo("a.jpg")
    item = replace(place.item("a.jpg"), key="../../:/prefs")
    (read,) = place.library.read_tags([item])
    assert isinstance(read, NotRead)
