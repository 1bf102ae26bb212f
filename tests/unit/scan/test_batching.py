"""Answers that come in hours: nothing is lost, repeated or paid for twice, whatever breaks off."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
import time_machine

from tests.batched import BatchedEngine
from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import Progress
from tigertag.errors import AuthFailed, LibraryUnavailable, QuotaExhausted, RefusesAll, Unavailable
from tigertag.scan import batch_cleanup, calls, spool
from tigertag.scan.batches import BatchCollector
from tigertag.scan.spool import Spool, path_of
from tigertag.services import scans, spending
from tigertag.services.scan_status import Status
from tigertag.services.scans import Request
from tigertag.store import batches, usage
from tigertag.store.usage import Limits

pytestmark = pytest.mark.slow

RUNNING = Progress("running", 1, 3)


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def slow(world: World) -> BatchedEngine:
    engine = BatchedEngine()
    world.engines = [engine]
    for number, colour in enumerate(("red", "green", "blue")):
        world.picture(f"{number}.png", colour)
    return engine


def under_way(world: World, slow: BatchedEngine) -> int:
    """Start a scan and return it when its batch is on its way, and not answered yet."""
    slow.states, world.poll_s = [RUNNING], 5.0
    scan_id = world.start()
    for _ in range(2):
        world.make_due(scan_id)
        world.run(scan_id)
    return scan_id


def until_done(world: World, scan_id: int) -> Status:
    """Take the scan up again and again, as the service does, until it has ended."""
    for _ in range(200):
        world.make_due(scan_id)
        world.forget_circuits()
        status = world.run(scan_id)
        if not status.scan.active:
            return status
    raise AssertionError("the scan does not end")


def spent(world: World) -> tuple[int, float]:
    month = spending.months(world.core)["slow"]
    return month.units, round(month.cost_usd, 6)


def spooled(world: World) -> list[str]:
    return [path.name for path in (world.home / "spool").glob("*.jsonl")]


def test_a_batch_is_sent_collected_decided_and_cleared(world: World, slow: BatchedEngine) -> None:
    status = until_done(world, world.start("apply"))
    assert (status.scan.state, status.done, status.adds) == ("done", 3, 3)
    assert world.tags("0.png") == {"red"}
    assert (spent(world), spooled(world), slow.sent[0].cleared) == ((3, 0.015), [], True)


def test_while_it_waits_the_scan_says_for_what(world: World, slow: BatchedEngine) -> None:
    slow.states, world.poll_s = [RUNNING], 5.0
    scan_id = world.start()
    for _ in range(3):
        world.make_due(scan_id)
        status = world.run(scan_id)
    assert status.scan.state == "waiting"
    assert status.waits["slow"].startswith("waiting for slow, 1 of 3 answered: sent ")


KILLED_AT: list[Callable[[BatchedEngine], object]] = [
    lambda slow: slow.before.update(submit=Killed()),
    lambda slow: slow.after.update(submit=Killed()),
    lambda slow: slow.before.update(poll=Killed()),
    lambda slow: slow.after.update(collect=Killed()),
    lambda slow: slow.before.update(clear=Killed()),
    lambda slow: slow.after.update(clear=Killed()),
]


@pytest.mark.parametrize("kill", KILLED_AT)
def test_a_kill_between_two_steps_neither_loses_nor_repeats_a_batch(
    world: World, slow: BatchedEngine, kill: Callable[[BatchedEngine], object]
) -> None:
    kill(slow)
    scan_id = world.start("apply")
    with pytest.raises(Killed):
        until_done(world, scan_id)
    world.let_leases_run_out()
    status = until_done(world, scan_id)
    assert (status.scan.state, status.done, status.asked) == ("done", 3, 3)
    assert (set(slow.asked.values()), len(slow.sent), spent(world)) == ({1}, 1, (3, 0.015))
    assert spooled(world) == []


@pytest.mark.parametrize("method", ["_put", "_seal"])
def test_a_kill_while_requests_are_gathered_asks_for_each_once(
    world: World, slow: BatchedEngine, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(Spool, method)

    def then_die(*arguments: object) -> object:
        real(*arguments)
        raise Killed

    scan_id = world.start("apply")
    with monkeypatch.context() as patch:
        patch.setattr(Spool, method, then_die)
        with pytest.raises(Killed):
            until_done(world, scan_id)
    world.let_leases_run_out()
    status = until_done(world, scan_id)
    assert (status.done, set(slow.asked.values()), spent(world)) == (3, {1}, (3, 0.015))


def test_a_kill_right_after_the_token_was_written_submits_once(
    world: World, slow: BatchedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: object) -> float:
        raise Killed

    scan_id = world.start("apply")
    with monkeypatch.context() as patch:
        patch.setattr(BatchCollector, "_send", die)
        with pytest.raises(Killed):
            until_done(world, scan_id)
    assert spent(world) == (3, 0.03)
    world.let_leases_run_out()
    until_done(world, scan_id)
    assert (len(slow.sent), spent(world)) == (1, (3, 0.015))


def test_a_submission_whose_answer_was_lost_is_found_by_its_token(
    world: World, slow: BatchedEngine
) -> None:
    slow.after = {"submit": Unavailable("cut off")}
    until_done(world, world.start())
    assert len(slow.sent) == 1


def test_a_batch_that_expired_with_half_its_answers_keeps_them(
    world: World, slow: BatchedEngine
) -> None:
    slow.states, slow.answered = [Progress("ended", 1, 3, "It has expired.")], {"red"}
    status = until_done(world, world.start("apply"))
    assert (status.done, status.failed, spent(world)) == (1, 2, (1, 0.005))
    assert {reason for _key, reason in status.failures} == {"It has expired."}
    slow.answered = None
    until_done(world, world.start("apply"))
    assert sorted(slow.asked.values()) == [1, 2, 2]
    assert world.tags("1.png") == {"green"}


def test_a_batch_of_which_nothing_was_worked_on_costs_nothing(
    world: World, slow: BatchedEngine
) -> None:
    slow.answered = set()
    status = until_done(world, world.start())
    assert (status.failed, spent(world)) == (3, (0, 0.0))


def test_what_an_ended_batch_says_nothing_of_counts_as_spent(
    world: World, slow: BatchedEngine
) -> None:
    slow.silent_about = {"red", "green"}
    status = until_done(world, world.start())
    assert (status.failed, spent(world)) == (2, (3, 0.025))


def test_pictures_that_are_sent_in_the_next_month_count_for_that_one(
    world: World, slow: BatchedEngine
) -> None:
    world.terms["slow"] = {"limits": Limits(units=3)}
    with time_machine.travel(datetime(2026, 1, 31, 23, tzinfo=UTC)) as clock:
        scan_id = gathered(world)
        clock.move_to(datetime(2026, 2, 1, tzinfo=UTC))
        status = until_done(world, scan_id)
        with world.store.read() as db:
            january = usage.of_month(db, datetime(2026, 1, 5, tzinfo=UTC))["slow"]
        assert (status.done, january.units, spent(world)) == (3, 0, (3, 0.015))


def gathered(world: World) -> int:
    """Gather a batch, and do not send it."""
    scan_id = world.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchCollector, "_submit", lambda *_: time.time() + 60)
        world.run(scan_id)
    return scan_id


def test_a_batch_waits_where_the_next_months_budget_does_not_allow_it(
    world: World, slow: BatchedEngine
) -> None:
    world.terms["slow"] = {"limits": Limits(units=3)}
    with time_machine.travel(datetime(2026, 1, 31, 23, tzinfo=UTC)) as clock:
        scan_id = gathered(world)
        clock.move_to(datetime(2026, 2, 1, tzinfo=UTC))
        calls.run_context(world.core, "slow").calls.reserve("x", host="x", size_bytes=1, units=1)
        world.make_due(scan_id)
        status = world.run(scan_id)
    assert (slow.sent, "MONTHLY_LIMIT" in status.waits["slow"]) == ([], True)


def test_what_was_reserved_is_sent_though_the_budget_is_used_up(
    world: World, slow: BatchedEngine
) -> None:
    world.terms["slow"] = {"limits": Limits(units=2)}
    status = until_done(world, world.start())
    assert (len(slow.sent), status.asked, slow.sent[0].cleared) == (1, 2, True)


def test_cancelling_lets_the_service_be_told_at_once(world: World, slow: BatchedEngine) -> None:
    slow.states, world.poll_s = [RUNNING], 600.0
    scan_id = world.start()
    world.run(scan_id)
    scans.cancel(world.core, scan_id)
    assert batch_cleanup.clean_up(world.core, Event())
    assert slow.cancelled == ["0"]


def test_a_later_scan_tells_of_a_batch_that_was_left_behind(
    world: World, slow: BatchedEngine
) -> None:
    slow.states, world.poll_s = [RUNNING], 600.0
    scan_id = world.start()
    world.run(scan_id)
    scans.cancel(world.core, scan_id)
    status = until_done(world, world.start())
    assert "3 items of scan 1, which has ended" in status.waits["slow"]


def test_an_empty_batch_is_not_sent(world: World, slow: BatchedEngine) -> None:
    world.terms["slow"] = {"limits": Limits(units=0)}
    status = until_done(world, world.start())
    assert (slow.sent, status.scan.state, spooled(world)) == ([], "done", [])


def test_each_time_a_batch_is_sent_is_logged(world: World, slow: BatchedEngine) -> None:
    slow.states = [Progress("failed", reason="Too much is queued.", again=True)]
    until_done(world, world.start())
    assert len(spending.egress_log(world.core).items) == 6


def test_a_library_that_is_away_for_a_while_leaves_the_batch_alone(
    world: World, slow: BatchedEngine
) -> None:
    scan_id = under_way(world, slow)
    world.photos.rename(world.home / "away")
    with pytest.raises(LibraryUnavailable):
        world.run(scan_id)
    (world.home / "away").rename(world.photos)
    slow.sent[0].state = Progress("ended")
    assert (until_done(world, scan_id).done, slow.cancelled) == (3, [])


def test_what_an_ended_scan_had_asked_is_decided_when_it_is_answered(
    world: World, slow: BatchedEngine
) -> None:
    slow.states, world.poll_s = [RUNNING], 5.0
    world.engines.append(ColourEngine("quick"))
    scan_id = world.start()
    for _ in range(2):
        world.make_due(scan_id)
        world.run(scan_id)
    scans.cancel(world.core, scan_id)
    until_done(world, world.start("apply"))
    for _ in range(3):
        world.make_due(scan_id)
        batch_cleanup.clean_up(world.core, Event())
    assert until_done(world, world.start("apply")).scan.unchanged == 0
    assert set(slow.asked.values()) == {1}


def test_winding_up_without_the_engine_does_not_run_hot(world: World, slow: BatchedEngine) -> None:
    scan_id = under_way(world, slow)
    scans.cancel(world.core, scan_id)
    world.engines = []
    world.make_due(scan_id)
    assert [batch_cleanup.clean_up(world.core, Event()) for _ in range(3)] == [True, False, False]


def test_the_files_of_batches_that_another_home_has_collected_are_swept(
    world: World, slow: BatchedEngine
) -> None:
    until_done(world, world.start())
    left = path_of(world.core, batch_of(world))
    left.write_text("picture")
    world.scan(mode="decide")
    assert not left.exists()


def batch_of(world: World) -> batches.Batch:
    with world.store.read() as db:
        return batches.get(db, 1)


def test_the_files_of_another_database_are_left(world: World, slow: BatchedEngine) -> None:
    until_done(world, world.start())
    mine = path_of(world.core, batch_of(world)).name
    for name in ("slow-1.jsonl", "slow-7.jsonl", "slow-0123456789ab-1.jsonl"):
        assert name != mine
        (world.home / "spool" / name).write_text("picture")
    world.scan(mode="decide")
    assert len(spooled(world)) == 3


def test_a_file_that_the_version_before_has_named_is_found(
    world: World, slow: BatchedEngine
) -> None:
    slow.states, world.poll_s = [RUNNING], 5.0
    world.run(world.start())
    file = path_of(world.core, batch_of(world))
    file.rename(file.with_name("slow-1.jsonl"))
    assert path_of(world.core, batch_of(world)).exists()


def test_a_picture_that_was_replaced_meanwhile_gets_no_tags_of_the_old_one(
    world: World, slow: BatchedEngine
) -> None:
    slow.states, world.poll_s = [RUNNING], 5.0
    scan_id = world.start("apply")
    for _ in range(2):
        world.make_due(scan_id)
        world.run(scan_id)
    world.picture("0.png", "green", side_px=20)
    slow.sent[0].state = Progress("ended")
    status = until_done(world, scan_id)
    assert (status.done, status.failed, world.tags("0.png")) == (2, 1, set())


def test_a_batch_refused_as_a_whole_fails_its_items_and_costs_nothing(
    world: World, slow: BatchedEngine
) -> None:
    slow.states = [Progress("failed", reason="Line 1: no such model.")]
    status = until_done(world, world.start())
    assert (status.failed, spent(world)) == (3, (0, 0.0))
    assert status.failures[0][1] == "Line 1: no such model."


def test_a_service_that_refuses_all_of_a_batch_fails_no_item_and_is_asked_again_by_the_next_scan(
    world: World, slow: BatchedEngine
) -> None:
    slow.before = {"collect": RefusesAll("It takes no pictures.")}
    status = until_done(world, world.start())
    assert (status.scan.state, status.failed, spent(world)) == ("done", 0, (0, 0.0))
    assert status.waiting == {"slow": "It takes no pictures."}
    assert until_done(world, world.start()).done == 3


def test_a_batch_refused_for_now_is_sent_again_later(world: World, slow: BatchedEngine) -> None:
    slow.states = [Progress("failed", reason="Too much is queued.", again=True)]
    status = until_done(world, world.start())
    assert (status.done, len(slow.sent), spent(world)) == (3, 2, (3, 0.015))


def test_a_batch_the_service_has_forgotten_counts_as_spent(
    world: World, slow: BatchedEngine
) -> None:
    slow.states = [Progress("gone", reason="The service does not know it.")]
    until_done(world, world.start())
    assert (spent(world), spending.months(world.core)["slow"].in_doubt) == ((3, 0.03), 3)


def test_a_service_that_is_down_is_asked_again_by_itself(world: World, slow: BatchedEngine) -> None:
    slow.before = {"poll": Unavailable("down")}
    scan_id = world.start()
    status = world.run(scan_id)
    world.make_due(scan_id)
    status = world.run(scan_id)
    assert "down" in status.waits["slow"]
    world.forget_circuits()
    assert until_done(world, scan_id).done == 3


def test_a_refused_key_keeps_the_batch_for_when_it_is_put_right(
    world: World, slow: BatchedEngine
) -> None:
    slow.before = {"poll": AuthFailed("The key was refused.")}
    assert until_done(world, world.start()).done == 3


def test_lines_and_bytes_bound_a_batch(world: World, slow: BatchedEngine) -> None:
    slow.max_lines = 2
    until_done(world, world.start())
    assert sorted(len(one.lines) for one in slow.sent) == [1, 2]
    slow.max_lines, slow.max_bytes = 1000, 12
    until_done(world, world.start(mode="force"))
    assert sorted(len(one.lines) for one in slow.sent) == [1, 1, 1, 1, 2]


def test_a_batch_holds_no_more_than_the_budget_allows(world: World, slow: BatchedEngine) -> None:
    world.terms["slow"] = {"limits": Limits(units=2)}
    status = until_done(world, world.start())
    assert (slow.asked.total(), spent(world)) == (2, (2, 0.01))
    assert "MONTHLY_LIMIT" in status.waiting["slow"]


def test_a_scan_that_is_cancelled_stops_its_batch_and_keeps_what_was_answered(
    world: World, slow: BatchedEngine
) -> None:
    slow.states, slow.answered, world.poll_s = [RUNNING], {"red"}, 5.0
    scan_id = world.start()
    for _ in range(2):
        world.make_due(scan_id)
        world.run(scan_id)
    scans.cancel(world.core, scan_id)
    for _ in range(3):
        world.make_due(scan_id)
        batch_cleanup.clean_up(world.core, Event())
    assert (slow.cancelled, slow.sent[0].cleared, spent(world)) == (["0"], True, (1, 0.005))
    slow.answered = None
    assert until_done(world, world.start()).done == 3
    assert sorted(slow.asked.values()) == [1, 2, 2]


def test_a_scan_that_is_cancelled_before_anything_was_sent_costs_nothing(
    world: World, slow: BatchedEngine
) -> None:
    slow.before = {"submit": Unavailable("down")}
    scan_id = world.start()
    world.run(scan_id)
    scans.cancel(world.core, scan_id)
    world.forget_circuits()
    world.make_due(scan_id)
    batch_cleanup.clean_up(world.core, Event())
    assert (slow.sent, spent(world), spooled(world)) == ([], (0, 0.0), [])


def test_what_an_ended_scan_has_under_way_is_not_asked_again(
    world: World, slow: BatchedEngine
) -> None:
    scan_id = under_way(world, slow)
    scans.cancel(world.core, scan_id)
    until_done(world, world.start())
    assert set(slow.asked.values()) == {1}


def test_a_paid_batch_is_forecast(world: World, slow: BatchedEngine) -> None:
    request = Request("photos", None, "forecast")
    status = world.run(scans.start(world.core, request))
    assert status.forecast is not None
    (line,) = status.forecast.engines
    assert (line.items, line.calls, line.cost_usd) == (3, 3, 0.03)
    assert slow.sent == []


def test_pictures_are_logged_as_leaving_when_they_are_sent(
    world: World, slow: BatchedEngine
) -> None:
    slow.before = {"submit": QuotaExhausted("No credit.")}
    scan_id = world.start()
    world.run(scan_id)
    left = spending.egress_log(world.core).items
    assert {one.host for one in left} == {"batches.test"}
    assert all(one.card is not None and one.state == "open" for one in left)


def test_what_a_kill_left_uncommitted_in_the_file_is_not_sent(
    world: World, slow: BatchedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3, 20):
        world.picture(f"{number}.png", "red")
    real, appended = spool._append, list[object]()

    def then_die(*arguments: Any) -> None:
        appended.append(real(*arguments))
        if len(appended) > 1:
            raise Killed

    scan_id = world.start()
    with monkeypatch.context() as patch:
        patch.setattr(spool, "_append", then_die)
        with pytest.raises(Killed):
            until_done(world, scan_id)
    world.let_leases_run_out()
    assert (until_done(world, scan_id).done, set(slow.asked.values())) == (20, {1})


def test_what_another_process_has_closed_is_filled_no_further(
    world: World, slow: BatchedEngine
) -> None:
    real, puts = Spool._put, list[object]()

    def closed(spool: Spool, *arguments: Any) -> None:
        if not puts:
            with world.store.write() as db:
                batches.seal(db, batch_of(world))
        puts.append(arguments)
        real(spool, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Spool, "_put", closed)
        status = until_done(world, world.start())
    assert (status.done, set(slow.asked.values()), len(slow.sent)) == (3, {1}, 1)
