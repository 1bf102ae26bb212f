"""What a DeferredEngine must do, in front of the fake Batch API."""

import json
import resource
import time
from pathlib import Path

import numpy as np
import pytest

from tests.openai_server import OLLAMA, OpenAIServer
from tests.openai_server.refusals import Refused
from tests.unit.engines.openai.visions import Spooled, Visions, labelled, plain, prepared
from tigertag.contracts import (
    Checkable,
    DeferredEngine,
    Failed,
    Labelled,
    Outcome,
    Prepared,
    Progress,
)
from tigertag.engines.openai import batch as batches
from tigertag.errors import AuthFailed, EngineError, QuotaExhausted, RefusesAll, Unavailable
from tigertag.model import Frame, Media, Sample

pytestmark = pytest.mark.slow

TOKEN = "0123456789abcdef"


@pytest.fixture
def engine(bench: Visions) -> DeferredEngine:
    return bench.batch()


def collected(engine: DeferredEngine, batch: str) -> dict[str, Outcome]:
    found = list(engine.collect(batch))
    assert len({one.sample for one in found}) == len(found)
    return {one.sample: one.outcome for one in found if one.outcome is not None}


def test_a_batch_is_submitted_answered_collected_and_cleared(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 3), TOKEN)
    assert engine.poll(batch) == Progress("running", 0, 3)
    openai.finish(batch)
    assert engine.poll(batch) == Progress("ended", 3, 3)
    outcomes = collected(engine, batch)
    assert set(outcomes) == {"1", "2", "3"}
    assert all(isinstance(one, Labelled) for one in outcomes.values())
    engine.clear(batch, TOKEN)
    assert not openai.files


def test_a_line_says_whose_it_is_and_what_it_costs_at_most(engine: DeferredEngine) -> None:
    found = engine.prepare(plain("17"))
    assert isinstance(found, Prepared)
    told = json.loads(found.line)
    assert (found.line.count(b"\n"), found.line[-1:]) == (1, b"\n")
    assert (told["custom_id"], told["method"], told["url"]) == (
        "17",
        "POST",
        "/v1/chat/completions",
    )
    assert 0 < found.size_bytes < len(found.line)


