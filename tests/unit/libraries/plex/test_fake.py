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
from tests.unit.libraries.plex.plexes import PHOTO

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
