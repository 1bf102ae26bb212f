import pytest

from tests.counted import CountedCalls
from tests.openai_server import LLAMA_CPP, LM_STUDIO, OLLAMA, VLLM, Habits, OpenAIServer
from tests.unit.engines.engine_contract import said
from tests.unit.engines.openai.visions import RED, Visions, labelled, plain, words
from tigertag.contracts import Labelled, RunContext
from tigertag.errors import EngineError

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("habits", "sure"), [(OLLAMA, 0.5), (LM_STUDIO, 0.9), (LLAMA_CPP, 0.9), (VLLM, 0.9)]
)
def test_servers_of_ones_own_are_understood(
    bench: Visions, openai: OpenAIServer, habits: Habits, sure: float
) -> None:
    openai.habits = habits
    engine = bench.opened(model="gpt-6-luna", api_key="" if not habits.checks_key else openai.key)
    assert words(labelled(engine, plain(colour=RED)))["red"] == sure


@pytest.mark.parametrize(
    ("habits", "refusals"),
    [
        (Habits(), 0),
        (Habits(schemas="refused"), 1),
        (Habits(schemas="refused", objects="refused"), 2),
        (Habits(limits=frozenset({"max_tokens"})), 1),
        (Habits(efforts=False), 1),
        (LM_STUDIO, 2),
        (VLLM, 2),
    ],
)
def test_what_is_refused_is_learnt_once_and_costs_nothing(
    bench: Visions, openai: OpenAIServer, habits: Habits, refusals: int
) -> None:
    openai.habits = habits
    engine, calls = bench.opened(model="gpt-6-luna"), CountedCalls()
    for name in ("1", "2"):
        said(engine, plain(name), run=RunContext(calls=calls))
    assert openai.counts["chat"] == refusals + 2
    assert [one.settled for one in calls.made].count((0, 0.0)) == refusals
    assert calls.units == 2


def test_what_was_learnt_is_forgotten_when_it_is_opened_anew(
    bench: Visions, openai: OpenAIServer
) -> None:
    openai.habits = Habits(schemas="refused")
    engine = bench.opened()
    labelled(engine)
    engine.close()
    engine.open()
    openai.habits = Habits()
    labelled(engine)
    assert b"json_schema" in bench.bodies[-1]


def test_many_at_once_learn_together(bench: Visions, openai: OpenAIServer) -> None:
    openai.habits = Habits(schemas="refused", objects="refused")
    engine = bench.opened()
    outcomes = said(engine, *[plain(str(number)) for number in range(16)])
    assert all(isinstance(one, Labelled) for one in outcomes.values())


def test_a_refusal_that_no_dialect_mends_ends_in_an_error(
    bench: Visions, openai: OpenAIServer
) -> None:
    openai.habits = Habits(limits=frozenset())
    with pytest.raises(EngineError, match="refuses the request"):
        labelled(bench.opened())
    assert openai.counts["chat"] == 3, "the last one asks about a plain picture"


def test_a_server_that_does_not_count_leaves_the_cost_unknown(
    bench: Visions, openai: OpenAIServer
) -> None:
    openai.habits = LM_STUDIO
    engine, calls = bench.opened(), CountedCalls()
    said(engine, plain(), run=RunContext(calls=calls))
    assert calls.made[-1].settled == (1, None)
