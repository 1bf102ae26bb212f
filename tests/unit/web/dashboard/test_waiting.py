"""What a scan waits for by itself is told on its page."""

from dataclasses import replace

import pytest

from tests.batched import BatchedEngine
from tests.colours import ColourEngine
from tests.unit.web.conftest import API_KEY, PASSWORD
from tests.unit.web.dashboard.member import Member
from tests.unit.web.dashboard.paying import paid
from tests.world import World
from tigertag.contracts import Progress
from tigertag.errors import AuthFailed, Unavailable
from tigertag.services import scans
from tigertag.settings import WebSettings
from tigertag.store.usage import Limits
from tigertag.web.app import create_app

pytestmark = pytest.mark.slow


def member_of(world: World) -> Member:
    return Member(create_app(world.core, WebSettings(PASSWORD, API_KEY), work=False))


@pytest.fixture(autouse=True)
def _pictures(world: World) -> None:
    for name, colour in (("rose.png", "red"), ("sea.png", "blue")):
        world.picture(name, colour)


def test_a_refused_key_is_one_line(world: World) -> None:
    paid(world).raises["open"] = AuthFailed("Its key was refused. Nothing was sent.")
    world.scan()
    member = member_of(world)
    assert "Its key was refused. Nothing was sent." in member.page("/scans/1")
    assert "The next scan tries it again." in member.page("/setup")


def test_the_next_month_is_waited_for(world: World) -> None:
    paid(world, limits=Limits(1, None))
    world.terms["cloud"]["waits_for_budget"] = True
    world.scan()
    member = member_of(world)
    page = member.page("/scans/1")
    assert "The scan continues automatically at" in page
    assert ">waiting</span>" in page
    assert "used up its 1 call of this month" in page
    assert ">waiting</span>" in member.page("/scans")
    assert "TigerTag tries it again at" in member.page("/setup")


def test_a_batch_says_how_many_it_has_answered(world: World) -> None:
    slow = BatchedEngine(states=[Progress("running")])
    world.engines = [world.engine, slow]
    core = replace(world.core, poll_s=600.0)
    scans.run(core, world.start()).run()
    page = member_of(world).page("/scans/1")
    assert "waiting for slow, 0 of 2 answered: sent " in page
    assert "The scan continues automatically. You can close this page." in page


def test_what_is_paused_does_not_go_on_by_itself(world: World) -> None:
    paid(world, limits=Limits(1, None))
    world.terms["cloud"]["waits_for_budget"] = True
    world.scan()
    scans.pause(world.core, 1)
    page = member_of(world).page("/scans/1")
    assert "The scan continues automatically" not in page
    assert ">paused</span>" in page


def test_a_scan_that_waits_for_an_engine_is_finished_without_it(world: World) -> None:
    world.engines.append(ColourEngine("down", local=False, raises={"red": Unavailable("down")}))
    world.picture("a.png", "red")
    scan_id = world.start()
    world.run(scan_id)
    member = member_of(world)
    assert "Finish without down" in member.page(f"/scans/{scan_id}")
    assert member.post(f"/scans/{scan_id}/finish-without", engine="down").status_code == 303
    assert world.run(scan_id).scan.state == "done"
