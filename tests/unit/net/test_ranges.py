"""A file behind HTTP, read part by part."""

import io
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import requests

from tests.parts import PartServer, serving
from tigertag.errors import Unreadable
from tigertag.net import HttpClient, RetryPolicy
from tigertag.net.ranges import BLOCK_BYTES, Ask, FilePart, RangeReader, read_part

BODY = random.Random(5).randbytes(5 * BLOCK_BYTES + 123)
HASTE = RetryPolicy(connect_s=2.0, read_s=2.0, attempts=2, first_wait_s=0.001, longest_wait_s=0.01)


@pytest.fixture
def server() -> Iterator[PartServer]:
    with serving(BODY) as started:
        yield started


@pytest.fixture
def ask(server: PartServer) -> Iterator[Ask]:
    http = HttpClient(HASTE)
    session = http.session()

    def send(part: str) -> AbstractContextManager[requests.Response]:
        return session.get(server.url, headers={"Range": part}, stream=True)

    yield send
    http.close()


@pytest.fixture
def stream(ask: Ask) -> Iterator[RangeReader]:
    with RangeReader(ask) as made:
        yield made


def test_a_server_without_ranges_is_refused_before_the_whole_file_is_loaded(
    server: PartServer, stream: RangeReader
) -> None:
    server.habit = "whole"
    with pytest.raises(Unreadable, match="does not give parts"):
        stream.read(10)
    assert stream.loaded_bytes == 0


def test_a_connection_that_is_cut_may_be_tried_again(
    server: PartServer, stream: RangeReader
) -> None:
    server.habit = "cut"
    with pytest.raises(Unreadable, match="cut") as caught:
        stream.read(10)
    assert caught.value.retryable


def test_another_part_than_was_asked_for_is_refused(
    server: PartServer, stream: RangeReader
) -> None:
    server.habit = "elsewhere"
    with pytest.raises(Unreadable, match="changed while"):
        stream.read(10)


@pytest.mark.parametrize("change", ["etag", "size"])
def test_a_file_that_changes_meanwhile_is_refused(
    server: PartServer, stream: RangeReader, change: str
) -> None:
    stream.read(10)
    if change == "etag":
        server.etag = '"2"'
    else:
        server.body = BODY[:-1]
    stream.seek(3 * BLOCK_BYTES)
    with pytest.raises(Unreadable, match="changed while"):
        stream.read(10)


def test_it_reads_what_is_in_the_file(stream: RangeReader) -> None:
    assert stream.read() == BODY
    assert (stream.tell(), stream.read(1)) == (len(BODY), b"")


def test_any_part_can_be_read_in_any_order(stream: RangeReader) -> None:
    dice = random.Random(7)
    for _round in range(30):
        start, size = dice.randrange(len(BODY)), dice.randrange(2 * BLOCK_BYTES)
        stream.seek(start)
        assert stream.read(size) == BODY[start : start + size]


def test_the_end_is_found_from_behind(stream: RangeReader) -> None:
    assert stream.seek(-100, io.SEEK_END) == len(BODY) - 100
    assert stream.read() == BODY[-100:]


def test_only_what_is_needed_is_asked_for(server: PartServer, stream: RangeReader) -> None:
    stream.seek(4 * BLOCK_BYTES)
    stream.read(10)
    assert stream.loaded_bytes <= 2 * BLOCK_BYTES
    assert stream.requests == len(server.asked) <= 2


def test_what_was_read_is_not_asked_for_again(stream: RangeReader) -> None:
    stream.read(100)
    before = stream.requests
    stream.seek(0)
    stream.read(100)
    assert stream.requests == before


def test_what_is_read_in_a_row_comes_in_few_requests(stream: RangeReader) -> None:
    while stream.read(10_000):
        pass
    assert stream.requests <= 4


def test_an_empty_file_is_told() -> None:
    with serving(b"") as server, requests.Session() as session:
        stream = RangeReader(lambda part: session.get(server.url, headers={"Range": part}))
        with pytest.raises(Unreadable, match="empty"):
            stream.read()


@pytest.mark.parametrize(("habit", "message"), [("cut", "cut"), ("elsewhere", "Another part")])
def test_a_part_that_does_not_come_as_asked_may_be_tried_again(
    server: PartServer, ask: Ask, habit: str, message: str
) -> None:
    server.habit = habit
    with pytest.raises(Unreadable, match=message) as caught:
        read_part(ask, 0, 1000)
    assert caught.value.retryable


def test_a_part_behind_the_end_shows_that_the_file_changed(ask: Ask) -> None:
    with pytest.raises(Unreadable, match="changed while"):
        read_part(ask, len(BODY), 10)


def test_a_part_is_one_request(server: PartServer, ask: Ask) -> None:
    assert read_part(ask, 7, 1000) == FilePart(7, BODY[7:1007], len(BODY))
    assert server.asked == ["bytes=7-1006"]


def test_a_part_ends_where_the_file_does(ask: Ask) -> None:
    assert read_part(ask, len(BODY) - 10, 1000).body == BODY[-10:]


def test_of_a_whole_file_the_beginning_is_read_and_the_connection_is_closed(
    server: PartServer, ask: Ask
) -> None:
    server.habit = "whole"
    responses: list[requests.Response] = []

    @contextmanager
    def kept(part: str) -> Iterator[requests.Response]:
        with ask(part) as response:
            responses.append(response)
            yield response

    assert read_part(kept, 500, 1000) == FilePart(0, BODY[:1000], len(BODY))
    assert responses[0].raw.tell() < BLOCK_BYTES
    assert responses[0].raw.closed
