"""`tigertag notify`."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.sinks import WebSink, web_sink
from tests.unit.cli.conftest import Run


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebSink]:
    with web_sink() as sink:
        monkeypatch.setenv("NOTIFY_ME_URL", sink.url)
        yield sink


def test_a_test_that_fails_ends_with_1(run: Run, web: WebSink) -> None:
    web.status = 500
    result = run("notify", "test")
    assert (result.exit_code, result.output) == (
        1,
        "me: The service refused the message: HTTP status 500.\n",
    )


def test_a_worker_that_refuses_a_newer_database_tells_once(
    run: Run, web: WebSink, tmp_path: Path
) -> None:
    run("scans")
    with closing(sqlite3.connect(tmp_path / "home" / "tigertag.db")) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    assert run("scans").exit_code == 1
    assert web.titles == []
    for _ in range(2):
        assert run("work").exit_code == 1
    (message,) = web.messages
    assert message["title"] == "TigerTag: it cannot start"
    assert "of a newer TigerTag (revision 9999)" in message["message"]


def test_a_misspelt_channel_is_named(run: Run, web: WebSink) -> None:
    result = run("notify", "test", "mee")
    assert (result.exit_code, "did you mean 'me'?" in result.output) == (1, True)


def test_a_test_is_sent_and_listed(run: Run, web: WebSink) -> None:
    assert run("notify", "test", "ME").output == "me: sent\n"
    assert web.titles == ["TigerTag: test"]
    listed = run("notify", "list").output
    assert listed.count(" ready") == 1
    assert listed.splitlines()[-1].split()[-1] == "sent"


def test_a_broken_channel_says_why_and_stops_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_ME_URL", "nonsense")
    monkeypatch.setenv("NOTIFY_ME_ON", "everything")
    (line,) = run("notify", "list", "--json").output.splitlines()
    assert json.loads(line)["problem"].startswith("NOTIFY_ME_ON: 'everything' is no kind")
    assert run("scan", "photos").exit_code == 0


def test_without_channels_the_list_says_how_to_make_one(run: Run) -> None:
    assert run("notify", "list").output == "No channel is set up; set NOTIFY_<X>_URL.\n"
