"""The fake is strict, and can be run on its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import plexapi.server
import pytest
import requests
from plexapi.exceptions import BadRequest, NotFound, Unauthorized

from tests.plex import TOKEN, PlexServer
from tests.unit.libraries.plex.plexes import FILM
from tests.unit.libraries.server_place import PHOTO

HEADERS = {"X-Plex-Token": TOKEN}


def client(plex: PlexServer, token: str = TOKEN) -> Any:
    untyped: Any = plexapi.server.PlexServer
    return untyped(plex.url, token)


@pytest.mark.parametrize("query", [f"?X-Plex-Token={TOKEN}", f"?url={quote('/x?y=' + TOKEN)}"])
def test_a_token_in_a_url_fails_the_test(query: str) -> None:
    with pytest.raises(AssertionError, match="token was sent in a URL"), PlexServer() as plex:
        assert requests.get(plex.url + "/" + query, headers=HEADERS, timeout=5).status_code == 400


def test_an_edit_that_means_nothing_fails_the_test() -> None:
    plex = PlexServer()
    plex.add_section("Photos")
    url = f"{plex.url}/library/sections/1/all?type=13&id=1&tagline.value=x"
    with pytest.raises(AssertionError, match="tagline"), plex:
        assert requests.put(url, headers=HEADERS, timeout=5).status_code == 400


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("type=4&id=104&genre%5B0%5D.tag.tag=x", "episode has no genre"),
        ("type=3&id=103&genre%5B%5D.tag.tag-=x", "season has no genre"),
        ("type=2&id=102&tag.locked=1", "show has no tag"),
        ("type=1&id=101&label.locked=1&tagline.value=x", "tagline.value=x means nothing"),
        ("type=4&id=103%2C104&label%5B0%5D.tag.tag=x", "edited as episode, which they are not"),
        ("id=101&label%5B0%5D.tag.tag=x", "needs the type"),
    ],
)
def test_an_edit_of_what_an_item_has_not_fails_the_test(query: str, message: str) -> None:
    plex = PlexServer()
    plex.add_film(plex.add_section("Films", kind="movie"), "film", FILM)
    show = plex.add_show(plex.add_section("Shows", kind="show"), "show")
    plex.add_episode(plex.add_season(show, 1), "episode", FILM)
    section = 1 if "id=101" in query else 2
    url = f"{plex.url}/library/sections/{section}/all?{query}"
    with pytest.raises(AssertionError, match=message), plex:
        assert requests.put(url, headers=HEADERS, timeout=5).status_code == 400


@pytest.mark.parametrize("query", ["type=1", "type=13&sort=rating", "type=13&addedAt%3E=1"])
def test_a_list_that_plex_does_not_give_fails_the_test(query: str) -> None:
    plex = PlexServer()
    plex.add_photo(plex.add_section("Photos"), "a", PHOTO)
    url = f"{plex.url}/library/sections/1/all?{query}"
    with pytest.raises(AssertionError), plex:
        assert requests.get(url, headers=HEADERS, timeout=5).status_code == 400


def test_without_its_token_it_says_nothing(plex: PlexServer) -> None:
    with pytest.raises(Unauthorized):
        client(plex, "another")


def test_it_knows_no_other_paths_and_no_longer_urls(plex: PlexServer) -> None:
    with pytest.raises(NotFound):
        client(plex).query("/library/nothing")
    with pytest.raises(BadRequest, match="414"):
        client(plex).query("/library/sections?x=" + "x" * 9000)


def test_plexapi_lists_as_it_does_on_plex(plex: PlexServer) -> None:
    section = plex.add_section("Photos")
    album = plex.add_album(section, "Cats")
    photos = [plex.add_photo(section, f"{number}", PHOTO, album=album) for number in range(90)]
    plex.add_photo(section, "clip", PHOTO, album=album, clip=True)
    plex.tag(photos[0], "one", "two", "three")
    found = client(plex).library.section("Photos")
    (listed,) = [one for one in found.searchPhotos() if one.ratingKey == photos[0]]
    assert len(listed._data.findall("Tag")) == 2
    assert [one.title for one in found.all()] == ["Cats"]
    assert len(found.all()[0].photos()) == 90
    assert [one.title for one in found.search(libtype="clip")] == ["clip"]


def test_plexapi_sees_films_as_it_does_on_plex(plex: PlexServer) -> None:
    film = plex.add_film(plex.add_section("Films", kind="movie"), "Interstate 60", FILM)
    plex.tag(film, "one", "two", "three", field="genre")
    plex.add_version(film, FILM, height=720, optimized=True)
    plex.add_extra(film, "Trailer", FILM)
    (listed,) = client(plex).library.section("Films").all()
    assert len(listed._data.findall("Genre")) == 2
    seen = client(plex).fetchItem(film)
    assert [one.tag for one in seen.genres] == ["One", "Two", "Three"]
    assert [media.isOptimizedVersion for media in seen.media] == [False, True]
    assert [one.subtype for one in seen.extras()] == ["trailer"]
    seen.addLabel(["dog, big", "cat"]).removeLabel("Dog, big")
    assert plex.tags(film) == ["Cat"]


def test_plexapi_sees_shows_as_it_does_on_plex(plex: PlexServer) -> None:
    show = plex.add_show(plex.add_section("Shows", kind="show"), "The 100")
    season = plex.add_season(show, 1)
    plex.add_episode(season, "Pilot", FILM, number=1)
    section = client(plex).library.section("Shows")
    (episode,) = section.search(libtype="episode")
    assert (episode.seasonEpisode, episode.grandparentTitle) == ("s01e01", "The 100")
    assert [one.title for one in section.all()[0].seasons()] == ["Season 1"]
    episode.addLabel("cat")
    assert plex.tags(int(episode.ratingKey)) == ["Cat"]


def test_a_file_is_given_in_parts(plex: PlexServer) -> None:
    film = plex.add_film(plex.add_section("Films", kind="movie"), "a", b"0123456789")
    url = plex.url + plex.photo(film).main.key
    for span, status, body, told in (
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=10-12", 416, b"", "bytes */10"),
    ):
        answer = requests.get(url, headers=HEADERS | {"Range": span}, timeout=5)
        assert (answer.status_code, answer.content) == (status, body)
        assert answer.headers["Content-Range"] == told
    assert plex.sent_bytes == 8


def test_a_stale_object_of_plexapi_brings_removed_tags_back(plex: PlexServer) -> None:
    section = plex.add_section("Photos")
    photo = plex.add_photo(section, "a", PHOTO)
    plex.tag(photo, "one", "two, three", "four")
    stale = client(plex).fetchItem(photo)
    assert [tag.tag for tag in stale.tags] == ["One", "Two, three", "Four"]
    stale.removeTag(["Two, three", "Four"])
    assert plex.tags(photo) == ["One"]
    stale.addTag("dog")
    assert plex.tags(photo) == ["One", "Two, three", "Four", "Dog"]


def test_lists_have_no_order_unless_one_is_asked_for(plex: PlexServer) -> None:
    section = plex.add_section("Photos")
    for number in range(90):
        plex.add_photo(section, f"{number}", PHOTO)
    found = client(plex).library.section("Photos")
    first, second = ([one.title for one in found.searchPhotos()] for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second)


def test_it_runs_on_its_own(tmp_path: Path) -> None:
    (tmp_path / "trip").mkdir()
    (tmp_path / "trip/a.jpg").write_bytes(PHOTO)
    command = [sys.executable, "-m", "tests.plex", str(tmp_path), "--photos", "3", "--token", "x"]
    root = Path(__file__).parents[4]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = requests.get(
            f"{url}/library/sections/1/all?type=13", headers={"X-Plex-Token": "x"}, timeout=5
        )
        process.terminate()
        counts = json.loads(process.stdout.read())
    assert answer.text.count("<Photo ") == 3
    assert (counts, process.returncode) == ({"list": 1}, 0)
