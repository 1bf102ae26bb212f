from pathlib import Path

import pytest

from tests.counted import CountedCalls
from tests.openai_server import OpenAIServer
from tests.unit.engines.engine_contract import photo, said
from tests.unit.engines.openai.visions import Visions, labelled, plain
from tigertag.contracts import RunContext
from tigertag.engines.openai import prices
from tigertag.engines.openai.answer import Completion
from tigertag.engines.openai.prices import TokenUsage
from tigertag.errors import EngineError
from tigertag.model import Media, Sample

pytestmark = pytest.mark.slow

LUNA = "gpt-6-luna"


def price(model: str) -> prices.Price:
    known = prices.find(model, None)
    assert known is not None
    return known


def used(prompt: int, completion: int, **details: int) -> TokenUsage:
    return TokenUsage.model_validate(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "prompt_tokens_details": details,
        }
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"prices\.yaml cannot be read \(No such file"),
        ("models: [", r"prices\.yaml, line 1 is no YAML"),
        ("models: {m: {input: 1}}", r"models\.m\.output: Field required"),
        ("models: {m: {input: -1, output: 1}}", r"models\.m\.input: .*greater than or equal to 0"),
        ("models: {m: {input: .nan, output: 1}}", r"models\.m\.input: .*finite"),
        ("[]", "the file: Input should be a valid dictionary"),
    ],
)
def test_a_table_that_cannot_be_used_is_an_error_at_open(
    bench: Visions, tmp_path: Path, content: str | None, says: str
) -> None:
    table = tmp_path / "prices.yaml"
    if content is not None:
        table.write_text(content, encoding="utf-8")
    engine = bench.now(prices=table)
    assert engine.capabilities.cost_usd is None
    with pytest.raises(EngineError, match=says):
        engine.open()


def test_a_model_without_a_price_is_of_unknown_cost_and_counts_still(
    bench: Visions, openai: OpenAIServer
) -> None:
    engine, calls = bench.opened(model="unpriced"), CountedCalls()
    assert (engine.capabilities.cost_usd, engine.capabilities.units_per_item) == (None, 1)
    said(engine, plain(), run=RunContext(calls=calls))
    assert calls.made[0].cost_usd == 0.0
    assert calls.made[0].settled == (1, None)


def test_a_price_of_ones_own_goes_before_the_shipped_one(bench: Visions, tmp_path: Path) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text("models: {gpt-4.1-nano: {input: 1000, output: 1000}}", encoding="utf-8")
    assert labelled(bench.opened(prices=table)).cost_usd > 0.1
    assert prices.find(LUNA, table) == prices.find(LUNA, None)


def test_a_model_that_costs_nothing_is_no_paid_one(bench: Visions, tmp_path: Path) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text("models: {unpriced: {input: 0, output: 0}}", encoding="utf-8")
    engine, calls = bench.opened(model="unpriced", prices=table), CountedCalls()
    assert (engine.capabilities.cost_usd, engine.capabilities.paid) == (0.0, False)
    said(engine, plain(), run=RunContext(calls=calls))
    assert [(one.units, one.settled) for one in calls.made] == [(0, (0, 0.0))]


@pytest.mark.parametrize("detail", ["low", "high"])
def test_a_video_is_told_to_cost_more_than_a_photo_and_less_than_is_reserved(
    bench: Visions, detail: str
) -> None:
    engine, calls = bench.opened(detail=detail), CountedCalls()
    frame = photo(width_px=1024, height_px=768).frames[0]
    said(engine, Sample("1", Media.VIDEO, (frame,) * 9), run=RunContext(calls=calls))
    able = engine.capabilities
    assert able.cost_usd is not None
    video_usd = able.cost_usd_of(Media.VIDEO)
    assert video_usd is not None
    assert able.cost_usd < video_usd < calls.made[0].cost_usd


def test_a_dated_snapshot_costs_what_its_model_costs() -> None:
    assert price("gpt-4o-mini-2024-07-18") == price("gpt-4o-mini")
    assert prices.find("gpt-4o-mini-audio", None) is None


