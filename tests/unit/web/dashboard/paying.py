"""An engine that is paid for, in a world of its own."""

from tests.colours import ColourEngine
from tests.world import World
from tigertag.store.usage import Limits

UNLIMITED = Limits()


def paid(
    world: World, *, cost_usd: float | None = 0.02, limits: Limits = UNLIMITED
) -> ColourEngine:
    """Let the world have a free engine, and one that is paid for, and return that."""
    cloud = ColourEngine("cloud", "cloud-1", local=False, units=1, cost_usd=cost_usd)
    world.engines = [world.engine, cloud]
    world.terms["cloud"] = {"limits": limits}
    return cloud
