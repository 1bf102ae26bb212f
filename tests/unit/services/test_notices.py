"""Conditions are told when they begin and when they end, each once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from tests.notices import outbox, titles, with_channels
from tests.world import World
from tigertag.core import Core
from tigertag.errors import AuthFailed, LibraryError
from tigertag.model import NoticeKind
from tigertag.services import channels, events, health, notices
from tigertag.store import engine_state, schema
from tigertag.store import notices as store
from tigertag.store.usage import Amount, Limits, reserve

URL = "json://127.0.0.1:9"
"""Nothing is sent to it here."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    sqlite = f"sqlite:///{tmp_path}/tigertag.db"
    made = World(
        tmp_path, sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    )
    yield made
    made.close()


@pytest.fixture
def core(world: World) -> Core:
    return with_channels(world, URL)


def stop(core: Core, reason: str = "The key is wrong.", until: datetime | None = None) -> None:
    with core.store.write() as db:
        engine_state.stop(db, "colour", reason, until)


def lift(core: Core) -> None:
    with core.store.write() as db:
        engine_state.lift_stop(db, "colour")


def fail_a_scan(world: World, error: str = "It is another server now.") -> None:
    scan_id = world.start()
    with world.store.write() as db:
        ended = schema.scans.update().where(schema.scans.c.id == scan_id)
        db.execute(ended.values(state="failed", error=error, finished_at=datetime.now(UTC)))


def test_a_condition_is_told_when_it_begins_and_when_it_ends_and_not_in_between(
    core: Core,
) -> None:
    stop(core)
    for _ in range(3):
        notices.watch(core)
    lift(core)
    for _ in range(3):
        notices.watch(core)
    assert titles(core) == ["Engine colour has stopped", "Resolved: Engine colour has stopped"]


def test_a_storm_of_one_condition_is_one_notice(core: Core) -> None:
    stop(core)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: notices.watch(core), range(40)))
    assert titles(core) == ["Engine colour has stopped"]