def test_a_cost_comes_from_what_was_counted() -> None:
    usage = used(1_000_000, 100_000)
    assert price(LUNA).cost_usd(usage) == pytest.approx(0.10 + 0.05)


def test_cached_and_written_tokens_have_prices_of_their_own() -> None:
    usage = used(1_000_000, 0, cached_tokens=400_000, cache_write_tokens=200_000)
    assert price(LUNA).cost_usd(usage) == pytest.approx(0.04 + 0.004 + 0.025)


def test_without_a_price_for_cached_tokens_they_cost_what_others_do() -> None:
    plain_price = prices.Price(input=1, output=1)
    assert plain_price.cost_usd(used(1_000_000, 0, cached_tokens=500_000)) == pytest.approx(1)


@pytest.mark.parametrize(
    "counted",
    [None, {}, {"prompt_tokens": 0}, {"prompt_tokens": "x"}, {"prompt_tokens": 10**400}, []],
)
def test_usage_that_was_not_counted_is_none(counted: object) -> None:
    completion = Completion.parse({"choices": [], "usage": counted})
    assert completion is not None
    assert completion.usage is None


@pytest.mark.parametrize(
    ("model", "size_px", "low", "tokens"),
    [
        ("gpt-4o", (1024, 1024), True, 85),
        ("gpt-4o", (1024, 1024), False, 85 + 4 * 170),
        ("gpt-4o", (768, 1536), False, 85 + 6 * 170),
        ("gpt-4o", (384, 192), False, 85 + 6 * 170),
        ("gpt-4o-mini", (512, 384), True, 2833),
        ("gpt-4.1-mini", (1024, 1024), False, 1659),
        ("gpt-4.1-nano", (512, 512), True, 630),
        (LUNA, (1, 1), True, 2),
    ],
)
def test_a_picture_has_its_tokens(
    model: str, size_px: tuple[int, int], low: bool, tokens: int
) -> None:
    assert price(model).picture_tokens(*size_px, low=low) == tokens


@pytest.mark.parametrize("model", ["gpt-6-luna", "gpt-4.1-nano", "gpt-4o-mini"])
@pytest.mark.parametrize("detail", ["low", "high", "auto"])
@pytest.mark.parametrize(("width_px", "height_px"), [(1, 1), (640, 480), (3000, 20), (1200, 1600)])
def test_an_answer_never_costs_more_than_was_reserved(
    bench: Visions, model: str, detail: str, width_px: int, height_px: int
) -> None:
    engine, calls = bench.opened(model=model, detail=detail), CountedCalls()
    said(engine, photo(width_px=width_px, height_px=height_px), run=RunContext(calls=calls))
    (call,) = calls.made
    assert call.settled is not None
    assert call.settled[1] is not None
    assert 0 < call.settled[1] <= call.cost_usd


def test_an_answer_as_long_as_it_may_be_is_within_what_was_reserved(
    bench: Visions, openai: OpenAIServer
) -> None:
    openai.answer_tokens = 100_000
    engine, calls = bench.opened(), CountedCalls()
    said(engine, plain(), run=RunContext(calls=calls))
    (call,) = calls.made
    assert call.settled is not None
    assert call.settled[1] is not None
    assert call.settled[1] <= call.cost_usd


def test_a_batch_costs_half(bench: Visions) -> None:
    now, batch = bench.now().capabilities, bench.batch().capabilities
    assert now.cost_usd is not None
    assert batch.cost_usd == pytest.approx(now.cost_usd / 2)


def test_every_shipped_price_can_be_taken_for_a_photo() -> None:
    assert prices.shipped()[0] == LUNA
    assert all(0 < price(name).input < price(name).output for name in prices.shipped())


def test_text_is_rather_more_tokens_than_fewer() -> None:
    assert prices.text_tokens("word " * 100) > 100
    assert prices.text_tokens("猫" * 100) >= 100
