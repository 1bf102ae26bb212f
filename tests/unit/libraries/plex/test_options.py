from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.plex import TOKEN
from tests.unit.libraries.server_place import HASTE
from tigertag.contracts import Host
from tigertag.libraries.mediaserver.options import MappedFolder
from tigertag.libraries.plex import Options
from tigertag.net import HttpClient
from tigertag.plugins import load_libraries
from tigertag.settings.reading import libraries


def problem(**variables: str) -> str:
    """The error of a library with this setting."""
    given = {"NAME": "tigertag.plex", "URL": "http://plex:32400", "TOKEN": TOKEN} | variables
    environ = {f"LIBRARY_BOX_{name}": value for name, value in given.items() if value}
    (loaded,) = load_libraries(libraries(environ), lambda _id: Host(Path(), HttpClient(HASTE)))
    return loaded.problem


def options(**given: object) -> Options:
    return Options.model_validate({"url": "http://plex:32400", "token": TOKEN} | given)


def test_an_address_and_a_token_are_enough() -> None:
    assert problem() == ""


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("URL", "", "LIBRARY_BOX_URL must be set"),
        ("TOKEN", "", "LIBRARY_BOX_TOKEN must be set"),
        ("URL", "ftp://plex", "as in http://plex:32400"),
        ("URL", "http://plex:port", "as in http://plex:32400"),
        ("URL", "http://", "as in http://plex:32400"),
        ("FIELD", "tagline", "is not one of label, genre, collection"),
        ("GENRE_FIELD", "tag", "is not one of label, genre, collection"),
        ("FOOTAGE", "all", "is not one of main, trailer"),
        ("ROLL_UP", "all", "is not one of none, season, show"),
        ("PATH_MAP", "/data", "as in /data/photos:/mnt/photos"),
        ("PATH_MAP", "/data:photos", "as in /data/photos:/mnt/photos"),
        ("MIN_BYTES", "-1", "greater than or equal to 0"),
        ("SECTION", "Photos", "did you mean 'SECTIONS'?"),
    ],
)
def test_what_is_wrong_is_one_clear_line(variable: str, value: str, message: str) -> None:
    line = problem(**{variable: value})
    assert message in line
    assert "\n" not in line


def test_a_token_that_no_header_can_bear_is_refused_without_showing_it() -> None:
    line = problem(TOKEN="s3cret token")
    assert line == "LIBRARY_BOX_TOKEN: the value is refused."


def test_a_token_that_was_pasted_with_the_address_is_never_shown() -> None:
    line = problem(URL="ftp://plex:32400/?X-Plex-Token=s3cret")
    assert "LIBRARY_BOX_URL" in line
    assert "s3cret" not in line


def test_the_token_is_not_in_the_options_text() -> None:
    assert TOKEN not in repr(options())


@pytest.mark.parametrize(
    "url",
    [
        "http://plex:32400",
        "plex:32400",
        "http://plex:32400/",
        "http://plex:32400/web/index.html#!/settings",
        "http://plex:32400/?X-Plex-Token=abc",
    ],
)
def test_an_address_is_taken_as_people_copy_it(url: str) -> None:
    assert options(url=url).url == "http://plex:32400"


def test_a_base_path_is_kept() -> None:
    assert options(url="https://home.example/plex/").url == "https://home.example/plex"


def test_lists_have_commas() -> None:
    given = options(sections="Photos, 3", path_map=r"/data:/mnt/a, D:\Photos:/mnt/b")
    assert given.sections == ("Photos", "3")
    assert given.path_map == (MappedFolder("/data", "/mnt/a"), MappedFolder("D:/Photos", "/mnt/b"))


def test_an_option_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValidationError):
        options(user="me")
