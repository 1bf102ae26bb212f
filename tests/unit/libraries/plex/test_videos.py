"""Videos: where they are read, and what is read of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plex import PlexServer
from tests.unit.libraries.plex.plexes import PlexPlace
from tests.unit.libraries.server_place import PHOTO
from tigertag.contracts import Need, Source
from tigertag.errors import ItemGone, LibraryError, LibraryUnavailable, Unreadable
from tigertag.model import Item
from tigertag.net.ranges import BLOCK_BYTES, RangeReader

NEED = Need(64)
WHOLE = bytes(range(256)) * 8000


@pytest.fixture
def films(plex: PlexServer) -> Iterator[PlexPlace]:
    made = PlexPlace(plex, kind="movie")
    yield made
    made.close()


def add(place: PlexPlace, film: bytes = WHOLE, *, file: str = "") -> Item:
    place.keys["a"] = place.plex.add_film(place.section, "a", film, file=file)
    return place.item("a")


def beginning(place: PlexPlace, item: Item, need: Need = NEED) -> bytes:
    """The first bytes of what is fetched."""
    with place.library.fetch(item, need) as source:
        return opened(source)


def opened(source: Source) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()[:16]
    return source[:16] if isinstance(source, bytes) else source.read(16)


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (403, Unreadable, "does not permit"),
        (404, ItemGone, "no longer there"),
        (500, Unreadable, "could not give its file"),
        ("whole", Unreadable, "PATH_MAP"),
        ("reset", Unreadable, "cut"),
        ("garbled", Unreadable, "cut"),
        (401, LibraryError, "LIBRARY_BOX_TOKEN"),
        ("maintenance", LibraryUnavailable, "not ready"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(
    films: PlexPlace, fault: int | str, error: type[Exception], message: str
) -> None:
    item = add(films)
    films.plex.fail(fault, at="/library/parts/")
    with pytest.raises(error, match=message) as caught:
        beginning(films, item)
    assert "\n" not in str(caught.value)
    assert films.plex.token not in str(caught.value)


def test_a_file_that_goes_while_it_is_read_fails_its_item(films: PlexPlace) -> None:
    item = add(films)
    with films.library.fetch(item, NEED) as source:
        assert isinstance(source, RangeReader)
        source.read(16)
        films.remove_photo("a")
        source.seek(-16, 2)
        with pytest.raises(ItemGone):
            source.read(16)


def test_a_film_that_is_gone_is_not_asked_for(films: PlexPlace) -> None:
    item = add(films)
    films.remove_photo("a")
    with pytest.raises(ItemGone):
        beginning(films, item)
    assert films.plex.counts["part"] == 0


def test_a_film_that_was_replaced_since_it_was_listed_is_gone(films: PlexPlace) -> None:
    item = add(films)
    films.plex.replace_photo(films.keys["a"], WHOLE[:-1])
    with pytest.raises(ItemGone, match="not as it was listed"):
        beginning(films, item)


def test_a_film_that_lost_its_file_is_gone(films: PlexPlace) -> None:
    item = add(films)
    films.plex.lose_file(films.keys["a"])
    with pytest.raises(ItemGone):
        beginning(films, item)


def test_no_more_of_a_film_is_read_than_is_needed(films: PlexPlace) -> None:
    assert beginning(films, add(films)) == WHOLE[:16]
    assert films.plex.sent_bytes <= BLOCK_BYTES < len(WHOLE)
    assert films.plex.counts["part"] == 1


def test_any_part_of_a_film_can_be_read(films: PlexPlace) -> None:
    with films.library.fetch(add(films), NEED) as source:
        assert isinstance(source, RangeReader)
        source.seek(-20, 2)
        assert source.read() == WHOLE[-20:]
        source.seek(300_001)
        assert source.read(300_000) == WHOLE[300_001:600_001]
        assert source.size_bytes == len(WHOLE)


def test_what_was_fetched_is_closed(films: PlexPlace) -> None:
    with films.library.fetch(add(films), NEED) as source:
        assert isinstance(source, RangeReader)
    assert source.closed


def test_a_film_that_tigertag_sees_is_read_from_the_disk(plex: PlexServer, tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(WHOLE)
    place = PlexPlace(plex, kind="movie", path_map=f"/films:{tmp_path}")
    item = add(place, file="/films/a.mkv")
    with place.library.fetch(item, NEED) as source:
        assert source == (tmp_path / "a.mkv").resolve()
    assert plex.counts["part"] == 0
    place.close()


@pytest.mark.parametrize("name", ["a.jpg", "b.mkv", "larger.mkv"])
def test_what_is_no_film_of_that_size_comes_from_the_server(
    plex: PlexServer, tmp_path: Path, name: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(WHOLE)
    (tmp_path / "larger.mkv").write_bytes(WHOLE + b"\0")
    place = PlexPlace(plex, kind="movie", path_map=f"/films:{tmp_path}")
    with place.library.fetch(add(place, file=f"/films/{name}"), NEED) as source:
        assert isinstance(source, RangeReader)
    place.close()


def test_the_smallest_good_version_is_read(films: PlexPlace) -> None:
    add(films)
    for height, film in ((2160, b"huge" * 9000), (480, b"small" * 900), (240, b"tiny")):
        films.plex.add_version(films.keys["a"], film, height=height)
    assert beginning(films, films.item("a")).startswith(b"small")


def test_an_optimized_version_is_read_and_leaves_the_item_as_it_was(films: PlexPlace) -> None:
    before = add(films)
    number = films.plex.add_version(films.keys["a"], b"optimized" * 9, height=720, optimized=True)
    assert beginning(films, before).startswith(b"optimized")
    films.plex.drop_version(films.keys["a"], number)
    assert films.item("a").revision == before.revision
    assert beginning(films, before) == WHOLE[:16]


def test_of_two_parts_the_first_is_read(films: PlexPlace) -> None:
    add(films, b"first" * 9)
    films.plex.add_part(films.keys["a"], b"second" * 9)
    assert beginning(films, films.item("a")).startswith(b"first")


def test_a_poster_stands_for_a_film_where_that_will_do(films: PlexPlace) -> None:
    item = add(films)
    films.plex.hang_poster(films.keys["a"], PHOTO)
    assert beginning(films, item, Need(32, poster=True)).startswith(b"\xff\xd8\xff")
    assert films.plex.counts["part"] == 0


def test_the_film_is_looked_at_where_no_poster_can_be_had(films: PlexPlace) -> None:
    item = add(films)
    assert beginning(films, item, Need(32, poster=True)) == WHOLE[:16]
    films.plex.hang_poster(films.keys["a"], b"no picture")
    assert beginning(films, item, Need(32, poster=True)) == WHOLE[:16]


@pytest.fixture
def trailers(plex: PlexServer) -> Iterator[PlexPlace]:
    made = PlexPlace(plex, kind="movie", footage="trailer")
    yield made
    made.close()


def test_a_films_trailer_is_looked_at_if_that_is_wanted(trailers: PlexPlace) -> None:
    item = add(trailers)
    trailers.plex.add_extra(trailers.keys["a"], "Making of", b"making" * 9, kind="featurette")
    trailers.plex.add_extra(trailers.keys["a"], "Trailer", b"trailer" * 9)
    assert beginning(trailers, item).startswith(b"trailer")


def test_a_trailer_that_lies_elsewhere_is_not_looked_at(trailers: PlexPlace) -> None:
    item, key = add(trailers), trailers.keys["a"]
    for address in ("https://elsewhere.example/a.mp4", "/services/iva/assets/1/video.mp4"):
        trailers.plex.add_extra(key, "Trailer", b"trailer" * 9, address=address)
    assert beginning(trailers, item) == WHOLE[:16]
    trailers.plex.add_extra(key, "Trailer", b"local" * 9)
    assert beginning(trailers, item).startswith(b"local")


@pytest.mark.parametrize("fault", [400, 404, 500])
def test_a_server_without_extras_gives_the_film_itself(trailers: PlexPlace, fault: int) -> None:
    item = add(trailers)
    trailers.plex.fail(fault, at="/extras")
    assert beginning(trailers, item) == WHOLE[:16]


def test_footage_of_another_kind_makes_no_other_item(trailers: PlexPlace) -> None:
    trailer = add(trailers)
    trailers.library = trailers.built(footage="main")
    assert trailers.item("a") == trailer
    assert beginning(trailers, trailer) == WHOLE[:16]


def test_a_library_tells_what_it_looks_at_of_films(trailers: PlexPlace) -> None:
    assert [one.footage for one in (trailers.library, trailers.built())] == ["trailer", ""]


def test_extras_are_not_asked_for_unless_trailers_are_wanted(films: PlexPlace) -> None:
    beginning(films, add(films))
    assert films.plex.counts["extras"] == 0


def test_a_clip_is_read_like_a_film(plex: PlexServer) -> None:
    place = PlexPlace(plex, kind="clip", footage="trailer")
    place.add_photo("a.mp4")
    assert b"ftyp" in beginning(place, place.item("a.mp4"))
    assert plex.counts["extras"] == 0
    place.close()
