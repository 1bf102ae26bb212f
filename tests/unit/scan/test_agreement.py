"""Why a worker is refused, and what it leaves behind then."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.cluster import Cluster
from tests.colours import ColourEngine
from tests.world import World
from tigertag.core import Core, EngineEntry
from tigertag.engines import classifier, detector, openai
from tigertag.genres import engine as genre
from tigertag.scan import agreement, context
from tigertag.store import engine_state, scans
from tigertag.store.scans import ScanRow


@pytest.fixture
def cluster(world: World, redis_url: str) -> Iterator[Cluster]:
    made = Cluster(world, redis_url)
    yield made
    made.close()


def agreed(world: World) -> ScanRow:
    scan_id = world.start()
    with world.store.write() as db:
        agreement.note(world.core, db, scans.get(db, scan_id))
        return scans.get(db, scan_id)


def with_entry(core: Core, **changes: object) -> Core:
    return replace(core, engines=(replace(core.engines[0], **changes),))  # type: ignore[arg-type]


def refusal(core: Core, scan: ScanRow) -> str:
    with core.store.write() as db:
        made = context.make(core, db, scan, core.unopened_library("photos"))
    return agreement.refusal(core, scan, made)


def test_a_worker_that_is_refused_leaves_no_engine_behind(cluster: Cluster, world: World) -> None:
    world.start()
    cluster.dispatcher.look()
    core = cluster.core("one")
    odd = EngineEntry("odd", "test", ColourEngine("odd"), "", 0.9, 3)
    cluster.worker("one", core=replace(core, engines=(*core.engines, odd))).look()
    with world.store.read() as db:
        assert engine_state.remembered_thresholds(db).keys() == {"colour"}


def test_why_an_engine_cannot_be_used_is_said_and_where_its_models_have_to_be(
    world: World,
) -> None:
    scan = agreed(world)
    problem = "There is no genre model 'default'."
    agrees_by = genre.Options.agrees_by
    reason = refusal(
        with_entry(world.core, engine=None, problem=problem, agrees_by=agrees_by), scan
    )
    assert reason.startswith(f"Engine colour cannot be used here: {problem}")
    assert f"copy the folder {world.host.models}/genres from the service's home" in reason


@pytest.mark.parametrize(
    ("agrees_by", "remedy"),
    [(openai.Options.agrees_by, "prompt"), ("", "the same files")],
)
def test_what_an_engine_depends_on_is_named_where_it_differs(
    world: World, agrees_by: str, remedy: str
) -> None:
    scan = agreed(world)
    other = ColourEngine(fingerprint="colour-2")
    reason = refusal(with_entry(world.core, engine=other, agrees_by=agrees_by), scan)
    assert "(colour-2) than at the service (colour-1)" in reason
    assert remedy in reason


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda"])
def test_an_answer_counts_whatever_hardware_it_comes_from(world: World, device: str) -> None:
    weights = world.home / "own.onnx"
    weights.write_bytes(b"weights")
    for module, given in (
        (classifier, {"model": "efficientnet-lite0"}),
        (detector, {"weights": weights}),
    ):
        same = module.build("same", module.Options.model_validate(given), world.host)
        options = module.Options.model_validate(given | {"device": device})
        assert module.build("one", options, world.host).fingerprint == same.fingerprint
