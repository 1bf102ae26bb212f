import pytest

from tests.openai_server import OpenAIServer
from tests.unit.engines.engine_contract import EngineContract, said
from tests.unit.engines.openai.visions import Visions, plain
from tigertag.contracts import Checkable
from tigertag.errors import ModelError

pytestmark = pytest.mark.slow


class TestVision(EngineContract):
    """Over the fixture `bench`."""


def test_no_more_than_eight_calls_are_under_way_at_once(
    bench: Visions, openai: OpenAIServer
) -> None:
    engine = bench.opened()
    openai.latency_s, openai.allowed_at_once = 0.1, 8
    assert len(said(engine, *[plain(str(number)) for number in range(24)])) == 24
    assert openai.counts["chat"] == 24
    assert 4 <= openai.most_at_once <= 8


def test_the_check_says_what_was_found_and_spends_nothing(
    bench: Visions, openai: OpenAIServer
) -> None:
    engine = bench.now()
    assert isinstance(engine, Checkable)
    assert engine.check().endswith(
        "gpt-4.1-nano is there; $0.10/0.40 per million tokens (as of 2026-10-01), about $0.00017"
        " a picture."
    )
    assert not openai.counts["chat"]


def test_the_check_names_the_models_of_a_server_that_has_another(bench: Visions) -> None:
    engine = bench.now(model="llava")
    assert isinstance(engine, Checkable)
    with pytest.raises(ModelError, match="answers, but llava is not among its models: gpt-6"):
        engine.check()


def test_the_check_says_that_a_price_is_not_known(bench: Visions) -> None:
    engine = bench.now(model="unpriced")
    assert isinstance(engine, Checkable)
    assert engine.check().endswith("its price is not known (ENGINE_VISION_PRICES can tell it).")
