"""The outbox: nothing lost, nothing twice, a dead channel dropped after a day, no secret told."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine

from tests.free_port import free_port
from tests.notices import let_claims_run_out, outbox, with_channels
from tests.sinks import MailSink, WebSink, mail_sink, web_sink
from tests.world import World
from tigertag.core import Core
from tigertag.errors import Conflict, NotFound
from tigertag.services import channels, delivery, events
from tigertag.store import notices
from tigertag.store.notices import NewNotice

START = datetime(2026, 11, 3, 10, tzinfo=UTC)


@pytest.fixture
def web() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


@pytest.fixture
def mail() -> Iterator[MailSink]:
    with mail_sink() as sink:
        yield sink


def queue(core: Core, *titles: str, channel: str = "a") -> None:
    with core.store.write() as db:
        new = [NewNotice(channel, "scan-failed", "failure", title, "Why.") for title in titles]
        notices.queue(db, new, datetime.now(UTC))


def states(core: Core) -> list[tuple[str, int]]:
    return [(row.state, row.attempts) for row in outbox(core)]


def test_a_notice_whose_process_died_before_it_was_sent_is_sent_once(
    world: World, web: WebSink
) -> None:
    core = with_channels(world, web.url)
    queue(core, "x")
    with core.store.write() as db:
        assert notices.claim(db, "a", owner="dead", lease_s=60, limit=9)
    channels.send_due(core)
    assert web.titles == []
    let_claims_run_out(core)
    for _ in range(3):
        channels.send_due(core)
    assert (web.titles, states(core)) == (["TigerTag: x"], [("sent", 2)])


@pytest.mark.slow
def test_a_notice_whose_process_was_killed_while_it_was_sent_is_not_lost(
    world: World, web: WebSink
) -> None:
    core = with_channels(world, web.url)
    queue(core, "x")
    web.hangs_s, web.status = 1.0, 503
    process = subprocess.Popen([sys.executable, "-c", _SEND, str(world.home), web.url])
    while not web.tries:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert states(core) == [("sending", 1)]
    web.hangs_s, web.status = 0.0, 200
    channels.send_due(core)
    assert web.titles == []
    let_claims_run_out(core)
    channels.send_due(core)
    assert web.titles == ["TigerTag: x"]


_SEND = """
import sys
from pathlib import Path
from types import SimpleNamespace
from tigertag.cache import TtlCache
from tigertag.services import channels
from tigertag.settings import ChannelSettings
from tigertag.store import Store
store = Store(f"sqlite:///{sys.argv[1]}/tigertag.db")
channel = ChannelSettings("a", sys.argv[2])
channels.send_due(SimpleNamespace(store=store, channels=(channel,), cache=TtlCache()))
"""


def test_a_dead_channel_is_tried_ever_less_often_and_dropped_after_a_day(world: World) -> None:
    core = with_channels(world, f"json://127.0.0.1:{free_port()}")
    tries: list[float] = []
    with time_machine.travel(START, tick=False) as clock:
        queue(core, "x")
        while (row := outbox(core)[0]).state == "waiting":
            clock.move_to(row.next_try - timedelta(seconds=1), tick=False)
            channels.send_due(core)
            assert outbox(core)[0].attempts == len(tries)
            clock.move_to(row.next_try, tick=False)
            channels.send_due(core)
            tries.append((datetime.now(UTC) - START).total_seconds() / 60)
    assert tries[:6] == [0, 1, 3, 7, 15, 31]
    assert (row.state, len(tries) < 25, 24 * 60 <= tries[-1] <= 26 * 60) == ("dropped", True, True)
    (event,) = events.recent(core, source="notice")
    assert (event.level, event.message) == (
        "warning",
        "Channel a: 1 notice dropped after a day. The service could not be reached, or refused the"
        " message; check the address.",
    )


def test_what_waits_for_a_channel_is_sent_in_its_order_as_one_message(
    world: World, web: WebSink
) -> None:
    core = with_channels(world, web.url)
    web.status = 503
    with time_machine.travel(START, tick=False) as clock:
        queue(core, "begins")
        channels.send_due(core)
        queue(core, "ends")
        web.status = 200
        channels.send_due(core)
        assert (web.tries, states(core)) == (1, [("waiting", 1), ("waiting", 0)])
        clock.shift(timedelta(minutes=1))
        channels.send_due(core)
    (message,) = web.messages
    assert message["title"] == "TigerTag: 2 notices"
    assert message["message"] == "begins\nends\n\nbegins\nWhy.\n\nends\nWhy."


def test_a_message_that_is_too_long_for_its_service_is_cut(world: World, web: WebSink) -> None:
    core = with_channels(world, web.url)
    queue(core, *(f"{number} {'x' * 3000}" for number in range(12)))
    channels.send_due(core)
    (message,) = web.messages
    assert 30_000 < len(message["message"]) <= 32_768


def test_processes_that_send_at_once_send_a_notice_once(world: World, web: WebSink) -> None:
    core = with_channels(world, web.url)
    queue(core, "x")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: channels.send_due(core), range(24)))
    assert (web.titles, states(core)) == (["TigerTag: x"], [("sent", 1)])


def test_a_server_that_hangs_does_not_hold_up_another_channel(
    world: World, web: WebSink, mail: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "LIMIT_S", 0.7)
    web.hangs_s = 2.0
    core = with_channels(world, web.url, mail.url)
    queue(core, "x")
    queue(core, "x", channel="b")
    begun = time.monotonic()
    channels.send_due(core)
    assert time.monotonic() - begun < 1.9
    assert [subject for _to, subject, _text in mail.mails] == ["TigerTag: x"]
    assert [(row.channel, row.state) for row in outbox(core)] == [("a", "waiting"), ("b", "sent")]


@pytest.fixture
def log() -> Iterator[StringIO]:
    """All that goes to the log at its most verbose; `caplog` sees what never gets there, too."""
    text, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def test_nothing_of_an_address_is_logged_or_kept(
    world: World,
    web: WebSink,
    log: StringIO,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "urllib3")
    core = with_channels(
        world,
        web.url,
        web.url.replace("json:", "jsonx:"),
        f"json://bob:hunter2@127.0.0.1:{free_port()}/secret-token",
    )
    for status in (200, 401):
        web.status = status
        queue(core, "x")
        queue(core, "x", channel="c")
        channels.send_due(core)
        channels.try_out(core)
    told = [log.getvalue(), *capfd.readouterr(), repr(core), repr(channels.overview(core))]
    assert "channel c: a notice was not sent" in told[0]
    for secret in ("hunter2", "secret-token", str(web.port)):
        assert [text for text in told if secret in text] == []


def test_a_refusal_is_told_with_its_status(world: World, web: WebSink) -> None:
    web.status = 401
    (result,) = channels.try_out(with_channels(world, web.url))
    assert result.problem == "The service refused the message: HTTP status 401."


@pytest.mark.parametrize("url", ["nonsense", "json://", "http://example.org", "tgram://x"])
def test_a_malformed_address_disables_its_channel(world: World, url: str, web: WebSink) -> None:
    core = with_channels(world, url, web.url)
    broken, ready = channels.overview(core).channels
    assert broken.problem.startswith("NOTIFY_A_URL: Apprise does not understand the address")
    assert ready.problem == ""


def test_a_test_is_sent_to_all_channels_and_kept_as_their_last_result(
    world: World, web: WebSink, mail: MailSink
) -> None:
    core = with_channels(world, web.url, mail.url)
    web.status = 500
    assert [bool(result.problem) for result in channels.try_out(core)] == [True, False]
    assert [text for _to, _subject, text in mail.mails] == [
        "Notices from TigerTag arrive here.\r\n"
    ]
    last = [channel.last for channel in channels.overview(core).channels]
    assert [row and row.state for row in last] == ["dropped", "sent"]


def test_a_channel_that_is_unknown_is_named(world: World, web: WebSink) -> None:
    with pytest.raises(NotFound, match="'b'"):
        channels.try_out(with_channels(world, web.url), "b")
    with pytest.raises(Conflict, match="NOTIFY_<X>_URL"):
        channels.try_out(world.core)


def test_notices_of_a_channel_that_was_taken_away_are_dropped_after_a_day(
    world: World, web: WebSink
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        queue(world.core, "x")
        channels.send_due(world.core)
        assert states(world.core) == [("waiting", 0)]
        clock.shift(timedelta(hours=25))
        channels.send_due(world.core)
    assert states(world.core) == [("dropped", 0)]


def test_what_waits_for_a_channel_of_other_settings_makes_no_process_write(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(world.core, "x")
    monkeypatch.setattr(type(world.store), "write", None)
    channels.send_due(world.core)


def test_a_start_that_is_refused_is_told_once_a_day(world: World, web: WebSink) -> None:
    core = with_channels(world, web.url)
    for _ in range(3):
        channels.announce_refusal(core, "The database is of a newer TigerTag.")
    assert web.titles == ["TigerTag: it cannot start"]
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
        channels.announce_refusal(core, "The database is of a newer TigerTag.")
    assert len(web.titles) == 2
