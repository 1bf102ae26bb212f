"""What an Immich server is asked so that its owner can be advised."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.immich import ImmichServer
from tests.immich.holdings import LEAST
from tigertag.contracts import Host
from tigertag.errors import LibraryError
from tigertag.libraries import immich
from tigertag.libraries.immich import ImmichLibrary, Options
from tigertag.net import HttpClient

Built = Callable[..., ImmichLibrary]


@pytest.fixture
def server() -> Iterator[ImmichServer]:
    with ImmichServer() as server:
        yield server


@pytest.fixture
def built(server: ImmichServer, tmp_path: Path) -> Built:
    """Makes a library with a key of these permissions."""

    def build(*permissions: str, **options: Any) -> ImmichLibrary:
        given = {"url": server.url, "api_key": server.add_key(*permissions), **options}
        return immich.build("home", Options.model_validate(given), Host(tmp_path, HttpClient()))

    return build


def test_the_least_key_is_told_only_that_the_tags_feature_cannot_be_seen(built: Built) -> None:
    (line,) = built(*LEAST).advice()
    assert "userPreference.read" in line


def test_a_key_that_may_see_it_is_told_whether_tags_are_shown(
    server: ImmichServer, built: Built
) -> None:
    library = built(*LEAST, "userPreference.read")
    (line,) = library.advice()
    assert "not shown" in line
    server.users[server.owner].tags_shown = True
    assert library.advice() == []


def test_all_that_a_key_lacks_is_told_though_nothing_can_be_read_with_it(built: Built) -> None:
    library = built("tag.read", "tag.create", "userPreference.read", albums="Alps")
    with pytest.raises(LibraryError):
        library.open()
    reading, writing, albums, how, _tags = library.advice()
    assert "asset.read, asset.view and user.read" in reading
    assert "tag.asset" in writing
    assert "album.read" in albums
    assert "LIBRARY_HOME_API_KEY" in how


def test_a_key_that_is_none_is_an_error(server: ImmichServer, built: Built) -> None:
    library = built(*LEAST)
    server.keys.clear()
    with pytest.raises(LibraryError, match="401"):
        library.advice()
