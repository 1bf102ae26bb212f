"""Sessions for plugins: patience with servers that misbehave, and no secret led astray."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Timer

import pytest
import requests

from tests.flaky_server import FlakyServer, serving
from tigertag import __version__
from tigertag.net import HttpClient, RetryPolicy, Session, cancellable, shielded

BODY = b"answer" * 1000


@pytest.fixture
def server() -> Iterator[FlakyServer]:
    with serving(BODY) as started:
        yield started


@pytest.fixture
def http() -> Iterator[HttpClient]:
    made = HttpClient(RetryPolicy(attempts=3, first_wait_s=0.001, longest_wait_s=1, read_s=2))
    yield made
    made.close()


@pytest.fixture
def session(http: HttpClient) -> Session:
    return http.session(headers={"X-Api-Key": "s3cret", "X-Kind": "plain"})


def test_it_tells_who_it_is(session: Session) -> None:
    assert session.headers["User-Agent"] == f"TigerTag/{__version__}"
    assert session.headers["X-Kind"] == "plain"


@pytest.mark.parametrize("fault", [502, 503, 504, 429, 408, 425, "cut"])
def test_it_sits_out_what_passes(server: FlakyServer, session: Session, fault: int | str) -> None:
    server.faults, server.retry_after = [fault, fault], "0"
    assert session.get(server.url).content == BODY
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 501])
def test_it_does_not_repeat_what_is_refused(
    server: FlakyServer, session: Session, status: int
) -> None:
    server.faults = [status]
    assert session.get(server.url).status_code == status
    assert len(server.asked) == 1


def test_the_last_answer_comes_back_when_patience_ends(
    server: FlakyServer, session: Session
) -> None:
    server.faults = [503] * 9
    assert session.get(server.url).status_code == 503
    assert len(server.asked) == 3


def test_it_does_not_wait_longer_than_it_may(server: FlakyServer, session: Session) -> None:
    server.faults, server.retry_after = [503] * 9, "3600"
    assert session.get(server.url).headers["Retry-After"] == "3600"
    assert len(server.asked) == 1


def test_a_post_is_sent_once(server: FlakyServer, session: Session) -> None:
    assert session.post(server.url).status_code == 501
    server.faults = [503]
    assert session.post(server.url).status_code == 501


@pytest.mark.parametrize(("repeatable", "requests_made"), [({"GET"}, 3), ({"POST"}, 1)])
def test_only_the_methods_that_its_owner_names_are_sent_again(
    server: FlakyServer, http: HttpClient, repeatable: set[str], requests_made: int
) -> None:
    server.faults = [503] * 9
    assert http.session(repeatable=repeatable).get(server.url).status_code == 503
    assert len(server.asked) == requests_made


@pytest.mark.parametrize(("repeats", "connections"), [(True, 3), (False, 1)])
def test_a_server_that_hangs_is_not_asked_again_where_that_is_switched_off(
    http: HttpClient, repeats: bool, connections: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(requests.ReadTimeout):
            http.session(repeats_timeouts=repeats).get(url, timeout=0.05)
        silent.settimeout(0.05)
        made = 0
        with suppress(TimeoutError):
            while True:
                silent.accept()[0].close()
                made += 1
        assert made == connections


def test_what_requests_raises_comes_through(server: FlakyServer, session: Session) -> None:
    server.faults = ["cut"] * 9
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.get(server.url)
    with pytest.raises(requests.ConnectionError):
        session.get("http://127.0.0.1:1")
    assert len(server.asked) == 3


def test_a_request_has_an_end_of_patience_of_its_own(server: FlakyServer, http: HttpClient) -> None:
    session = http.session()
    seen: list[object] = []
    send = session.send

    def noting(request: requests.PreparedRequest, **options: object) -> requests.Response:
        seen.append(options["timeout"])
        return send(request, **options)

    session.send = noting  # type: ignore[method-assign]
    session.get(server.url)
    session.get(server.url, timeout=7)
    assert seen == [(5.0, 2), 7]


def test_a_secret_does_not_follow_to_another_host(server: FlakyServer, session: Session) -> None:
    with serving(b"") as other:
        server.faults, server.location = [302], other.url
        answer = session.get(server.url)
    assert answer.url == other.url
    assert "X-Api-Key" not in answer.request.headers
    assert answer.request.headers["X-Kind"] == "plain"


def test_a_secret_stays_on_its_own_host(server: FlakyServer, session: Session) -> None:
    server.faults, server.location = [302], "/elsewhere"
    answer = session.get(server.url)
    assert answer.request.headers["X-Api-Key"] == "s3cret"


def test_many_threads_share_it(server: FlakyServer, session: Session) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _n: session.get(server.url).content, range(64)))
    assert answers == [BODY] * 64


def test_it_connects_anew_after_it_was_closed(
    server: FlakyServer, session: Session, http: HttpClient
) -> None:
    session.get(server.url)
    http.close()
    assert session.get(server.url).content == BODY


def test_it_stops_waiting_when_cancelled(server: FlakyServer) -> None:
    server.faults, server.retry_after = [503] * 9, "60"
    stop, since_s = Event(), time.monotonic()
    Timer(0.1, stop.set).start()
    with cancellable(stop.is_set):
        assert HttpClient().session().get(server.url).status_code == 503
    assert time.monotonic() - since_s < 1
    assert len(server.asked) == 1


def test_what_must_be_finished_does_not_hear_that_it_is_cancelled(
    server: FlakyServer, session: Session
) -> None:
    server.faults, server.retry_after = [503], "0"
    with cancellable(lambda: True), shielded():
        assert session.get(server.url).content == BODY


def test_it_does_not_wait_after_the_last_attempt(server: FlakyServer) -> None:
    server.faults, server.retry_after = [503] * 9, "60"
    since_s = time.monotonic()
    assert HttpClient(RetryPolicy(attempts=1)).session().get(server.url).status_code == 503
    assert time.monotonic() - since_s < 1
