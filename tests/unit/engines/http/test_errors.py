from collections.abc import Iterator

import pytest
import requests

from tests.flaky_server import FlakyServer, serving
from tests.free_port import free_port
from tigertag.engines.http.concurrency import ConcurrencyLimiter
from tigertag.engines.http.errors import Fault, send_once
from tigertag.net import HttpClient, RetryPolicy, Session

BODY = b"answer" * 1000


@pytest.fixture
def server() -> Iterator[FlakyServer]:
    with serving(BODY) as started:
        yield started


@pytest.fixture
def session() -> Iterator[Session]:
    http = HttpClient(RetryPolicy(attempts=3, first_wait_s=0.001, longest_wait_s=1, read_s=0.2))
    yield http.session()
    http.close()


def got(session: Session, url: str, limiter: ConcurrencyLimiter | None = None) -> requests.Response:
    return send_once(session, limiter or ConcurrencyLimiter(2), requests.Request("GET", url))


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_an_answer_comes_back_whatever_its_status_and_nothing_is_sent_twice(
    server: FlakyServer, session: Session, status: int
) -> None:
    server.faults = [status]
    assert got(session, server.url).status_code == status
    assert len(server.asked) == 1


def test_a_redirect_is_not_followed(server: FlakyServer, session: Session) -> None:
    server.faults, server.location = [302], "/elsewhere"
    assert got(session, server.url).status_code == 302
    assert len(server.asked) == 1


def test_an_answer_that_was_cut_leaves_a_doubt(server: FlakyServer, session: Session) -> None:
    server.faults = ["cut"]
    with pytest.raises(Fault, match="cut the connection") as caught:
        got(session, server.url)
    assert caught.value.in_doubt
    assert caught.value.status is None


def test_who_is_not_there_was_certainly_not_asked(session: Session) -> None:
    with pytest.raises(Fault, match="cannot be reached") as caught:
        got(session, f"http://127.0.0.1:{free_port()}/")
    assert not caught.value.in_doubt


def test_an_address_that_is_none_is_an_error_too(session: Session) -> None:
    with pytest.raises(Fault):
        got(session, "ftp://127.0.0.1/")


def test_it_has_the_sessions_end_of_patience(session: Session) -> None:
    seen: list[object] = []
    send = requests.Session.send

    def noting(self: Session, request: object, **options: object) -> object:
        seen.append(options["timeout"])
        return send(self, request, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch, serving(b"") as server:
        patch.setattr(requests.Session, "send", noting)
        got(session, server.url)
    assert seen == [(5.0, 0.2)]


def test_a_429_makes_the_limiter_narrower(server: FlakyServer, session: Session) -> None:
    limiter, server.faults = ConcurrencyLimiter(4), [429, 500]
    got(session, server.url, limiter)
    got(session, server.url, limiter)
    assert limiter.limit == 3


def test_an_error_names_no_secret_of_the_address(session: Session) -> None:
    with pytest.raises(Fault) as caught:
        got(session, f"http://user:pw@127.0.0.1:{free_port()}/?token=t0p")
    assert "pw" not in str(caught.value)
    assert "t0p" not in str(caught.value)
