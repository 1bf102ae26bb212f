"""Schedules: each time fires once, with daylight saving, downtime and kills."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.world import World
from tigertag.core import Core
from tigertag.errors import Conflict, NotFound, RequestError
from tigertag.services import (
    events,
    health,
    scan_requests,
    schedule_changes,
    schedule_firing,
    schedules,
)
from tigertag.settings import ScheduleSettings
from tigertag.store import schedules as store

NIGHTLY = ScheduleSettings("nightly", "30 2 * * *", "photos")
BERLIN = ZoneInfo("Europe/Berlin")


class Clock:
    """The database's clock, set by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def __call__(self, _db: object) -> datetime:
        return self.at

    def set(self, text: str) -> None:
        self.at = datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (schedules, schedule_changes, schedule_firing):
        monkeypatch.setattr(module, "now", clock)
    return clock


def core_with(world: World, *defaults: ScheduleSettings) -> Core:
    return replace(world.core, default_schedules=defaults, timezone=BERLIN)


def fired(core: Core, schedule: str = "nightly") -> list[tuple[str, str]]:
    """When and how it fired, the oldest first."""
    with core.store.read() as db:
        rows = store.firings(db, schedule, limit=1000)
    return [(f"{row.due_at:%m-%d %H:%M}", row.kind) for row in reversed(rows)]


def pass_by(core: Core, clock: Clock, *moments: str) -> None:
    for moment in moments:
        clock.set(moment)
        schedule_firing.fire_due(core)


def test_a_time_that_has_come_asks_for_a_scan_once(world: World, clock: Clock) -> None:
    core = core_with(world, replace(NIGHTLY, write="apply", mode="new", engines=("COLOUR",)))
    pass_by(core, clock, "2026-06-02T02:29", "2026-06-02T02:30", "2026-06-02T02:31")
    assert fired(core) == [("06-02 00:30", "due")]
    (request,) = scan_requests.waiting(core)
    wanted = request.wanted
    assert request.reason == "schedule nightly"
    assert (wanted.mode, wanted.write, wanted.engines) == ("new", "apply", ("colour",))


def test_a_time_before_the_schedule_was_made_does_not_count(world: World, clock: Clock) -> None:
    core = core_with(world, NIGHTLY)
    pass_by(core, clock, "2026-06-02T02:31", "2026-06-02T02:32")
    assert fired(core) == []


def test_the_night_of_the_spring_fires_once(world: World, clock: Clock) -> None:
    core = core_with(world, NIGHTLY)
    hours = [f"2026-03-29T0{hour}:35" for hour in range(6)]
    pass_by(core, clock, "2026-03-28T23:00", *hours)
    assert fired(core) == [("03-29 01:30", "due")]


def test_the_night_of_the_autumn_fires_once(world: World, clock: Clock) -> None:
    core = core_with(world, NIGHTLY)
    pass_by(core, clock, "2026-10-24T23:00")
    for minutes in range(0, 6 * 60, 5):
        clock.at += timedelta(minutes=5) if minutes else timedelta()
        schedule_firing.fire_due(core)
    assert fired(core) == [("10-25 00:30", "due")]


def test_what_was_slept_through_is_made_up_for_by_one_run(world: World, clock: Clock) -> None:
    core = core_with(world, NIGHTLY)
    pass_by(core, clock, "2026-06-01T12:00", "2026-06-05T10:00", "2026-06-05T10:01")
    assert fired(core) == [("06-05 00:30", "late")]
    assert len(scan_requests.waiting(core)) == 1
    (event,) = events.recent(core, source="schedule")
    assert "was not running" in event.message


def test_what_is_later_than_the_grace_is_left_out_and_says_so(world: World, clock: Clock) -> None:
    core = core_with(world, NIGHTLY)
    pass_by(core, clock, "2026-06-01T12:00", "2026-06-05T14:31", "2026-06-05T14:32")
    assert fired(core) == [("06-02 00:30", "missed")]
    assert scan_requests.waiting(core) == []
    (event,) = events.recent(core, source="schedule")
    assert (event.level, "left out" in event.message) == ("warning", True)
    pass_by(core, clock, "2026-06-06T02:30")
    assert fired(core)[1:] == [("06-06 00:30", "due")]


def test_a_process_that_is_a_little_late_leaves_no_time_out(world: World, clock: Clock) -> None:
    core = core_with(world, replace(NIGHTLY, cron="* * * * *"))
    pass_by(core, clock, "2026-06-01T12:00", "2026-06-01T12:03")
    assert [time for time, _kind in fired(core)] == [f"06-01 10:0{minute}" for minute in (1, 2, 3)]
    assert len(scan_requests.waiting(core)) == 1


