import pytest

from tests.counted import CountedCall, CountedCalls
from tests.free_port import free_port
from tests.openai_server import OpenAIServer
from tests.unit.engines.engine_contract import said
from tests.unit.engines.openai.visions import Visions, failed, labelled, plain
from tigertag.contracts import Failed, Labelled, RunContext
from tigertag.engines.http.errors import Fault
from tigertag.engines.openai import client, options
from tigertag.engines.openai.faults import redacted
from tigertag.errors import AuthFailed, EngineError, QuotaExhausted, Unavailable
from tigertag.model import Sample

pytestmark = pytest.mark.slow


@pytest.fixture
def as_openai(openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fake be OpenAI's own address."""
    monkeypatch.setattr(options, "OPENAI", openai.url)


def test_a_refused_key_is_an_error_at_open_that_shows_no_part_of_it(
    bench: Visions, caplog: pytest.LogCaptureFixture
) -> None:
    engine = bench.now(api_key="sk-wrongkey-9876543210fedcba")
    with pytest.raises(AuthFailed) as caught:
        engine.open()
    assert str(caught.value).endswith("refused the key; check ENGINE_VISION_API_KEY.")
    shown = f"{caught.value.__cause__} {caught.value.__context__} {caplog.text}"
    assert "fedc" not in shown
    assert "sk-wrong" not in shown


def test_a_model_that_openai_does_not_have_is_an_error_at_open(
    bench: Visions, as_openai: None
) -> None:
    with pytest.raises(EngineError, match=r"^OpenAI has no model 'gpt-9'; set ENGINE_VISION_MODEL"):
        bench.opened(model="gpt-9")


def test_a_key_that_may_not_look_at_models_may_be_used_all_the_same(
    bench: Visions, openai: OpenAIServer, as_openai: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_told: object) -> None:
        raise Fault("Missing scopes: api.model.read", status=403)

    monkeypatch.setattr(client.OpenAIClient, "has", refuse)
    assert labelled(bench.opened())


def test_a_model_that_is_not_there_is_an_error_when_asked(bench: Visions) -> None:
    engine = bench.opened(model="llava")
    with pytest.raises(EngineError, match=r"has no model 'llava'; set ENGINE_VISION_MODEL\.$"):
        said(engine, plain())


def test_an_address_where_nothing_is_says_so(bench: Visions, openai: OpenAIServer) -> None:
    engine = bench.opened(base_url=openai.url.replace("/v1", "/v2"))
    with pytest.raises(
        EngineError, match=r"check ENGINE_VISION_BASE_URL, which mostly ends in /v1"
    ):
        said(engine, plain())


def test_a_host_that_is_not_there_is_unavailable_at_open(bench: Visions) -> None:
    engine = bench.now(base_url=f"http://127.0.0.1:{free_port()}/v1")
    with pytest.raises(Unavailable, match=r"cannot be reached \(Connection refused\)"):
        engine.open()


def test_a_credit_that_is_used_up_is_no_matter_of_trying_again(
    bench: Visions, openai: OpenAIServer
) -> None:
    engine, calls = bench.opened(), CountedCalls()
    openai.fail("chat", "quota")
    with pytest.raises(QuotaExhausted, match="credit is used up") as caught:
        said(engine, plain(), run=RunContext(calls=calls))
    assert caught.value.resets_at is None
    assert settled(calls) == [(0, 0.0)]
    assert openai.counts["chat"] == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_what_passes_is_tried_again_each_time_with_a_reservation(
    bench: Visions, openai: OpenAIServer, status: int
) -> None:
    engine, calls = bench.opened(), CountedCalls()
    openai.fail("chat", status, times=2)
    (outcome,) = said(engine, plain(), run=RunContext(calls=calls)).values()
    assert isinstance(outcome, Labelled)
    assert len(calls.made) == 3


@pytest.mark.parametrize(
    ("fault", "first"),
    [(429, (0, 0.0)), (503, None), ("lost", None), ("cut", None), ("dropped", None)],
)
def test_only_what_is_certain_not_to_count_is_given_back(
    bench: Visions, openai: OpenAIServer, fault: int | str, first: tuple[int, float] | None
) -> None:
    engine, calls = bench.opened(), CountedCalls()
    openai.fail("chat", fault)
    said(engine, plain(), run=RunContext(calls=calls))
    assert [one.settled for one in calls.made][:1] == [first]
    assert calls.made[1].settled is not None


def test_a_connection_that_was_refused_is_given_back(bench: Visions, openai: OpenAIServer) -> None:
    engine, calls = bench.opened(), CountedCalls()
    openai.__exit__(None, None, None)
    with pytest.raises(Unavailable):
        said(engine, plain(), run=RunContext(calls=calls))
    last: CountedCall = calls.made[-1]
    assert last.settled == (0, 0.0)


def test_an_answer_that_comes_too_late_stays_in_doubt(
    bench: Visions, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "READ_S", 0.1)
    engine, calls = bench.opened(), CountedCalls()
    openai.silence_s = 0.3
    openai.fail("chat", "slow")
    said(engine, plain(), run=RunContext(calls=calls))
    assert calls.made[0].settled is None


def test_a_long_time_that_is_asked_for_is_passed_on(bench: Visions, openai: OpenAIServer) -> None:
    engine = bench.opened()
    openai.retry_after = "360"
    openai.fail("chat", 429)
    with pytest.raises(Unavailable) as caught:
        said(engine, plain())
    assert caught.value.retry_after_s == 360
    assert openai.counts["chat"] == 1


def test_a_key_that_is_refused_in_the_middle_stops_the_engine(
    bench: Visions, openai: OpenAIServer
) -> None:
    engine, calls = bench.opened(), CountedCalls()
    openai.fail("chat", 401, times=100)
    with pytest.raises(AuthFailed):
        said(engine, plain(), run=RunContext(calls=calls))
    assert settled(calls) == [(0, 0.0)]


def test_a_country_that_is_not_served_is_named(bench: Visions, openai: OpenAIServer) -> None:
    engine = bench.opened()
    openai.fail("chat", 403)
    with pytest.raises(AuthFailed, match=r"does not allow this .*territory not supported"):
        said(engine, plain())


def test_a_redirection_is_not_followed(bench: Visions, openai: OpenAIServer) -> None:
    engine, calls = bench.opened(), CountedCalls()
    openai.fail("chat", 307)
    with pytest.raises(EngineError, match="redirects"):
        said(engine, plain(), run=RunContext(calls=calls))
    assert settled(calls) == [(0, 0.0)]


@pytest.mark.parametrize("kind", ["html", "empty"])
def test_what_is_no_answer_fails_and_counts_as_spent(
    bench: Visions, openai: OpenAIServer, kind: str
) -> None:
    engine, calls = bench.opened(), CountedCalls()
    openai.fail("chat", kind)
    assert failed(engine, calls).retryable
    assert settled(calls) == [(1, None)]


def test_a_picture_that_is_refused_fails_alone(bench: Visions, openai: OpenAIServer) -> None:
    engine, calls = bench.opened(), CountedCalls()
    bench_says(openai, "Invalid image.", code="image_parse_error")
    outcomes = said(engine, plain("1"), plain("2"), run=RunContext(calls=calls))
    refused = [one for one in outcomes.values() if isinstance(one, Failed)]
    assert [one.retryable for one in refused] == [False]
    assert sorted(settled(calls), key=str)[0] == (0, 0.0)


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (400, "content_filter", "The response was filtered due to Azure's content policy."),
        (400, "ResponsibleAIPolicyViolation", "Filtered."),
        (403, None, "Your input was flagged: this model requires moderation."),
        (400, "context_length_exceeded", "This model's maximum context length is 4096 tokens."),
        (400, "exceed_context_size_error", "request exceeds the available context size"),
        (400, None, "'max_completion_tokens' is too large: its maximum context length is 4096"),
        (400, None, "The decoder prompt is longer than the maximum model length of 4096."),
        (500, None, "input exceeds maximum context length"),
        (500, None, "GGML_ASSERT(x) failed"),
        (500, None, "height:18 or width:400 must be larger than factor:28"),
        (500, None, "failed to decode image"),
        (413, None, "Request Entity Too Large"),
        (415, None, "Unsupported Media Type"),
        (422, None, "absolute aspect ratio must be smaller than 200"),
    ],
)
def test_a_lasting_refusal_of_one_picture_is_asked_once_and_fails_it_alone(
    bench: Visions, openai: OpenAIServer, status: int, code: str | None, says: str
) -> None:
    engine = bench.opened()
    labelled(engine)
    before = openai.counts["chat"]
    bench_says(openai, says, code=code, status=status)
    outcome = failed(engine)
    assert not outcome.retryable
    assert says.rstrip(".") in outcome.reason
    # The other one is of a plain picture.
    assert openai.counts["chat"] == before + 2
    assert labelled(engine)


