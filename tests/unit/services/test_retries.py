"""What may pass is retried with growing gaps, given up at last, and retried at once by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.colours import ColourEngine
from tests.fake_library import FakeLibrary
from tests.world import World
from tigertag.contracts import EditOutcome, Failed
from tigertag.errors import NotFound
from tigertag.model import Edit
from tigertag.services import problems, retries, scan_status, scans
from tigertag.services.scan_status import Status
from tigertag.services.scans import Request
from tigertag.services.views import Problem
from tigertag.store import schema
from tigertag.store.problems import GAPS, MOST_TRIES

pytestmark = pytest.mark.slow

TORN = Failed("", "It is torn.", retryable=False)
BUSY = Failed("", "It was busy.", retryable=True)


@pytest.fixture
def busy(world: World) -> World:
    """A red picture, for which the engine was busy last night, and a green one."""
    world.picture("a.png", "red")
    world.picture("b.png", "green")
    world.engine.fails["red"] = BUSY
    tonight(world)
    return world


def tonight(world: World, mode: str = "new", write: str = "apply") -> Status:
    """A scan that a schedule starts."""
    request = Request("photos", None, mode, write, reason="schedule nightly")
    return world.run(scans.start(world.core, request))


def problem(world: World) -> Problem:
    (only,) = problems.listed(world.core).items
    return only


def let_time_pass(world: World, gap: timedelta) -> None:
    columns = schema.problems.c
    with world.store.write() as db:
        for row in db.execute(schema.problems.select()).all():
            earlier = row.retry_at and row.retry_at - gap
            where = columns.id == row.id
            db.execute(schema.problems.update().where(where).values(retry_at=earlier))


@pytest.mark.parametrize("mode", ["new", "changed"])
def test_a_scheduled_scan_does_not_even_read_what_failed_just_now(busy: World, mode: str) -> None:
    asked = len(busy.engine.asked)
    again = tonight(busy, mode)
    assert (again.total, len(busy.engine.asked)) == (0, asked)
    assert (problem(busy).tries, again.problems) == (1, 1)


def test_one_in_time_retries_it_alone(busy: World) -> None:
    let_time_pass(busy, GAPS[0])
    asked = len(busy.engine.asked)
    assert (tonight(busy).total, len(busy.engine.asked) - asked) == (1, 1)
    gap = problem(busy).retry_at - datetime.now(UTC)  # type: ignore[operator]
    assert (problem(busy).tries, gap > GAPS[0]) == (2, True)


def test_it_is_given_up_after_eight_tries(busy: World) -> None:
    for gap in GAPS:
        assert not problem(busy).given_up
        let_time_pass(busy, gap)
        tonight(busy)
    given_up = problem(busy)
    state = (given_up.tries, given_up.given_up, given_up.again, given_up.retry_at)
    assert state == (MOST_TRIES, True, False, None)
    assert tonight(busy).total == 0


def test_a_scan_that_a_user_starts_tries_it_at_once_and_counts_anew(busy: World) -> None:
    let_time_pass(busy, GAPS[0])
    tonight(busy)
    assert (busy.scan("apply").total, problem(busy).tries) == (1, 1)


def test_a_retry_that_succeeds_ends_it_and_leaves_nothing_to_do(busy: World) -> None:
    busy.engine.fails.clear()
    let_time_pass(busy, GAPS[0])
    assert tonight(busy).problems == 0
    assert tonight(busy, "changed").total == 0


def test_a_changed_file_is_tried_at_once_and_counted_anew(busy: World) -> None:
    let_time_pass(busy, GAPS[0])
    tonight(busy)
    busy.picture("a.png", "red", side_px=17)
    assert (tonight(busy, "changed").total, problem(busy).tries) == (1, 1)


def test_another_model_is_tried_at_once(busy: World) -> None:
    busy.engines = [ColourEngine(fingerprint="v2")]
    assert tonight(busy).problems == 0


def test_another_engine_does_not_wait_for_the_one_that_failed(busy: World) -> None:
    other = ColourEngine("other")
    busy.engines.append(other)
    asked = len(busy.engine.asked)
    tonight(busy)
    assert (len(other.asked), len(busy.engine.asked)) == (2, asked)
    assert tonight(busy).total == 0


def test_it_is_retried_by_hand_in_a_scan_of_it_alone(busy: World) -> None:
    busy.picture("new.png", "blue")
    busy.engine.fails.clear()
    retried = retries.retry(busy.core, [problem(busy).id])
    (scan_id,) = retried.scans
    done = busy.run(scan_id)
    assert (done.scan.mode, done.scan.write, done.total, done.problems) == (
        "retry",
        "apply",
        1,
        0,
    )


def test_what_failed_for_good_is_asked_again_by_hand(busy: World) -> None:
    busy.engine.fails["red"] = TORN
    busy.scan("apply")
    assert busy.scan("apply").total == 0
    busy.engine.fails.clear()
    (scan_id,) = retries.retry(busy.core, [problem(busy).id]).scans
    assert busy.run(scan_id).problems == 0


def test_a_group_is_retried_by_its_reason(busy: World) -> None:
    busy.picture("c.png", "blue")
    busy.engine.fails["blue"] = replace(BUSY, reason="It was asleep.")
    busy.scan("apply")
    groups = [(one.engine, one.reason, one.problems) for one in problems.by_reason(busy.core)]
    assert sorted(groups) == [("colour", "It was asleep.", 1), ("colour", "It was busy.", 1)]
    retried = retries.retry_all(busy.core, engine="colour", reason="It was asleep.")
    assert (retried.problems, busy.run(retried.scans[0]).total) == (1, 1)


def test_a_retry_waits_where_another_scan_has_the_section(busy: World) -> None:
    scan_id = busy.start()
    retried = retries.retry_all(busy.core)
    assert (retried.problems, retried.scans, len(retried.waiting)) == (1, (), 1)
    scans.cancel(busy.core, scan_id)
    assert tonight(busy).total == 1


def test_a_problem_that_is_not_there_cannot_be_retried(world: World) -> None:
    with pytest.raises(NotFound):
        retries.retry(world.core, [7])


class Refusing(FakeLibrary):
    """A library that refuses to write to one item, while it does."""

    refuses = True

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            if self.refuses and edit.item.key == "a":
                yield EditOutcome("a", None, "It cannot be written.")
            else:
                yield from super().send([edit])


def test_a_write_that_failed_is_retried_by_a_scan_that_writes_in_time(world: World) -> None:
    library = world.library = Refusing()
    library.put("b", "green")
    library.put("a", "red")
    tonight(world)
    assert tonight(world).total == 0
    library.refuses = False
    (scan_id,) = retries.retry_all(world.core).scans
    done = world.run(scan_id)
    assert (done.scan.write, done.problems) == ("apply", 0)
    assert scan_status.status(world.core, scan_id).adds == 1