def test_a_process_that_has_read_an_old_clock_fires_nothing(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = core_with(world, NIGHTLY)
    pass_by(core, clock, "2026-06-01T12:00")
    with core.store.read() as db:
        old = store.clocks(db)
    pass_by(core, clock, "2026-06-02T02:30")
    monkeypatch.setattr(store, "clocks", lambda _db: old)
    pass_by(core, clock, "2026-06-02T02:31")
    assert len(fired(core)) == 1


def test_a_kill_in_the_transaction_fires_again_and_once(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = core_with(world, NIGHTLY)
    pass_by(core, clock, "2026-06-01T12:00")

    def killed(*_args: object, **_keywords: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tigertag.store.scan_requests.want", killed)
        with pytest.raises(KeyboardInterrupt):
            pass_by(core, clock, "2026-06-02T02:30")
    assert (fired(core), scan_requests.waiting(core)) == ([], [])
    pass_by(core, clock, "2026-06-02T02:31")
    assert fired(core) == [("06-02 00:30", "due")]


def test_a_paused_schedule_fires_nothing_and_makes_up_for_nothing(
    world: World, clock: Clock
) -> None:
    core = core_with(world, NIGHTLY)
    pass_by(core, clock, "2026-06-01T12:00")
    schedule_changes.change(core, "nightly", enabled=False)
    pass_by(core, clock, "2026-06-02T02:30", "2026-06-02T03:00")
    schedule_changes.change(core, "nightly", enabled=True)
    pass_by(core, clock, "2026-06-02T04:00", "2026-06-02T05:00")
    assert fired(core) == []
    pass_by(core, clock, "2026-06-03T02:30")
    assert len(fired(core)) == 1


def test_another_line_counts_from_when_it_was_set(world: World, clock: Clock) -> None:
    core = core_with(world, NIGHTLY)
    pass_by(core, clock, "2026-06-01T12:00")
    schedule_changes.change(core, "nightly", cron="0 11 * * *")
    pass_by(core, clock, "2026-06-01T12:01", "2026-06-01T12:02")
    assert fired(core) == []


class Process:
    """One that has a time zone of its own."""

    def __init__(self, world: World, zone: str) -> None:
        self.core = replace(core_with(world, NIGHTLY), timezone=ZoneInfo(zone))
        self._definitions: dict[str, str] = {}

    def look(self) -> None:
        schedule_firing.fire_due(self.core, self._definitions)


def test_processes_whose_time_zones_differ_fire_once_as_the_last_to_begin_has_it(
    world: World, clock: Clock
) -> None:
    processes = [Process(world, "UTC"), Process(world, "Europe/Berlin")]
    clock.set("2026-06-01T12:00")
    for minutes in range(0, 24 * 60, 5):
        clock.at += timedelta(minutes=5) if minutes else timedelta()
        for process in processes:
            process.look()
    assert fired(world.core) == [("06-02 00:30", "due")]


def test_a_process_takes_over_once_that_of_another_time_zone_is_gone(
    world: World, clock: Clock
) -> None:
    stays, goes = Process(world, "UTC"), Process(world, "Europe/Berlin")
    clock.set("2026-06-01T12:00")
    stays.look()
    goes.look()
    for _ in range(24 * 12):
        clock.at += timedelta(minutes=5)
        stays.look()
    assert fired(world.core) == [("06-02 02:30", "due")]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (replace(NIGHTLY, problem="SCHEDULE_NIGHTLY_CRON is not set."), "CRON is not set"),
        (replace(NIGHTLY, library="fotos"), "did you mean 'photos'?"),
        (replace(NIGHTLY, engines=("color",)), "did you mean 'colour'?"),
    ],
)
def test_a_broken_schedule_says_why_and_holds_up_no_other(
    world: World, clock: Clock, broken: ScheduleSettings, problem: str
) -> None:
    core = core_with(world, replace(broken, id="a"), NIGHTLY)
    pass_by(core, clock, "2026-06-01T12:00", "2026-06-02T02:30")
    assert (fired(core, "a"), len(fired(core))) == ([], 1)
    (notice,) = (each for each in health.notices(core) if each.source == "schedule a")
    assert problem in notice.message
    with pytest.raises(RequestError, match="cannot run"):
        schedule_changes.run(core, "a")


def test_what_the_user_changes_goes_before_the_settings_until_it_is_removed(world: World) -> None:
    core = core_with(world, NIGHTLY)
    schedule_changes.change(core, "nightly", cron="@daily", write="apply")
    assert schedules.get(core, "NIGHTLY") == replace(NIGHTLY, cron="@daily", write="apply")
    schedule_changes.remove(core, "nightly")
    assert schedules.get(core, "nightly") == NIGHTLY
    with pytest.raises(Conflict, match="SCHEDULE_NIGHTLY_"):
        schedule_changes.remove(core, "nightly")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"id": "no dash-es"}, RequestError, "letters and digits"),
        ({"id": "nightly"}, Conflict, "already"),
        ({"cron": "0 2 31 2 *"}, RequestError, "never fires"),
        ({"mode": "force"}, RequestError, "new, changed, decide"),
        ({"library": "photo"}, NotFound, "did you mean 'photos'?"),
        ({"section": "photis"}, NotFound, "no section"),
        ({"engines": ("color",)}, NotFound, "did you mean 'colour'?"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_not_kept(
    world: World, changes: dict[str, object], error: type[Exception], message: str
) -> None:
    core = core_with(world, NIGHTLY)
    with pytest.raises(error, match=message):
        schedule_changes.add(core, replace(NIGHTLY, **({"id": "weekly"} | changes)))  # type: ignore[arg-type]
    assert schedules.every(core) == [NIGHTLY]


def test_two_firings_that_wait_become_one(world: World, clock: Clock) -> None:
    core = core_with(world, NIGHTLY, replace(NIGHTLY, id="second", cron="40 2 * * *"))
    pass_by(core, clock, "2026-06-01T12:00", "2026-06-02T02:30", "2026-06-02T02:40")
    (request,) = scan_requests.waiting(core)
    assert request.reason == "schedule nightly, schedule second"


def test_run_now_asks_for_a_scan_even_when_it_is_paused(world: World) -> None:
    core = core_with(world, replace(NIGHTLY, enabled=False))
    schedule_changes.run(core, "nightly")
    assert [kind for _time, kind in fired(core)] == ["manual"]
    assert len(scan_requests.waiting(core)) == 1


def start_requested(core: Core) -> None:
    """Split the request into sections, and start what is free."""
    scan_requests.start_due(core)
    scan_requests.start_due(core)


def test_it_is_shown_with_its_next_three_runs_in_words(world: World, clock: Clock) -> None:
    clock.set("2026-10-24T12:00")
    (view,) = schedules.listed(core_with(world, NIGHTLY))
    assert view.words == "every night at 02:30, Europe/Berlin"
    assert [f"{time:%m-%d %H:%M}" for time in view.next_runs] == [
        *("10-25 00:30", "10-26 01:30", "10-27 01:30")
    ]
    assert (view.problem, view.waiting, view.runs) == ("", "", ())


def test_a_paused_or_broken_schedule_has_no_next_run(world: World) -> None:
    core = core_with(world, replace(NIGHTLY, enabled=False), ScheduleSettings("bad", problem="x"))
    assert [view.next_runs for view in schedules.listed(core)] == [(), ()]


def test_its_runs_link_to_the_scans_that_they_started(world: World) -> None:
    world.picture("a.png", "red")
    core = core_with(world, NIGHTLY)
    schedule_changes.run(core, "nightly")
    start_requested(core)
    (run,) = schedules.view(core, "nightly").runs
    (scan,) = run.scans
    assert (run.outcome, scan.reason) == ("queued", "schedule nightly")
    world.run(scan.id)
    schedule_changes.run(core, "nightly")
    second, first = schedules.view(core, "nightly").runs
    assert (second.outcome, second.scans) == ("waiting: It starts in a moment.", ())
    assert (first.outcome, [each.id for each in first.scans]) == ("done", [scan.id])


def test_a_busy_section_is_waited_for_and_said(world: World) -> None:
    world.picture("a.png", "red")
    core = core_with(world, NIGHTLY)
    scan_id = world.start()
    for _ in range(2):
        schedule_changes.run(core, "nightly")
    start_requested(core)
    view = schedules.view(core, "nightly")
    assert f"Scan {scan_id}" in view.waiting
    assert [run.outcome for run in view.runs] == [
        f"waiting: {view.waiting}",
        "became one with the next run",
    ]
    world.run(scan_id)
    start_requested(core)
    last, _first = schedules.view(core, "nightly").runs
    assert (last.outcome, len(last.scans)) == ("queued", 1)
