"""What is recorded in the event log, and that it is recorded once."""

from tests.world import World
from tigertag.contracts import Failed
from tigertag.services import events, scans
from tigertag.store import engine_state, service_state


def log(world: World, source: str) -> list[tuple[str, str]]:
    """The events of a source, the oldest first: level and message."""
    rows = events.recent(world.core, source=source)
    return [(row.level, row.message) for row in rows][::-1]


def test_a_scan_that_ends_says_its_counts(world: World) -> None:
    world.picture("a.png", "red")
    world.picture("b.png", "green")
    world.engine.fails["green"] = Failed("", "no", retryable=False)
    scan_id = world.scan().scan.id
    message = f"Scan {scan_id} (preview of photos · photos) is done:"
    assert log(world, "scan") == [("warning", f"{message} 2 items, 1 failed, 1 tag to add.")]


def test_a_scan_that_writes_says_what_came_of_its_edits(world: World) -> None:
    world.picture("a.png", "red")
    scan_id = world.scan("apply").scan.id
    message = f"Scan {scan_id} wrote to photos · photos: 1 edit verified; 1 tag added, 0 removed."
    assert log(world, "write") == [("info", message)]


def test_a_scan_that_was_cancelled_says_so_once(world: World) -> None:
    scan_id = world.start()
    scans.cancel(world.core, scan_id)
    ((level, message),) = log(world, "scan")
    assert (level, "was cancelled" in message) == ("info", True)


def test_a_forecast_that_is_done_is_no_event(world: World) -> None:
    world.picture("a.png", "red")
    world.run(scans.forecast(world.core, scans.Request("photos")))
    assert log(world, "scan") == []


def test_an_engine_that_stays_stopped_is_one_event(world: World) -> None:
    with world.store.write() as db:
        for _ in range(3):
            engine_state.stop(db, "cloud", "It does not answer.", None)
    assert log(world, "engine") == [("warning", "Engine cloud stopped: It does not answer.")]
    with world.store.write() as db:
        engine_state.lift_stop(db, "cloud")
        engine_state.lift_stop(db, "cloud")
    assert log(world, "engine")[1:] == [("info", "Engine cloud can be asked again.")]


def test_a_library_that_stays_away_is_one_event(world: World) -> None:
    for problem in ("", "gone", "gone still", "", ""):
        with world.store.write() as db:
            service_state.note_library(db, "photos", problem)
    assert log(world, "library") == [
        ("error", "Library photos cannot be used: gone"),
        ("info", "Library photos can be used again."),
    ]


def test_all_processes_of_a_service_start_once(world: World) -> None:
    with world.store.write() as db:
        for run in ("a", "a", "b", "b"):
            service_state.note_start(db, "home", run, "1.0")
        service_state.note_stop(db, "home")
        service_state.note_stop(db, "home")
    levels = [level for level, _message in log(world, "system")]
    assert levels == ["info", "warning", "info"]