def test_of_a_first_refusal_a_plain_picture_tells_whose_it_is(
    bench: Visions, openai: OpenAIServer
) -> None:
    engine, calls = bench.opened(), CountedCalls()
    bench_says(openai, "filtered", code="content_filter")
    assert not failed(engine, calls).retryable
    assert [one.settled is None for one in calls.made] == [False, False]


def test_what_refuses_all_is_said_once_and_asks_no_more(
    bench: Visions, openai: OpenAIServer
) -> None:
    engine = bench.opened()
    bench_says(openai, "image input is not supported: provide the mmproj", status=500, times=99)
    with pytest.raises(EngineError, match="mmproj") as caught:
        said(engine, *[plain(str(number)) for number in range(100)])
    assert not isinstance(caught.value, Unavailable)
    assert openai.counts["chat"] < 30
    asked = openai.counts["chat"]
    with pytest.raises(EngineError):
        said(engine, plain())
    assert openai.counts["chat"] == asked + 2


def test_what_refuses_all_after_it_had_answered_is_noticed(
    bench: Visions, openai: OpenAIServer
) -> None:
    engine = bench.opened()
    labelled(engine)
    bench_says(openai, "this model does not support image input", times=99)
    with pytest.raises(EngineError):
        said(engine, *[plain(str(number)) for number in range(100)])
    assert openai.counts["chat"] < 30


