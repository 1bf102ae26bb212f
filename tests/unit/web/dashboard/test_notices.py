"""The part of Setup about notices."""

from collections.abc import Iterator

import pytest

from tests.notices import with_channels
from tests.sinks import WebSink, web_sink
from tests.unit.web.conftest import API_KEY, PASSWORD
from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.settings import WebSettings
from tigertag.web.app import create_app


@pytest.fixture
def web() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


@pytest.fixture
def owner(world: World, web: WebSink) -> Member:
    core = with_channels(world, web.url, "nonsense")
    return Member(create_app(core, WebSettings(PASSWORD, API_KEY), work=False))


def test_a_test_that_fails_says_why(owner: Member, web: WebSink) -> None:
    web.status = 401
    part = owner.post_by_htmx("/setup/notices/test", channel="a").text
    assert "Test failed</strong> <span>The service refused the message: HTTP status 401." in part
    assert "<html" not in part


def test_a_test_by_a_browser_without_scripts_shows_on_setup(owner: Member, web: WebSink) -> None:
    answer = owner.post("/setup/notices/test", channel="a")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/setup#notices")
    assert web.titles == ["TigerTag: test"]
    assert "Last sent: Test" in owner.page("/setup")


def test_a_form_without_its_token_sends_nothing(owner: Member, web: WebSink) -> None:
    assert owner.client.post("/setup/notices/test").status_code == 400
    assert web.tries == 0


def test_setup_shows_channels_without_their_addresses(owner: Member) -> None:
    page = owner.page("/setup")
    assert "NOTIFY_B_URL: Apprise does not understand the address" in page
    assert "hunter2" not in page
    assert "secret-token" not in page


def test_without_channels_setup_says_how_to_make_one(member: Member) -> None:
    assert "NOTIFY_ME_URL" in member.page("/setup")
