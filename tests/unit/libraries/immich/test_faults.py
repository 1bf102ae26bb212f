"""What an Immich server may answer, or not, and the one line that is made of it."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
import requests

from tests.immich import KEY, LEAST, ImmichServer
from tests.unit.libraries.immich.places import Place
from tests.unit.libraries.server_place import error_of, opened
from tigertag.contracts import Need
from tigertag.errors import LibraryReadOnly, LibraryUnavailable

pytestmark = pytest.mark.slow

Ask = Callable[[Place], object]

ASKS: dict[str, Ask] = {
    "/api-keys/me": lambda place: place.built().open(),
    "/users/me": lambda place: place.built().open(),
    "/search/metadata": lambda place: place.library.sections(),
    "GET /api/assets/": lambda place: place.read("a.jpg"),
}
UNAVAILABLE = {
    "maintenance": "is not ready (503)",
    502: "is not ready (502)",
    "empty": "sent an empty response",
    "reset": "cut the connection",
    "garbled": "a response was cut off",
}
WRONG = {
    401: "rejected the key (401). Set LIBRARY_BOX_API_KEY",
    "html": "It may be the sign-in page of a proxy. Set LIBRARY_BOX_URL",
}


@pytest.fixture
def photos(server: ImmichServer) -> Iterator[Place]:
    place = Place(server)
    place.add_photo("a.jpg")
    yield from opened(place)


@pytest.mark.parametrize("asked", ASKS)
@pytest.mark.parametrize("fault", UNAVAILABLE)
def test_a_server_that_cannot_answer_now_is_unavailable(
    photos: Place, asked: str, fault: int | str
) -> None:
    photos.server.fail(fault, at=asked)
    error = error_of(ASKS[asked], photos)
    assert UNAVAILABLE[fault] in str(error)
    assert isinstance(error, LibraryUnavailable)


@pytest.mark.parametrize("asked", ASKS)
@pytest.mark.parametrize("fault", WRONG)
def test_what_is_set_wrongly_is_said(photos: Place, asked: str, fault: int | str) -> None:
    photos.server.fail(fault, at=asked)
    assert WRONG[fault] in str(error_of(ASKS[asked], photos))


def test_a_key_that_is_wrong_is_said(photos: Place) -> None:
    error = error_of(lambda place: place.built(api_key="nonsense").open(), photos)
    assert "rejected the key (401)" in str(error)


@pytest.mark.parametrize(
    ("permission", "ask"),
    [
        ("user.read", lambda place: place.library.open()),
        ("asset.read", lambda place: place.library.sections()),
        ("asset.view", lambda place: place.library.fetch(place.item("a.jpg"), Need(8)).__enter__()),
    ],
)
def test_a_permission_that_the_key_lacks_is_named(photos: Place, permission: str, ask: Ask) -> None:
    photos.server.key = photos.server.add_key(*(each for each in LEAST if each != permission))
    photos.library = photos.built()
    error = str(error_of(ask, photos))
    assert f"the API key lacks the permission {permission}. Set LIBRARY_BOX_API_KEY" in error


@pytest.mark.parametrize("permission", ["tag.create", "tag.asset"])
def test_a_key_that_may_not_tag_previews_all_the_same(photos: Place, permission: str) -> None:
    photos.server.key = photos.server.add_key(*(each for each in LEAST if each != permission))
    photos.reopen()
    client = photos.library._client
    path = {"tag.create": "/tags", "tag.asset": "/tags/assets"}[permission]
    assert photos.shown("a.jpg").tags == ()
    error = error_of(lambda _place: client.json("PUT", path, {"tags": ["cat"]}), photos)
    assert isinstance(error, LibraryReadOnly)
    assert f"lacks the permission {permission}. Previews work" in str(error)


def hang(place: Place) -> None:
    """Let the server hang as twenty requests at once for tags do it."""

    def make(number: int) -> None:
        headers, body = {"x-api-key": place.server.key}, {"tags": [f"t{number}"]}
        with suppress(requests.RequestException):
            requests.put(f"{place.server.url}/api/tags", json=body, headers=headers, timeout=0.3)

    place.server.strict = False
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(make, range(24)))
    assert place.server.hung
    place.server.violations.clear()


def test_a_server_that_hangs_is_said_to_need_a_restart_and_is_left_alone(
    photos: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigertag.libraries.mediaserver.client.OPENING_TIMEOUT_S", (1.0, 0.2))
    hang(photos)
    assert requests.get(f"{photos.server.url}/api/server/ping", timeout=1).json() == {"res": "pong"}
    photos.library = photos.built()
    photos.log.clear()
    for _time in range(3):
        error = error_of(lambda place: place.library.open(), photos)
        assert isinstance(error, LibraryUnavailable)
        assert "Its ping may answer all the same" in str(error)
        assert "restart it, then scan again" in str(error)
    assert list(photos.log) == ["GET /api/api-keys/me"]
    photos.server.restart()


def test_a_server_that_leaves_one_request_unanswered_may_have_hung(
    photos: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigertag.libraries.mediaserver.client.TIMEOUT_S", (1.0, 0.2))
    photos.server.search_s = 0.5
    assert "may have hung" in str(error_of(lambda place: place.library.sections(), photos))


def test_a_write_that_is_not_answered_is_sent_once(photos: Place) -> None:
    photos.server.fail("reset", at="PUT /api/tags")
    photos.log.clear()
    client = photos.library._client
    error_of(lambda _place: client.json("PUT", "/tags", {"tags": ["cat"]}), photos)
    assert len(photos.asked("PUT /api/tags")) == 1


def test_a_listing_survives_a_restart(photos: Place) -> None:
    photos.server.fail(503, at=photos.listing_path, times=2)
    assert photos.titles() == ["a.jpg"]


class CookieGiver(BaseHTTPRequestHandler):
    """A proxy before Immich that sets a cookie. `asked`: the headers of the requests."""

    asked: ClassVar[list[Message]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers)
        self.send_response(200)
        self.send_header("Set-Cookie", "immich_access_token=another-users; Path=/")
        self.send_header("Content-Length", "0")
        self.end_headers()


def test_no_cookie_is_kept_and_no_password_of_netrc_is_sent(
    photos: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with ThreadingHTTPServer(("127.0.0.1", 0), CookieGiver) as proxy:
        Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        place = photos.built(url=f"http://127.0.0.1:{proxy.server_port}")
        for _time in range(2):
            with pytest.raises(LibraryUnavailable):
                place.open()
        proxy.shutdown()
    sent = {name.lower() for headers in CookieGiver.asked for name in headers}
    assert "x-api-key" in sent
    assert sent.isdisjoint({"cookie", "authorization"})


class Redirecter(BaseHTTPRequestHandler):
    """A proxy that redirects each request to another address. `path_of`: the path there."""

    path_of: ClassVar[Callable[[str], str]] = str

    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header("Location", f"https://127.0.0.1{type(self).path_of(self.path)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET


@pytest.mark.parametrize(
    ("path_of", "advice"),
    [
        (str, "redirects to https://127.0.0.1. Set LIBRARY_BOX_URL to that address."),
        (lambda _path: "/login?to=secret", "redirects to https://127.0.0.1/login. It may be"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed_and_its_target_is_named(
    photos: Place,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path_of: Callable[[str], str],
    advice: str,
) -> None:
    monkeypatch.setattr(Redirecter, "path_of", staticmethod(path_of))
    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecter) as proxy:
        Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        library = photos.built(url=f"http://127.0.0.1:{proxy.server_port}")
        client = library._new_client()
        error = error_of(lambda _place: client.json(method, "/search/metadata", {}), photos)
        assert advice in str(error)
        assert advice in str(error_of(lambda _place: client.connect(), photos))
        proxy.shutdown()


def test_nothing_secret_is_logged(photos: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
    with caplog.at_level(logging.DEBUG):
        photos.read("a.jpg")
    assert "/api/assets/" in caplog.text
    assert KEY not in caplog.text


def test_the_clock_of_the_server_is_known_to_the_second(photos: Place) -> None:
    photos.server.skew_s = 3600.0
    photos.library.sections()
    ahead_s = photos.server.now() - photos.library._client.server_now().timestamp()
    assert 0 <= ahead_s < 1.5
