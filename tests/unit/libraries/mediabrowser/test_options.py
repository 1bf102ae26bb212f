from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.mediabrowser import KEY
from tigertag.contracts import Host
from tigertag.libraries.mediabrowser import emby, jellyfin
from tigertag.libraries.mediaserver.options import MappedFolder
from tigertag.net import HttpClient

PLUGINS: tuple[Any, ...] = (emby, jellyfin)


def options(plugin: Any = jellyfin, **given: object) -> Any:
    return plugin.Options.model_validate({"url": "http://media:8096", "api_key": KEY} | given)


def refused(plugin: Any = jellyfin, **given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        options(plugin, **given)
    return str(caught.value)


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"url": "ftp://media"}, "as in http://media:8096"),
        ({"url": "http://media:port"}, "as in http://media:8096"),
        ({"api_key": 'a"b'}, "it is no API key"),
        ({"api_key": ""}, "it is no API key"),
        ({"field": "label"}, "Input should be 'tag'"),
        ({"path_map": "/data"}, "as in /data/photos:/mnt/photos"),
        ({"min_bytes": -1}, "greater than or equal to 0"),
        ({"token": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_is_refused(plugin: Any, given: dict[str, object], message: str) -> None:
    assert message in refused(plugin, **given)


def test_a_password_in_jellyfins_address_would_take_the_keys_place() -> None:
    assert "give no user and password" in refused(url="http://me:hunter2@media:8096")
    assert options(emby, url="http://me:hunter2@media:8096").url


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_key_is_not_in_the_options_text(plugin: Any) -> None:
    assert KEY not in repr(options(plugin))


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize(
    "url",
    [
        "media:8096",
        "http://media:8096/",
        "http://media:8096/web/index.html#!/home",
        f"http://media:8096/?api_key={KEY}",
    ],
)
def test_an_address_is_taken_as_people_copy_it(plugin: Any, url: str) -> None:
    assert options(plugin, url=url).url == "http://media:8096"


def test_lists_have_commas() -> None:
    given = options(sections="Photos, Films", path_map=r"/data:/mnt/a, D:\Photos:/mnt/b")
    assert given.sections == ("Photos", "Films")
    assert given.path_map == (MappedFolder("/data", "/mnt/a"), MappedFolder("D:/Photos", "/mnt/b"))


def test_films_are_ten_megabytes_by_default() -> None:
    kinds = ("Movie", "Episode", "Video", "Photo")
    assert [options().min_bytes_for(kind) for kind in kinds] == [10_000_000, 10_000_000, 0, 0]
    assert {options(min_bytes=7).min_bytes_for(kind) for kind in kinds} == {7}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_building_asks_nothing_of_the_server(plugin: Any) -> None:
    library = plugin.build(
        "box", options(plugin, url="http://127.0.0.1:1"), Host(Path(), HttpClient())
    )
    assert library.id == "box"
