from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.immich import KEY
from tigertag.contracts import Host
from tigertag.libraries import immich
from tigertag.libraries.immich import Options
from tigertag.net import HttpClient
from tigertag.plugins import load_libraries
from tigertag.settings.reading import libraries


def options(**given: Any) -> Options:
    return Options.model_validate({"url": "http://immich:2283", "api_key": KEY} | given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"url": "ftp://immich"}, "as in http://immich:2283"),
        ({"api_key": 'a"b'}, "it is no API key"),
        ({"api_key": ""}, "it is no API key"),
        ({"include_archived": "maybe"}, "valid boolean"),
        ({"people": "who"}, "valid boolean"),
        ({"password": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        options(**given)


def test_the_key_is_not_in_the_options_text() -> None:
    assert KEY not in repr(options())


@pytest.mark.parametrize(
    "url",
    [
        "immich:2283",
        "http://immich:2283/",
        "http://immich:2283/api",
        "http://immich:2283/api/",
        "http://immich:2283/photos?at=1",
        "http://immich:2283/auth/login",
        "http://immich:2283/people/1b2c",
        "http://immich:2283/albums/1b2c/photos/3d4e",
        "http://immich:2283/search?query=cat",
        "http://immich:2283/api/docs",
    ],
)
def test_an_address_is_taken_as_people_copy_it(url: str) -> None:
    assert options(url=url).url == "http://immich:2283"


def test_a_server_below_a_path_keeps_it() -> None:
    assert options(url="https://home.example/immich/api").url == "https://home.example/immich"


def test_a_host_may_be_called_like_a_page() -> None:
    assert options(url="http://photos/albums/1b2c").url == "http://photos"


def test_blanks_around_a_key_are_cut_off() -> None:
    assert options(api_key=f" {KEY}\n").api_key.get_secret_value() == KEY


def test_why_a_key_is_refused_is_said_without_the_key() -> None:
    environ = {
        "LIBRARY_HOME_NAME": "tigertag.immich",
        "LIBRARY_HOME_URL": "http://immich:2283",
        "LIBRARY_HOME_API_KEY": "not a key",
    }
    (loaded,) = load_libraries(libraries(environ), lambda _id: Host(Path(), HttpClient()))
    assert "LIBRARY_HOME_API_KEY: it is no API key of Immich's" in loaded.problem
    assert "not a key" not in loaded.problem


def test_albums_have_commas() -> None:
    assert options(albums="Summer, Winter 2024").albums == ("Summer", "Winter 2024")


def test_building_asks_nothing_of_the_server() -> None:
    host = Host(Path(), HttpClient())
    assert immich.build("box", options(url="http://127.0.0.1:1"), host).id == "box"
