"""Every page, at both widths and in both colour schemes: nothing broken, nothing complained."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.browser.conftest import Visits, serving
from tests.browser.visitor import Scheme
from tests.colours import ColourEngine
from tests.face_engine import FaceEngine
from tests.world import World
from tigertag.contracts import NOTICE, Failed
from tigertag.core import EngineEntry, LibraryEntry
from tigertag.model import UNKNOWN_FACE, Box, Kind, Label, NoticeKind, Rule, RuleAction
from tigertag.scan import calls
from tigertag.services import events, rules, scans, schedule_changes
from tigertag.services.scans import Request
from tigertag.settings import ChannelSettings, ScheduleSettings
from tigertag.store import engine_state, notices, scan_requests
from tigertag.store.scan_requests import Wanted
from tigertag.store.usage import Limits

pytestmark = pytest.mark.slow

LONG = "an_unreasonably_long_name_without_a_place_to_break_" * 2
PAGES = (
    "/",
    "/?days=30",
    "/problems?like=1",
    "/system/status",
    "/system/health",
    "/system/tasks",
    "/system/workers",
    "/system/events",
    "/system/events?level=error",
    "/system/backups",
    "/system/logs",
    "/system/logs?role=work",
    "/scans",
    "/scans/1",
    "/scans/2",
    "/scans/2/failures",
    "/scans/1/apply",
    "/scans/confirm?library=photos&section=.",
    "/items",
    "/items?tag=red",
    "/items?q=nothing-has-this-name",
    "/items?problems=1",
    "/items/1",
    "/items/1/similar",
    "/items/26",
    "/problems",
    "/problems?ignored=1",
    "/tags",
    "/rules",
    "/rules?saved=1",
    "/rules/new",
    "/rules/new?action=deny&word=red",
    "/rules/new?action=rename&word=red&value=scarlet",
    "/rules/new?action=threshold&word=red",
    "/rules/new?action=allow",
    "/schedules",
    "/schedules/new",
    "/schedules/new?cron=0+2+31+2+*",
    "/schedules/nightly/edit",
    "/setup",
    "/setup/hooks",
    "/scans/3",
    "/scans/3?write=apply",
    "/usage",
    "/egress",
    "/egress?engine=cloud",
    "/egress?engine=colour",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("pages")
    world = World(root, f"sqlite:///{root}/tigertag.db")
    for number in range(24):
        world.picture(f"{number}.png", ("red", "blue")[number % 2], side_px=64)
    world.picture(f"{LONG}.png", "red")
    world.picture("green.png", "green")
    world.engine.fails["green"] = Failed("", f"{LONG} is what the engine said", retryable=False)
    world.engine.extra = (
        Label(LONG, 0.9, kind=Kind.FACE, box=Box(0.1, 0.3, 0.4, 0.6)),
        Label(LONG, 0.2, kind=Kind.FACE, box=Box(0.7, 0.0, 1.0, 0.3)),
        Label(UNKNOWN_FACE, 0.0, kind=Kind.FACE, box=Box(0.0, 0.0, 0.1, 0.1)),
    )
    world.apply(world.scan().scan.id)
    _spend(world)
    rules.add(world.core, Rule(RuleAction.RENAME, LONG, value=LONG[::-1], section="photos/."))
    core = world.core
    broken = EngineEntry("far", "tigertag.far", None, LONG)
    gone = LibraryEntry("attic", "tigertag.folder", None, f"{LONG} is not a folder")
    core = replace(
        core,
        engines=(*core.engines, broken),
        libraries=(*core.libraries, gone),
        default_schedules=(ScheduleSettings("bad", problem=f"{LONG} is not a line of cron."),),
        channels=_channels(world),
    )
    schedule_changes.add(core, ScheduleSettings("nightly", "0 2 * * *", "photos", "."))
    schedule_changes.run(core, "nightly")
    with serving(core) as where:
        yield where
    world.close()


def _channels(world: World) -> tuple[ChannelSettings, ...]:
    """A channel that cannot be reached, one that is broken, and one that is off."""
    url, on = "json://127.0.0.1:9", tuple(NoticeKind)
    with world.store.write() as db:
        notices.note_test(db, "a", title=LONG, problem=LONG, now=datetime.now(UTC))
    broken = ChannelSettings("b", "", problem=f"NOTIFY_B_ON: {LONG} is no kind of notice.")
    return (ChannelSettings("a", url, on), broken, ChannelSettings("c", url, enabled=False))


def _spend(world: World) -> None:
    """Let an engine be paid for, have stopped, and be asked for a forecast."""
    cloud = ColourEngine("cloud", "cloud-1", local=False, units=1, cost_usd=0.02)
    world.engines = [world.engine, cloud, FaceEngine()]
    world.terms["cloud"] = {"limits": Limits(60, 0.5), "only_uncertain": True, "order": 200}
    core = world.core
    world.run(scans.start(core, Request("photos", mode="forecast", forecast_of="force")))
    ledger = calls.of_items(core, core.engine("cloud"))
    for number in range(55):
        call = ledger.reserve("1", host=f"{LONG}.test", size_bytes=9, units=1, cost_usd=0.005)
        if number % 3:
            call.settle(units=1, cost_usd=0.005)
    calls.run_context(core, "who").calls.reserve(f"/{LONG}.jpg", host="who.test", size_bytes=9)
    events.record(core, "error", "backup", f"{LONG} is full.")
    with world.store.write() as db:
        scan_requests.want(db, Wanted("photos", LONG), reason=LONG)
        engine_state.stop(db, "cloud", f"{LONG} cannot be reached.", datetime.now(UTC))
        engine_state.put_state(db, "cloud", NOTICE, f"{LONG} says that all is well.")


@pytest.mark.parametrize(
    ("width", "schemes"), [(1280, ("light", "dark")), (360, ("dark", "light"))]
)
def test_no_page_is_broken(
    visit: Visits, address: str, width: int, schemes: tuple[Scheme, Scheme]
) -> None:
    visitor = visit(address, width=width)
    visitor.open("/sign-in")
    assert visitor.overflow_px() == 0
    visitor.sign_in()
    for path in PAGES:
        visitor.show(schemes[0])
        visitor.open(path)
        assert visitor.overflow_px() == 0, path
        assert width > 360 or visitor.too_small() == [], path
        # What a scheme changes, it changes in a page that is open too.
        visitor.show(schemes[1])
        assert visitor.overflow_px() == 0, path
        assert visitor.shifted() < 0.05, path
    assert visitor.troubles == []


@pytest.mark.parametrize("width", [1280, 360])
def test_an_error_is_a_page_with_a_way_back(visit: Visits, address: str, width: int) -> None:
    visitor = visit(address, width=width)
    visitor.sign_in()
    visitor.page.goto(f"{address}/scans/99")
    assert visitor.overflow_px() == 0
    visitor.page.get_by_role("button", name="Go home").click()
    assert visitor.page.url == f"{address}/"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_newcomer_sees_what_to_set(visit: Visits, world: World, width: int) -> None:
    with serving(replace(world.core, libraries=()), base_path="/tiger") as where:
        visitor = visit(where, width=width)
        visitor.sign_in()
        visitor.open("/")
        assert visitor.page.get_by_text("LIBRARY_PHOTOS_PATH").is_visible()
        assert (visitor.overflow_px(), visitor.troubles) == (0, [])