@pytest.mark.parametrize("fault", [500, "dropped"])
def test_a_picture_over_which_a_server_falls_fails_alone_after_some_tries(
    bench: Visions, openai: OpenAIServer, fault: int | str
) -> None:
    engine = bench.opened()
    openai.fail("chat", fault, times=4)
    outcome = failed(engine)
    assert "each time" in outcome.reason
    assert not outcome.retryable
    assert openai.counts["chat"] == 5


def test_a_server_that_fails_over_everything_is_unavailable(
    bench: Visions, openai: OpenAIServer
) -> None:
    engine = bench.opened()
    openai.fail("chat", 500, times=99)
    with pytest.raises(Unavailable):
        said(engine, plain())
    assert openai.counts["chat"] == 5


@pytest.mark.parametrize(
    "says", ["this model does not support image input", "messages[1].content must be a string"]
)
def test_a_model_without_eyes_stops_the_engine(
    bench: Visions, openai: OpenAIServer, says: str
) -> None:
    engine = bench.opened()
    bench_says(openai, says, times=2)
    with pytest.raises(EngineError, match=r"refuses the request .*check ENGINE_VISION_MODEL"):
        said(engine, plain())


def test_a_bug_of_one_sample_leaves_the_others(
    bench: Visions, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Sample("2", plain().media, (object(),))  # type: ignore[arg-type]
    outcomes = said(bench.opened(), plain("1"), broken)
    assert isinstance(outcomes["1"], Labelled)
    assert isinstance(outcomes["2"], Failed)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Incorrect API key provided: sk-proj-****abcd.", "Incorrect API key provided: ***"),
        ("Bearer abc.def is wrong", "*** is wrong"),
        ("see data:image/jpeg;base64,AAAA/9+x here", "see … here"),
        (f"blob {'QUJD' * 50} end", "blob … end"),
        ("organization org-Abc123", "organization ***"),
        ("one\ntwo", "one two"),
        ("http://me:secret@host/ failed", "http://me:***@host/ failed"),
    ],
)
def test_what_a_server_says_is_shown_without_keys_and_pictures(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_a_key_of_another_kind_is_not_repeated_either(bench: Visions, openai: OpenAIServer) -> None:
    openai.key = "hunter2-of-a-gateway"
    engine = bench.opened(api_key=openai.key)
    bench_says(openai, f"The key {openai.key} has no access", times=2)
    with pytest.raises(EngineError) as caught:
        said(engine, plain())
    assert "The key *** has no access" in str(caught.value)


def test_the_log_has_neither_keys_nor_pictures(
    bench: Visions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    labelled(bench.opened())
    assert bench.openai.key not in caplog.text
    assert "base64" not in caplog.text


def test_a_web_page_is_not_repeated(bench: Visions, openai: OpenAIServer) -> None:
    engine = bench.opened()
    bench_says(openai, "<html><body>Bad Gateway</body></html>", times=2)
    with pytest.raises(EngineError, match="400: a web page"):
        said(engine, plain())


def test_what_a_server_says_is_cut() -> None:
    assert len(redacted("word " * 100)) == 200


def settled(calls: CountedCalls) -> list[tuple[int, float | None] | None]:
    return [one.settled for one in calls.made]


def bench_says(
    openai: OpenAIServer,
    message: str,
    *,
    code: str | None = None,
    status: int = 400,
    times: int = 1,
) -> None:
    """Let the next chats be refused; the second of a lasting refusal is about a plain picture."""
    for _time in range(times):
        openai.say(refuse=(status, message, code))