def test_a_notice_that_cannot_be_queued_leaves_its_condition_to_be_told(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process that dies in the middle of the transaction."""
    stop(core)
    with monkeypatch.context() as broken:
        broken.setattr(store, "queue", lambda *_args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            notices.watch(core)
    notices.watch(core)
    assert titles(core) == ["Engine colour has stopped"]


def test_an_engine_that_is_tried_again_by_itself_has_some_minutes(core: Core) -> None:
    with time_machine.travel(datetime(2026, 11, 3, 10, tzinfo=UTC), tick=False) as clock:
        stop(core, until=datetime.now(UTC) + timedelta(hours=2))
        notices.watch(core)
        clock.shift(timedelta(minutes=2))
        notices.watch(core)
        assert titles(core) == []
        clock.shift(timedelta(minutes=4))
        notices.watch(core)
    assert titles(core) == ["Engine colour has stopped"]


def test_what_passes_before_it_was_told_is_never_told(core: Core) -> None:
    stop(core, until=datetime.now(UTC) + timedelta(hours=2))
    notices.watch(core)
    lift(core)
    notices.watch(core)
    assert titles(core) == []


def test_a_budget_is_told_at_80_percent_and_once_it_is_used_up(world: World) -> None:
    world.engine.units, world.engine.local = 1, False
    world.terms["colour"] = {"limits": Limits(units=10)}
    core = with_channels(world, URL)
    for used in (7, 1, 1, 1):
        with core.store.write() as db:
            assert reserve(db, "colour", Amount(used), Limits(units=10), datetime.now(UTC))
        notices.watch(core)
    assert titles(core) == [
        "Engine colour has used 80 % of its monthly budget",
        "Engine colour has used up its monthly budget",
    ]
    with time_machine.travel(datetime.now(UTC) + timedelta(days=32)):
        notices.watch(core)
    assert titles(core)[2:] == ["Resolved: Engine colour has used up its monthly budget"]


def test_a_budget_that_is_given_back_a_little_is_not_told_twice(world: World) -> None:
    world.engine.units, world.engine.local = 1, False
    world.terms["colour"] = {"limits": Limits(units=10)}
    core = with_channels(world, URL)
    for used in (8, -1, 1):
        with core.store.write() as db:
            reserve(db, "colour", Amount(used), Limits(), datetime.now(UTC))
        notices.watch(core)
    assert titles(core) == ["Engine colour has used 80 % of its monthly budget"]


def test_a_library_is_told_after_15_minutes_and_when_it_answers_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = with_channels(world, URL)

    def look(minutes: int) -> None:
        clock.shift(timedelta(minutes=minutes))
        core.cache.forget("seen")
        notices.watch_libraries(core)

    def refuse() -> None:
        raise LibraryError("photos.test cannot be reached.")

    with time_machine.travel(datetime(2026, 11, 3, 10, tzinfo=UTC), tick=False) as clock:
        with monkeypatch.context() as down:
            down.setattr(world.library, "sections", refuse)
            look(0)
            for _ in range(2):
                look(7)
            assert titles(core) == []
            look(2)
            look(2)
            assert titles(core) == ["Library photos cannot be used"]
        look(2)
    assert titles(core)[1:] == ["Resolved: Library photos cannot be used"]


def test_a_library_that_was_down_before_a_night_of_nobody_looking_begins_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = with_channels(world, URL)

    def refuse() -> None:
        raise LibraryError("photos.test cannot be reached.")

    monkeypatch.setattr(world.library, "sections", refuse)
    with time_machine.travel(datetime(2026, 11, 3, 10, tzinfo=UTC), tick=False) as clock:
        notices.watch_libraries(core)
        clock.shift(timedelta(hours=9))
        notices.watch_libraries(core)
        assert titles(core) == []


def test_scans_that_fail_night_after_night_are_one_notice(world: World, core: Core) -> None:
    for _night in range(3):
        fail_a_scan(world)
        notices.watch(core)
    world.scan()
    notices.watch(core)
    assert [row.title for row in outbox(core) if row.kind == NoticeKind.SCAN_FAILED] == [
        "Scan failed in photos/photos",
        "Resolved: Scan failed in photos/photos",
    ]


def test_a_refused_canary_is_told_and_not_as_a_failed_scan_besides(
    world: World, core: Core
) -> None:
    fail_a_scan(
        world,
        "The first write, to a.png, changed more than its tags; writing has stopped. Check that"
        " item before you scan again.",
    )
    notices.watch(core)
    assert titles(core) == ["The first write to photos/photos was refused"]


def test_a_finished_scan_is_told_once_with_what_it_did(world: World, core: Core) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    core = replace(core, public_url="https://tags.test/x")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: notices.watch(core), range(8)))
    (row,) = outbox(core)
    assert row.title == "Scan finished in photos/photos"
    assert "1 item processed, 0 failed. " in row.body
    assert row.body.endswith("\nhttps://tags.test/x/scans/1")


def test_what_ended_before_a_channel_was_set_up_is_no_news(world: World, core: Core) -> None:
    world.scan()
    notices.watch(world.core)
    notices.watch(core)
    assert titles(core) == []


def test_a_disk_that_is_nearly_full_is_told(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(health, "LITTLE_SPACE_BYTES", 2**60)
        notices.watch(core)
    notices.watch(core)
    began, ended = titles(core)
    assert began.endswith("is nearly full")
    assert ended == f"Resolved: {began}"


def test_a_backup_that_failed_is_told_until_one_succeeds(core: Core) -> None:
    events.record(core, "error", "backup", "The disk is full; the old backups are kept.")
    notices.watch(core)
    events.record(core, "info", "backup", "Backed up.")
    notices.watch(core)
    assert titles(core) == ["The backup failed", "Resolved: The backup failed"]
    assert outbox(core)[0].body == "The disk is full; the old backups are kept."


def test_what_another_process_watches_is_not_ended_here(world: World, core: Core) -> None:
    stop(core)
    notices.watch(core)
    world.engines = []
    notices.watch(with_channels(world, URL))
    assert titles(core) == ["Engine colour has stopped"]
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        notices.watch(with_channels(world, URL))
    assert channels.overview(core).conditions == ()
    assert titles(core) == ["Engine colour has stopped"]


def test_a_channel_gets_what_it_is_for(world: World) -> None:
    core = with_channels(world, URL, on=(NoticeKind.SCAN_FAILED,))
    stop(core)
    notices.watch(core)
    assert titles(core) == []
    assert [row.title for row in channels.overview(core).conditions] == [
        "Engine colour has stopped"
    ]


def test_a_real_scan_whose_engine_refuses_its_key_is_told(world: World, core: Core) -> None:
    world.picture("a.png", "red")
    world.engine.raises["red"] = AuthFailed("The key is not accepted.")
    world.scan()
    notices.watch(core)
    assert "Engine colour has stopped" in titles(core)


def test_a_forecast_is_no_finished_scan(world: World, core: Core) -> None:
    world.picture("rose.png", "red")
    world.scan(mode="forecast")
    notices.watch(core)
    assert titles(core) == []
    with core.store.read() as db:
        assert store.unannounced_scans(db, limit=9) == []
