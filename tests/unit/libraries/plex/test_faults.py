"""What a server may answer, and the one line that is made of it."""

import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import plexapi
import pytest

from tests.plex import TOKEN
from tests.unit.libraries.plex.plexes import PlexPlace
from tests.unit.libraries.server_place import error_of
from tigertag.contracts import Need, NotRead
from tigertag.errors import LibraryUnavailable

pytestmark = pytest.mark.slow

Ask = Callable[[PlexPlace], object]

ASKS: dict[str, Ask] = {
    "GET / ": lambda place: place.built().open(),
    "GET /library/sections": lambda place: place.library.sections(),
    "GET /library/sections/1/all": lambda place: place.keys and place.item("a.jpg"),
    "GET /library/metadata": lambda place: place.read("a.jpg"),
}
UNAVAILABLE = {
    "maintenance": "Plex is migrating its database (503)",
    503: "is not ready (503)",
    502: "is not ready (502)",
    "empty": "sent an empty response",
    "reset": "cut the connection",
    "silent": "cannot be reached",
}
WRONG = {
    401: "rejected the token (401). Set LIBRARY_BOX_TOKEN",
    500: "answered 500 Internal Server Error to GET /",
    206: "answered 206 Partial Content",
    520: "answered 520 Odd",
    "html": "does not respond like Plex",
    "garbled": "a response was cut off",
}


@pytest.fixture
def place(place: PlexPlace) -> PlexPlace:
    place.add_photo("a.jpg")
    place.plex.silence_s = 0.01
    return place


@pytest.mark.parametrize("request_line", ASKS)
@pytest.mark.parametrize("fault", UNAVAILABLE)
def test_a_server_that_cannot_answer_now_is_unavailable(
    place: PlexPlace, request_line: str, fault: int | str
) -> None:
    place.plex.fail(fault, at=request_line.strip())
    error = error_of(ASKS[request_line], place)
    assert UNAVAILABLE[fault] in str(error)
    assert isinstance(error, LibraryUnavailable)


@pytest.mark.parametrize("request_line", ASKS)
@pytest.mark.parametrize("fault", WRONG)
def test_an_answer_that_is_wrong_is_one_clear_line(
    place: PlexPlace, request_line: str, fault: int | str
) -> None:
    place.plex.fail(fault, at=request_line.strip())
    assert WRONG[fault] in str(error_of(ASKS[request_line], place))


@pytest.mark.parametrize("fault", ["maintenance", 502, 429, "reset", "silent"])
@pytest.mark.parametrize("request_line", ASKS)
def test_what_passes_is_sat_out(place: PlexPlace, request_line: str, fault: int | str) -> None:
    place.plex.fail(fault, at=request_line.strip(), times=2)
    ASKS[request_line](place)


@pytest.mark.parametrize("fault", [401, 500, "html"])
def test_what_does_not_pass_is_asked_once(place: PlexPlace, fault: int | str) -> None:
    place.plex.fail(fault)
    place.plex.log.clear()
    error_of(ASKS["GET / "], place)
    assert len(place.plex.log) == 1


def test_an_answer_that_is_not_there_does_not_open_the_library(place: PlexPlace) -> None:
    place.plex.fail("empty", times=1)
    library = place.built()
    with pytest.raises(LibraryUnavailable, match="empty response"):
        library.open()
    library.open()
    assert library.sections()


def test_another_server_that_speaks_xml_is_not_taken_for_plex(
    place: PlexPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root in (
        '<MediaContainer size="0"/>',
        '<MediaContainer transcoderActiveVideoSessions="x"/>',
    ):
        monkeypatch.setattr("tests.plex.xml.root", lambda root=root: root.encode())
        assert "does not respond like Plex" in str(error_of(ASKS["GET / "], place))


def test_a_server_that_never_answers_is_given_up(place: PlexPlace) -> None:
    place.plex.silence_s = 0.5
    place.plex.fail("silent")
    library = place.built()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tigertag.libraries.mediaserver.client.OPENING_TIMEOUT_S", 0.05)
        with pytest.raises(LibraryUnavailable, match="did not answer in time"):
            library.open()


def test_a_wrong_token_is_one_clear_line(place: PlexPlace) -> None:
    error = error_of(lambda place: place.built(token="wr0ng").open(), place)
    assert "LIBRARY_BOX_TOKEN" in str(error)
    assert "wr0ng" not in str(error)


@pytest.mark.parametrize("fault", [404, 500, "reset", "html"])
def test_a_password_in_the_address_is_in_no_message(place: PlexPlace, fault: int | str) -> None:
    url = place.plex.url.replace("//", "//me:hunter2@")
    place.plex.fail(fault)
    error = error_of(lambda place: place.built(url=url).open(), place)
    assert "hunter2" not in f"{error!r} {error.__cause__!r}"


def test_a_token_is_in_no_url_and_in_no_log(
    place: PlexPlace, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        item = place.item("a.jpg")
        place.send(place.edit("a.jpg", adds=("cat",)))
        with place.library.fetch(item, Need(16)):
            pass
        place.plex.fail(500)
        error_of(ASKS["GET /library/sections"], place)
    assert TOKEN not in caplog.text
    assert not any(TOKEN in line for line in place.plex.log)
    assert place.plex.violations == []


def test_plexapis_configuration_file_cannot_put_the_token_into_urls(
    place: PlexPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plexapi.CONFIG, "data", {"log.show_secrets": "true"}, raising=False)
    monkeypatch.setattr(type(plexapi.CONFIG), "get", lambda *_asked: "true")
    place.built().sections()
    assert place.plex.violations == []


def test_the_server_knows_the_program_by_a_lasting_name(place: PlexPlace) -> None:
    one, same = (place.built() for _ in range(2))
    names = []
    for library in (one, same):
        library.open()
        names.append(library._client._session.headers["X-Plex-Client-Identifier"])
    assert names[0] == names[1]
    assert socket.gethostname() not in names[0]


def test_many_threads_read_through_one_library(place: PlexPlace) -> None:
    item = place.item("a.jpg")
    with ThreadPoolExecutor(12) as pool:
        read = list(pool.map(lambda _n: list(place.library.read_tags([item])), range(60)))
    assert len({one[0].rest for one in read if not isinstance(one[0], NotRead)}) == 1
