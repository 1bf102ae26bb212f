"""While the database is away nothing is taken for a bug, and nothing fails."""

import pytest

from tests.world import World
from tigertag.errors import StoreUnavailable

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("where", ["open", "red"])
def test_a_database_that_is_away_is_no_bug_of_the_engine_that_meets_it(
    world: World, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    world.picture("a.png", "red")
    world.engine.raises = {where: StoreUnavailable("It is restarted.")}
    scan_id = world.start("apply")
    with pytest.raises(StoreUnavailable):
        world.run(scan_id)
    assert [record for record in caplog.records if record.exc_info] == []
    world.engine.raises = {}
    status = world.run(scan_id)
    assert (status.scan.state, status.failed, world.tags("a.png")) == ("done", 0, {"red"})