def test_a_batch_answers_for_no_more_than_was_reserved(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    bound = engine.prepare(plain("1"))
    batch = engine.submit(spooled(engine, 1), TOKEN)
    openai.finish(batch)
    (one,) = engine.collect(batch)
    assert isinstance(bound, Prepared)
    assert one.cost_usd is not None
    assert 0 < one.cost_usd <= bound.cost_usd


def test_the_same_answer_costs_half_in_a_batch(
    bench: Visions, engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    openai.finish(batch)
    now = labelled(bench.opened()).cost_usd
    (one,) = engine.collect(batch)
    assert one.cost_usd == pytest.approx(now / 2)


def test_preparing_sends_nothing(engine: DeferredEngine, openai: OpenAIServer) -> None:
    before = openai.counts.total()
    prepared(engine, plain())
    assert openai.counts.total() == before


def test_a_sample_without_a_picture_is_not_prepared(engine: DeferredEngine) -> None:
    empty = Sample("1", Media.PHOTO, (Frame(np.zeros((0, 4, 3), np.uint8)),))
    found = engine.prepare(empty)
    assert isinstance(found, Failed)
    assert not found.retryable


def test_one_token_makes_one_batch(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    lines = spooled(engine, 1)
    assert engine.submit(lines, TOKEN) == engine.submit(lines, TOKEN)
    assert len(openai.batches) == 1
    assert engine.submit(lines, "another") != engine.find(TOKEN)


def test_a_token_that_nobody_used_finds_nothing(engine: DeferredEngine) -> None:
    assert engine.find(TOKEN) is None


def test_a_batch_is_found_again_among_many(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    lines = spooled(engine, 1)
    batch = engine.submit(lines, TOKEN)
    for number in range(250):
        openai.started(openai.batches[batch].file, {"tigertag": f"other {number}"})
    assert engine.find(TOKEN) == batch
    assert openai.counts["batches"] == 1 + 2 + 3


def test_what_is_older_than_a_month_is_not_looked_through(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    file, long_ago = openai.batches[batch].file, int(time.time() - batches.REMEMBERED_S - 60)
    openai.batches.clear()
    for number in range(250):
        openai.started(file, {"tigertag": f"other {number}"}).created = long_ago
    before = openai.counts["batches"]
    assert engine.find(TOKEN) is None
    assert openai.counts["batches"] == before + 1


@pytest.mark.parametrize("at", ["upload", "start", "batches", "files"])
@pytest.mark.parametrize("kind", ["lost", "dropped", "cut", 503, 429])
def test_whatever_is_lost_on_the_way_makes_one_batch_of_one_file(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled, at: str, kind: int | str
) -> None:
    openai.fail(at, kind)
    batch = engine.submit(spooled(engine, 2), TOKEN)
    assert list(openai.batches) == [batch]
    assert list(openai.files) == [openai.batches[batch].file]


def test_a_crash_between_upload_and_start_leaves_no_second_file(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    lines = spooled(engine, 2)
    openai.fail("start", 500, times=100)
    with pytest.raises(Unavailable):
        engine.submit(lines, TOKEN)
    assert engine.find(TOKEN) is None
    openai.mend()
    batch = engine.submit(lines, TOKEN)
    assert list(openai.files) == [openai.batches[batch].file]


def test_a_crash_after_the_start_finds_the_batch(
    bench: Visions, engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    lines = spooled(engine, 2)
    openai.fail("start", 500, times=100)
    with pytest.raises(Unavailable):
        engine.submit(lines, TOKEN)
    openai.mend()
    made = openai.started(next(iter(openai.files)), {"tigertag": TOKEN})
    again = bench.batch()
    assert again.find(TOKEN) == made.id == again.submit(lines, TOKEN)
    assert (len(openai.batches), len(openai.files)) == (1, 1)


def test_another_tokens_upload_is_left_alone(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    other = engine.submit(spooled(engine, 1), "other")
    batch = engine.submit(spooled(engine, 1), TOKEN)
    engine.clear(batch, TOKEN)
    assert list(openai.files) == [openai.batches[other].file]


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_what_finished_of_a_batch_that_ended_early_is_collected(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled, end: str
) -> None:
    batch = engine.submit(spooled(engine, 4), TOKEN)
    openai.finish(batch, share=0.5, end=end)
    assert engine.poll(batch) == Progress("ended", 2, 4)
    assert set(collected(engine, batch)) == {"1", "2"}


def test_a_batch_that_was_cancelled_when_it_had_finished_is_whole(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 2), TOKEN)
    engine.cancel(batch)
    assert engine.poll(batch).state == "running"
    openai.finish(batch, end="cancelled")
    assert engine.poll(batch) == Progress("ended", 2, 2)
    assert len(collected(engine, batch)) == 2


def test_cancelling_what_has_ended_or_is_gone_does_nothing(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    openai.finish(batch)
    engine.cancel(batch)
    engine.cancel("batch_none")
    assert engine.poll(batch).state == "ended"


def test_a_batch_that_completed_without_an_answer_tells_why(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 2), TOKEN)
    openai.say(refuse=(400, "The image cannot be read.", "image_parse_error"))
    openai.say(refuse=(500, "Internal error.", None))
    openai.finish(batch)
    assert openai.batches[batch].output is None
    outcomes = collected(engine, batch)
    assert outcomes["1"] == Failed(
        "1", "It was answered with 400: The image cannot be read.", retryable=False
    )
    assert outcomes["2"] == Failed("2", "It was answered with 500: Internal error.", retryable=True)


NO_PICTURES = (400, "Image input is not supported.", None)


def test_what_refuses_every_line_is_the_engines_fault(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 3), TOKEN)
    for _line in range(3):
        openai.say(refuse=NO_PICTURES)
    openai.finish(batch)
    with pytest.raises(RefusesAll, match="Image input is not supported"):
        collected(engine, batch)


def test_what_is_refused_beside_an_answer_fails_alone(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 3), TOKEN)
    for refuse in (NO_PICTURES, None, NO_PICTURES):
        openai.say(**({"refuse": refuse} if refuse else {}))
    openai.finish(batch)
    kinds = [type(collected(engine, batch)[name]) for name in ("1", "2", "3")]
    assert kinds == [Failed, Labelled, Failed]


def test_a_refusal_in_a_batch_has_its_cost(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    openai.say(content=None, refusal="No.")
    openai.finish(batch)
    (one,) = engine.collect(batch)
    assert isinstance(one.outcome, Failed)
    assert one.cost_usd is not None
    assert (one.units, one.cost_usd > 0) == (1, True)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (b"not json\n", "line 1: This line is not parseable as valid JSON."),
        (b"", "The file is empty."),
    ],
)
def test_a_file_that_is_refused_fails_as_a_whole(
    engine: DeferredEngine, tmp_path: Path, lines: bytes, says: str
) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_bytes(lines)
    progress = engine.poll(engine.submit(path, TOKEN))
    assert (progress.state, progress.again) == ("failed", False)
    assert progress.reason.endswith(f"refused the batch: {says}")


def test_a_photo_twice_in_a_batch_fails_it(engine: DeferredEngine, tmp_path: Path) -> None:
    path = tmp_path / "twice.jsonl"
    path.write_bytes(prepared(engine, plain("1"), plain("1")))
    assert "line 2: The custom_id" in engine.poll(engine.submit(path, TOKEN)).reason


@pytest.mark.parametrize("code", ["token_limit_exceeded", "rate_limit_exceeded"])
def test_a_queue_that_is_full_may_have_room_later(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled, code: str
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    openai.fail_batch(batch, code, "Enqueued token limit reached for gpt-6-luna in org-Abc123.")
    progress = engine.poll(batch)
    assert (progress.state, progress.again) == ("failed", True)
    assert progress.reason.endswith("Enqueued token limit reached for gpt-6-luna in ***.")
    assert collected(engine, batch) == {}


def test_a_batch_that_nobody_knows_is_gone(engine: DeferredEngine) -> None:
    assert engine.poll("batch_none").state == "gone"
    assert collected(engine, "batch_none") == {}


def test_a_proxy_that_knows_nothing_does_not_make_a_batch_gone(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    monkeypatch.setattr(Refused, "body", property(lambda _one: "<html>404</html>"))
    openai.fail("batch", 404)
    with pytest.raises(EngineError):
        engine.poll(batch)
    assert engine.poll(batch).state == "running"


def test_clearing_twice_and_without_a_batch_does_no_harm(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    openai.fail("start", 400)
    with pytest.raises(EngineError):
        engine.submit(spooled(engine, 1), TOKEN)
    assert len(openai.files) == 1
    engine.clear("", TOKEN)
    engine.clear("", TOKEN)
    engine.clear("batch_none", TOKEN)
    assert not openai.files


def test_a_file_that_was_deleted_meanwhile_is_as_good_as_cleared(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    openai.finish(batch)
    openai.forget(openai.batches[batch].file)
    openai.fail("delete", 503)
    engine.clear(batch, TOKEN)
    engine.clear(batch, TOKEN)
    assert not openai.files
    assert collected(engine, batch) == {}


def test_answers_that_are_cut_on_their_way_are_read_on(
    engine: DeferredEngine,
    openai: OpenAIServer,
    spooled: Spooled,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "LINES_AT_A_TIME", 2)
    batch = engine.submit(spooled(engine, 9), TOKEN)
    openai.finish(batch)
    openai.fail("content", "cut", times=2)
    openai.fail("content", 503)
    assert len(collected(engine, batch)) == 9


def test_lines_that_say_nothing_are_passed_over(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled, caplog: pytest.LogCaptureFixture
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    openai.finish(batch)
    output = openai.batches[batch].output
    assert output is not None
    path = openai.files[output].path
    good = path.read_bytes()
    path.write_bytes(b'not json\n[]\n{}\n{"custom_id": 7}\n\n' + good + good)
    assert set(collected(engine, batch)) == {"1"}
    assert len(caplog.records) == 4


@pytest.mark.parametrize(
    ("told", "outcomes"),
    [
        ({"response": None, "error": {"code": "batch_expired", "message": "late"}}, 0),
        ({"response": None, "error": {"code": "odd", "message": "Odd."}}, 1),
        ({"response": None, "error": None}, 1),
        ({"response": {"status_code": 200, "body": None}}, 1),
        ({"response": {"status_code": 500, "body": "x"}}, 1),
        ({"response": {}}, 1),
    ],
)
def test_lines_of_every_shape_are_understood(
    engine: DeferredEngine,
    openai: OpenAIServer,
    spooled: Spooled,
    told: dict[str, object],
    outcomes: int,
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    openai.finish(batch)
    output = openai.batches[batch].output
    assert output is not None
    openai.files[output].path.write_text(json.dumps({"custom_id": "1", **told}) + "\n")
    found = collected(engine, batch)
    assert len(found) == outcomes
    assert all(isinstance(one, Failed) for one in found.values())


def test_line_ends_within_a_text_are_no_line_ends(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    batch = engine.submit(spooled(engine, 1), TOKEN)
    openai.say(content='{"subjects": ["sea\u2028side", "dog"], "note": "\x85 \u2029"}')
    openai.finish(batch)
    assert isinstance(collected(engine, batch)["1"], Labelled)


def test_a_server_without_the_api_says_what_to_set(bench: Visions, openai: OpenAIServer) -> None:
    openai.habits = OLLAMA
    for _attempt in range(2):
        with pytest.raises(EngineError, match=r"has no Batch API; set ENGINE_VISION_MODE=now\.$"):
            bench.batch()


def test_a_key_that_is_refused_later_is_an_error_of_the_key(
    engine: DeferredEngine, openai: OpenAIServer
) -> None:
    openai.key = "sk-another"
    with pytest.raises(AuthFailed, match="refused the key; check ENGINE_VISION_API_KEY"):
        engine.poll("batch_1")


def test_a_credit_that_is_used_up_is_said(
    engine: DeferredEngine, openai: OpenAIServer, spooled: Spooled
) -> None:
    openai.fail("start", "quota")
    with pytest.raises(QuotaExhausted):
        engine.submit(spooled(engine, 1), TOKEN)


def test_opening_twice_asks_once(engine: DeferredEngine, openai: OpenAIServer) -> None:
    before = openai.counts.total()
    engine.open()
    assert openai.counts.total() == before


def test_the_check_tells_half_the_price(engine: DeferredEngine) -> None:
    assert isinstance(engine, Checkable)
    assert engine.check().endswith("about $0.000086 a picture.")


def test_asked_before_it_is_open_it_says_so(bench: Visions) -> None:
    engine = bench.built(mode="batch")
    with pytest.raises(EngineError, match="not open"):
        engine.poll("batch_1")  # type: ignore[union-attr]


def test_a_large_file_is_uploaded_without_being_read_as_a_whole(
    engine: DeferredEngine, openai: OpenAIServer, tmp_path: Path
) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        file.truncate(150_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engine.submit(path, TOKEN)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
