"""What a server may answer, and the one line that is made of it."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mediabrowser import KEY, MediaServer
from tests.mediabrowser.holdings import User
from tests.unit.libraries.mediabrowser.places import Place
from tests.unit.libraries.server_place import error_of
from tigertag.contracts import Host, Need
from tigertag.errors import LibraryUnavailable
from tigertag.libraries.mediabrowser import emby, jellyfin

pytestmark = pytest.mark.slow

Ask = Callable[[Place], object]

ASKS: dict[str, Ask] = {
    "/System/Info/Public": lambda place: place.built().open(),
    "/Users": lambda place: place.built().open(),
    "Views": lambda place: place.library.sections(),
    "/Items?": lambda place: place.keys and place.item("a.jpg"),
    "Ids=": lambda place: place.read("a.jpg"),
}
UNAVAILABLE = {
    "maintenance": "is not ready (503)",
    502: "is not ready (502)",
    "empty": "sent an empty response",
    "reset": "cut the connection",
    "silent": "cannot be reached",
    "garbled": "a response was cut off",
}
WRONG = {
    401: "rejected the key (401). Set LIBRARY_BOX_API_KEY",
    "html": "It may be the sign-in page of a proxy. Set LIBRARY_BOX_URL",
}


@pytest.fixture
def place(place: Place) -> Place:
    place.add_photo("a.jpg")
    place.media.silence_s = 0.01
    return place


@pytest.mark.parametrize("asked", ASKS)
@pytest.mark.parametrize("fault", UNAVAILABLE)
def test_a_server_that_cannot_answer_now_is_unavailable(
    place: Place, asked: str, fault: int | str
) -> None:
    place.media.fail(fault, at=asked)
    error = error_of(ASKS[asked], place)
    assert UNAVAILABLE[fault] in str(error)
    assert isinstance(error, LibraryUnavailable)


@pytest.mark.parametrize("asked", ASKS)
@pytest.mark.parametrize("fault", WRONG)
def test_an_answer_that_is_wrong_is_one_clear_line(
    place: Place, asked: str, fault: int | str
) -> None:
    place.media.fail(fault, at=asked)
    assert WRONG[fault] in str(error_of(ASKS[asked], place))


@pytest.mark.parametrize("asked", ["/Users", "Views", "/Items?"])
@pytest.mark.parametrize("fault", [500, 520])
def test_a_status_that_says_no_is_named_with_the_request(
    place: Place, asked: str, fault: int
) -> None:
    place.media.fail(fault, at=asked)
    line = str(error_of(ASKS[asked], place))
    assert f"answered {fault} " in line
    assert f"see {'Emby' if place.media.emby else 'Jellyfin'}'s log" in line


@pytest.mark.parametrize("fault", [404, 500])
def test_what_is_not_there_at_the_address_is_no_such_server(place: Place, fault: int) -> None:
    place.media.fail(fault, at="/System/Info/Public")
    assert "does not respond like" in str(error_of(ASKS["/System/Info/Public"], place))


@pytest.mark.parametrize("fault", ["maintenance", 429, "reset"])
@pytest.mark.parametrize("asked", ASKS)
def test_what_passes_is_sat_out(place: Place, asked: str, fault: int | str) -> None:
    place.media.fail(fault, at=asked, times=2)
    ASKS[asked](place)


def test_a_wrong_key_is_one_clear_line(place: Place) -> None:
    error = error_of(lambda place: place.built(api_key="wr0ng").open(), place)
    assert "LIBRARY_BOX_API_KEY" in str(error)
    assert "wr0ng" not in str(error)


def test_emby_is_not_taken_for_jellyfin(on_emby: Place) -> None:
    options = jellyfin.Options.model_validate({"url": on_emby.media.url, "api_key": KEY})
    library = jellyfin.build("box", options, host(on_emby))
    line = str(error_of(lambda _place: library.open(), on_emby))
    assert "is Emby, not Jellyfin: set LIBRARY_BOX_NAME=tigertag.emby, or" in line


def test_jellyfin_is_not_taken_for_emby(jelly: Place) -> None:
    options = emby.Options.model_validate({"url": jelly.media.url, "api_key": KEY})
    library = emby.build("box", options, host(jelly))
    line = str(error_of(lambda _place: library.open(), jelly))
    assert "is Jellyfin Server, not Emby: set LIBRARY_BOX_NAME=tigertag.jellyfin, or" in line


def host(place: Place) -> Host:
    return Host(Path(), place.http)


def test_a_jellyfin_that_is_too_old_is_refused(
    jelly: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jelly.media.spec, "version", "10.8.13")
    line = str(error_of(lambda place: place.built().open(), jelly))
    assert "is Jellyfin 10.8.13; TigerTag supports Jellyfin 10.10 and later" in line


def test_a_user_who_is_not_there_is_one_clear_line(place: Place) -> None:
    line = str(error_of(lambda place: place.built(user="Adda").open(), place))
    assert "LIBRARY_BOX_USER names 'Adda', but" in line
    assert "did you mean 'Ada'?" in line


def test_a_server_without_an_administrator_asks_for_a_user(place: Place) -> None:
    place.media.users[1].disabled = True
    assert "Set LIBRARY_BOX_USER" in str(error_of(lambda place: place.built().open(), place))
    place.built(user="kim").open()


def user(place: Place, **options: str) -> str:
    library = place.built(**options)
    library.open()
    return library._client.user


def test_the_first_administrator_looks_unless_a_user_is_named(place: Place) -> None:
    kim, ada = place.media.users
    place.media.users.append(User("f" * 32, "Eve", administrator=True))
    assert (user(place), user(place, user="KIM"), user(place, user=ada.id)) == (
        ada.id,
        kim.id,
        ada.id,
    )


def test_a_key_is_in_no_url_and_in_no_log(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        item = place.item("a.jpg")
        place.send(place.edit("a.jpg", adds=("cat",)))
        with place.library.fetch(item, Need(16)):
            pass
        place.media.fail(500)
        error_of(ASKS["Views"], place)
    assert KEY not in caplog.text
    assert not any(KEY in line for line in place.media.log)
    assert place.media.violations == []


def test_a_netrc_does_not_take_the_place_of_the_key(
    jelly: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    jelly.built().open()


def test_an_item_that_an_answer_leaves_out_is_asked_for_again(place: Place) -> None:
    item = place.item("a.jpg")
    place.media.fail("cut", at="Ids=", times=1)
    (read,) = place.library.read_tags([item])
    assert read.key == item.key


@pytest.mark.parametrize(("kind", "version"), [("jellyfin", "12"), ("emby", "4.8")])
def test_a_proxys_password_in_the_address_is_in_no_message(kind: str, version: str) -> None:
    with MediaServer(kind, version) as media:
        place = Place(media)
        media.fail(500)
        if kind == "emby":
            url = media.url.replace("//", "//me:hunter2@")
            error = error_of(lambda place: place.built(url=url).open(), place)
            assert "hunter2" not in f"{error!r} {error.__cause__!r}"
        place.close()
