"""Features taken once, kept, and taken up where it was left."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.genres.colour_features import Eye, Reel, look, picture, shelf
from tests.world import World
from tigertag.contracts import Sampling
from tigertag.errors import ItemGone, LibraryError, StoreUnavailable, Unreadable
from tigertag.genres.extraction import Extractor, FeatureStore, extract
from tigertag.genres.sources import MediaSource
from tigertag.store import answers

COLOURS = ("red", "green", "blue")


@pytest.fixture
def kept(world: World) -> FeatureStore:
    return shelf(world.home, world.store)


@pytest.fixture
def reel() -> Reel:
    return Reel({name: picture(name) for name in COLOURS})


def files(kept: FeatureStore, world: World) -> list[Path]:
    return sorted((world.home / "features").rglob("*.npz"))


def test_what_cannot_be_looked_at_says_why_and_the_others_go_on(
    reel: Reel, kept: FeatureStore
) -> None:
    reel.held |= {"gone": ItemGone("There is no such file."), "bad": b"no picture"}
    results = look(reel.all(), kept)
    assert [one.features is not None for one in results] == [True, True, True, False, False]
    assert results[3].reason == "There is no such file."
    assert results[4].reason


def test_what_failed_is_tried_again(reel: Reel, kept: FeatureStore) -> None:
    reel.held["red"] = Unreadable("It is being written.", retryable=True)
    assert look([reel.found("red")], kept)[0].features is None
    reel.held["red"] = picture("red")
    assert look([reel.found("red")], kept)[0].features is not None


def test_a_server_that_is_gone_ends_it_and_what_was_seen_is_kept(
    reel: Reel, kept: FeatureStore
) -> None:
    reel.held["server"] = LibraryError("Library plex: it is gone.")
    with pytest.raises(LibraryError, match="it is gone"):
        look([reel.found("red"), reel.found("server")], kept)
    reel.fetched.clear()
    assert look([reel.found("red")], kept)[0].features is not None
    assert reel.fetched == []


def links(reel: Reel, count: int, exc: Exception) -> list[MediaSource]:
    """So many links that fail in this way."""
    reel.held |= {f"link {n}": exc for n in range(count)}
    return [replace(reel.found(f"link {n}"), site="www.youtube.com") for n in range(count)]


WAIT = Unreadable("The site asks to wait; try again later.", retryable=True)


def test_a_site_that_fails_again_and_again_is_asked_no_more(reel: Reel, kept: FeatureStore) -> None:
    results = look([*links(reel, 100, WAIT), reel.found("red")], kept)
    assert len(reel.fetched) < 20
    assert results[-1].features is not None
    assert results[99].reason == (
        "Not tried, as 10 links to www.youtube.com had failed in a row:"
        " The site asks to wait; try again later."
    )


def test_links_that_are_gone_are_all_tried(reel: Reel, kept: FeatureStore) -> None:
    look(links(reel, 30, Unreadable("The video is gone.")), kept)
    assert len(reel.fetched) == 30


def test_files_and_items_are_all_tried(reel: Reel, kept: FeatureStore) -> None:
    look([replace(one, site="") for one in links(reel, 30, WAIT)], kept)
    assert len(reel.fetched) == 30


def test_without_anything_to_see_no_network_is_loaded(reel: Reel, kept: FeatureStore) -> None:
    reel.held["gone"], eye = ItemGone("There is no such file."), Eye()
    look([reel.found("gone")], kept, eye)
    assert eye.opened == 0


def test_a_folder_that_cannot_be_written_is_said(reel: Reel, world: World) -> None:
    (world.home / "features").write_bytes(b"")
    with pytest.raises(StoreUnavailable, match="Features cannot be kept"):
        look(reel.all(), shelf(world.home, world.store))


def test_the_second_time_nothing_is_opened(reel: Reel, kept: FeatureStore) -> None:
    first, eye = look(reel.all(), kept), Eye()
    again = look(reel.all(), kept, eye)
    assert (sorted(reel.fetched), eye.opened) == (sorted(COLOURS), 0)
    for one, other in zip(first, again, strict=True):
        assert one.features is not None
        assert other.features is not None
        np.testing.assert_array_equal(one.features.frames, other.features.frames)
        assert one.content == other.content


def test_who_leaves_early_finds_what_was_seen(reel: Reel, kept: FeatureStore) -> None:
    eye = Eye()
    results = extract(reel.all(), Extractor(eye), Sampling(), kept, workers=1)
    with closing(results):
        seen = next(results)
    before = len(reel.fetched)
    look([reel.all()[seen.number]], kept)
    assert len(reel.fetched) == before


def test_what_has_changed_is_looked_at_again(reel: Reel, kept: FeatureStore) -> None:
    look(reel.all(), kept)
    reel.fetched.clear()
    reel.held["red"], reel.revisions["red"] = picture("red", 20), "2"
    look(reel.all(), kept)
    assert reel.fetched == ["red"]


def test_the_same_content_elsewhere_is_opened_and_seen_once(
    reel: Reel, kept: FeatureStore, world: World
) -> None:
    look(reel.all(), kept)
    reel.held["copy"], eye = reel.held["red"], Eye()
    found = [reel.found("copy")]
    assert look(found, kept, eye)[0].features is not None
    assert eye.opened == 0
    assert (reel.fetched[-1], len(files(kept, world))) == ("copy", 3)
    reel.fetched.clear()
    look(found, kept, eye)
    assert reel.fetched == []


def test_another_network_looks_anew(reel: Reel, kept: FeatureStore, world: World) -> None:
    look(reel.all(), kept)
    look(reel.all(), kept, Eye(version="2"))
    assert len(reel.fetched) == 6
    assert len(files(kept, world)) == 6


def test_a_record_that_is_broken_is_made_anew(
    reel: Reel, kept: FeatureStore, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    look(reel.all(), kept)
    files(kept, world)[0].write_bytes(b"half")
    assert all(one.features is not None for one in look(reel.all(), kept))
    assert (len(reel.fetched), "made again" in caplog.text) == (4, True)
    look(reel.all(), kept)
    assert len(reel.fetched) == 4


def test_what_is_kept_is_in_the_index(reel: Reel, kept: FeatureStore, world: World) -> None:
    (seen,) = look([reel.found("red")], kept)
    with world.store.read() as db:
        assert answers.content_of(db, "reel/red", "1") == seen.content
    assert seen.features is not None
    assert (seen.features.frames.shape, seen.features.frames.dtype.name) == ((1, 3), "float16")


def test_results_know_which_they_are_of(kept: FeatureStore) -> None:
    reel = Reel({f"{n}": picture(COLOURS[n % 3], n) for n in range(40)})
    for number, one in enumerate(look(reel.all(), kept)):
        assert one.features is not None
        assert (one.number, int(np.argmax(one.features.frames))) == (number, number % 3)
