"""Downloads from a server that misbehaves."""

import errno
import os
from collections import namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from tests.flaky_server import FlakyServer, serving
from tigertag.errors import HttpError
from tigertag.net import HttpClient, RetryPolicy, cancellable
from tigertag.net.http import PartialFile

BODY = bytes(range(256)) * 4096
HASH = sha256(BODY).hexdigest()[:8]


@pytest.fixture
def server() -> Iterator[FlakyServer]:
    with serving(BODY) as started:
        yield started


@pytest.fixture
def http() -> Iterator[HttpClient]:
    made = HttpClient(RetryPolicy(attempts=3, first_wait_s=0.001, longest_wait_s=1))
    yield made
    made.close()


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "models" / "weights.bin"


def left_over(to: Path) -> list[str]:
    return sorted(path.name for path in to.parent.iterdir() if path != to)


def test_it_goes_on_where_the_connection_was_cut(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.faults = ["cut"] * 4
    http.download(server.url, to, sha256_prefix=HASH)
    assert to.read_bytes() == BODY
    assert server.asked[1] == f"bytes={len(BODY) // 2}-"
    assert left_over(to) == []


def test_it_resumes_after_a_kill(server: FlakyServer, http: HttpClient, to: Path) -> None:
    to.parent.mkdir()
    to.with_name("weights.bin.part").write_bytes(BODY[:1000])
    to.with_name("weights.bin.part.etag").write_text(server.etag)
    http.download(server.url, to, sha256_prefix=HASH)
    assert server.asked == ["bytes=1000-"]
    assert to.read_bytes() == BODY


def test_it_starts_anew_when_the_file_has_changed(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    to.parent.mkdir()
    to.with_name("weights.bin.part").write_bytes(b"of an older version")
    to.with_name("weights.bin.part.etag").write_text('"0"')
    http.download(server.url, to)
    assert to.read_bytes() == BODY


def test_it_trusts_no_part_that_it_knows_nothing_of(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    to.parent.mkdir()
    to.with_name("weights.bin.part").write_bytes(b"of unknown origin")
    http.download(server.url, to)
    assert to.read_bytes() == BODY


def test_it_takes_a_server_that_knows_no_ranges(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.ranges, server.faults = False, ["cut"]
    http.download(server.url, to, sha256_prefix=HASH)
    assert to.read_bytes() == BODY


def test_it_gives_up_when_the_connection_is_always_cut_at_the_same_place(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.ranges, server.faults = False, ["cut"] * 99
    with pytest.raises(HttpError, match="cut the connection"):
        http.download(server.url, to)
    assert not to.exists()


def test_a_server_that_drips_is_left_and_asked_again_as_often_as_any(
    server: FlakyServer, http: HttpClient, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigertag.net.http._PACE_S", 0.05)
    server.faults = ["drip"] * 99
    with pytest.raises(HttpError, match="sends less than 1 kB a second"):
        http.download(server.url, to)
    assert len(server.asked) == 3
    server.faults = []
    http.download(server.url, to, sha256_prefix=HASH)
    assert to.read_bytes() == BODY


def test_a_download_that_drips_is_stopped_soon(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.faults = ["drip"]
    loaded: list[int] = []
    stop = cancellable(lambda: loaded[-1:] >= [5])
    with pytest.raises(HttpError, match="was stopped"), stop:
        http.download(server.url, to, progress=lambda done, _total: loaded.append(done))
    assert loaded[-1] < 100


def test_it_takes_a_part_that_is_already_whole(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    to.parent.mkdir()
    to.with_name("weights.bin.part").write_bytes(BODY)
    to.with_name("weights.bin.part.etag").write_text(server.etag)
    http.download(server.url, to, sha256_prefix=HASH)
    assert to.read_bytes() == BODY


def test_it_starts_anew_when_the_part_is_too_long(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    to.parent.mkdir()
    to.with_name("weights.bin.part").write_bytes(BODY + b"?")
    to.with_name("weights.bin.part.etag").write_text(server.etag)
    http.download(server.url, to, sha256_prefix=HASH)
    assert to.read_bytes() == BODY


def test_it_tries_again_while_the_server_is_busy(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.faults, server.retry_after = [503, 429], "0"
    http.download(server.url, to, sha256_prefix=HASH)
    assert len(server.asked) == 3


def test_it_does_not_wait_longer_than_it_may(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.faults, server.retry_after = [503], "3600"
    with pytest.raises(HttpError) as caught:
        http.download(server.url, to)
    assert (caught.value.status, caught.value.retry_after_s) == (503, 3600.0)
    assert len(server.asked) == 1


def test_it_does_not_ask_again_for_what_is_not_there(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.faults = [404]
    with pytest.raises(HttpError, match=r"weights\.bin answered 404 Not Found") as caught:
        http.download(server.url, to)
    assert caught.value.status == 404
    assert len(server.asked) == 1
    assert left_over(to) == []


def test_it_deletes_a_file_with_another_hash(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    with pytest.raises(HttpError, match="does not begin with 00000000"):
        http.download(server.url, to, sha256_prefix="00000000")
    assert list(to.parent.iterdir()) == []


def test_it_follows_no_address_to_a_local_file(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.faults, server.location = [302], "file:///etc/passwd"
    with pytest.raises(HttpError, match="redirects to an address that cannot"):
        http.download(server.url, to)
    assert not to.exists()


def test_its_messages_hold_no_password_and_no_query(http: HttpClient, to: Path) -> None:
    with pytest.raises(HttpError, match="cannot be reached") as caught:
        http.download("http://me:hunter2@127.0.0.1:1/x?token=s3cret", to)
    chain = f"{caught.value!r} {caught.value.__cause__!r}"
    assert "hunter2" not in chain
    assert "s3cret" not in chain


def test_it_leaves_a_file_that_is_there_alone(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    to.parent.mkdir()
    to.write_bytes(BODY)
    http.download(server.url, to, sha256_prefix=HASH.upper())
    assert server.asked == []


def test_two_at_once_load_the_file_once(server: FlakyServer, http: HttpClient, to: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(http.download, server.url, to, sha256_prefix=HASH) for _ in range(4)]
    assert [each.result() for each in tries] == [None] * 4
    assert len(server.asked) == 1
    assert to.read_bytes() == BODY


def test_it_tells_how_far_it_is(server: FlakyServer, http: HttpClient, to: Path) -> None:
    message: list[tuple[int, int | None]] = []
    http.download(server.url, to, progress=lambda done, total: message.append((done, total)))
    assert message[-1] == (len(BODY), len(BODY))
    assert message == sorted(message)


def test_a_full_disk_is_one_clear_line(
    server: FlakyServer, http: HttpClient, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_part: PartialFile, _block: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(PartialFile, "write", full)
    with pytest.raises(HttpError, match="The disk is full"):
        http.download(server.url, to)
    assert not to.exists()


def test_a_disk_without_room_is_noticed_before_anything_is_loaded(
    server: FlakyServer, http: HttpClient, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr("tigertag.net.http.disk_usage", lambda _folder: usage(len(BODY) - 1))
    with pytest.raises(HttpError, match="The disk is full"):
        http.download(server.url, to)
    assert left_over(to) == []


def test_a_web_page_is_not_taken_for_the_file_and_what_was_loaded_is_kept(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.faults = ["cut", "page"]
    with pytest.raises(HttpError, match="a web page instead of the file: a proxy"):
        http.download(server.url, to, sha256_prefix=HASH)
    http.download(server.url, to, sha256_prefix=HASH)
    assert server.asked[-1] == f"bytes={len(BODY) // 2}-"


def test_a_file_of_another_size_is_not_loaded(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    with pytest.raises(HttpError, match=f"has {len(BODY)} bytes, not 100"):
        http.download(server.url, to, size_bytes=100)
    assert left_over(to) == []


def test_an_answer_without_end_is_left_at_the_size_that_the_file_should_have(
    server: FlakyServer, http: HttpClient, to: Path
) -> None:
    server.faults = ["endless"]
    with pytest.raises(HttpError, match="has more bytes"):
        http.download(server.url, to, size_bytes=len(BODY))
    assert left_over(to) == []
