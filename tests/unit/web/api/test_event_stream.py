"""Events as they happen, over REST."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.web.api.asking import problem
from tests.world import World
from tigertag.services import events

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture(autouse=True)
def two_events(world: World) -> None:
    for message in ("first", "second"):
        events.record(world.core, "info", "backup", message)


def _listen(rest: FlaskClient, query: str = "", **headers: str) -> TestResponse:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return rest.get(f"/api/v1/events{query}", headers=STREAM | more)


def _first(answer: TestResponse) -> str:
    """The first parts that say something; the stream is closed."""
    parts = iter(answer.response)
    assert next(parts) == b"retry: 3000\n\n"
    text = next(parts)
    answer.close()
    assert isinstance(text, bytes)
    return text.decode()


def test_a_client_hears_what_it_missed(world: World, rest: FlaskClient) -> None:
    before = events.newest_id(world.core) - 1
    answer = _listen(rest, "?source=backup", Last_Event_ID=str(before))
    assert answer.content_type == "text/event-stream"
    text = _first(answer)
    assert text.startswith(f"id: {before + 1}\nevent: backup\ndata: {{")
    assert ("second" in text, "first" in text) == (True, False)


def test_a_client_hears_how_far_a_scan_is(world: World, rest: FlaskClient) -> None:
    scan_id = world.start()
    assert f'event: progress\ndata: {{"id":{scan_id},' in _first(_listen(rest))


def test_no_more_than_two_listen_at_once(rest: FlaskClient) -> None:
    one, other = _listen(rest), _listen(rest)
    refused = _listen(rest)
    assert "try again later" in problem(refused, 503)
    assert refused.headers["Retry-After"] == "30"
    one.close()
    _listen(rest).close()
    other.close()


def test_what_is_no_events_id_is_refused(rest: FlaskClient) -> None:
    assert "Last-Event-ID" in problem(_listen(rest, Last_Event_ID="new"), 422)
