"""What Imagga does wrong, and what becomes of it: of the answer, of the money, of the uploads."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tests.free_port import free_port
from tests.imagga import KEY, SECRET, ImaggaServer
from tests.unit.engines.engine_contract import photo
from tests.unit.engines.imagga.imaggas import Imaggas, photos
from tigertag.contracts import Failed, Labelled
from tigertag.engines.imagga import client
from tigertag.errors import AuthFailed, ModelError, TigerTagError, Unavailable
from tigertag.net import RetryPolicy, cancellable

pytestmark = pytest.mark.slow

SPENT, FREE, TOOK = None, (0, 0.0), (1, 0.0)
ALWAYS = float("inf")


@pytest.fixture
def opened(bench: Imaggas) -> Imaggas:
    return bench.open()


def label(bench: Imaggas) -> str:
    return f"Imagga at 127.0.0.1:{bench.imagga.port}"


@pytest.mark.parametrize("fault", [500, 502, 503, 504, "cut", "html", "dropped"])
def test_a_tagging_that_may_have_been_counted_is_spent_and_asked_again(
    opened: Imaggas, fault: int | str
) -> None:
    opened.imagga.fail("tags", fault)
    assert isinstance(opened.one(), Labelled)
    assert opened.settled == [SPENT, TOOK]


@pytest.mark.parametrize("fault", [500, 504, "cut", "html", "dropped", "malformed"])
def test_an_upload_that_did_not_come_to_a_tagging_costs_nothing(
    opened: Imaggas, fault: int | str
) -> None:
    opened.imagga.fail("uploads", fault)
    assert isinstance(opened.one(), Labelled)
    assert opened.settled == [FREE, TOOK]


def test_a_picture_that_is_there_is_not_sent_again(opened: Imaggas) -> None:
    opened.imagga.fail("tags", 504, times=2)
    opened.one()
    assert len(opened.imagga.asked("POST")) == 1
    assert [one.size_bytes > 0 for one in opened.calls.made] == [True, False, False]


def test_a_refused_request_is_sent_again_in_a_second_and_costs_nothing(
    opened: Imaggas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_TOO_MANY_WAIT_S", 0.01)
    opened.imagga.fail("tags", 429, times=2)
    assert isinstance(opened.one(), Labelled)
    assert opened.settled == [FREE, FREE, TOOK]


def test_it_waits_as_long_as_it_is_told_to(opened: Imaggas) -> None:
    opened.imagga.retry_after = "0"
    opened.imagga.fail("tags", 429, times=3)
    assert isinstance(opened.one(), Labelled)


def test_it_does_not_wait_for_hours_but_says_how_long(opened: Imaggas) -> None:
    opened.imagga.retry_after = "3600"
    opened.imagga.fail("tags", 503)
    with pytest.raises(Unavailable) as caught:
        opened.one()
    assert caught.value.retry_after_s == 3600


def test_after_its_patience_the_engine_cannot_go_on(opened: Imaggas) -> None:
    opened.imagga.fail("tags", 504, times=ALWAYS)
    with pytest.raises(Unavailable, match=r"^Imagga at \S+ answered 504; earlier results are kept"):
        opened.one()
    # The last one is about a plain picture: whether it answers for others.
    assert opened.settled == [SPENT] * 5


@pytest.mark.parametrize("fault", [500, 502, "dropped"])
def test_a_picture_that_it_fails_over_while_it_answers_for_another_fails_for_good(
    opened: Imaggas, fault: int | str
) -> None:
    opened.imagga.fail("tags", fault, times=4)
    outcome = opened.one()
    assert isinstance(outcome, Failed)
    assert not outcome.retryable


def test_an_answer_that_never_comes_is_not_waited_for(imagga: ImaggaServer) -> None:
    imagga.silence_s = 1.5
    bench = Imaggas(imagga, patience=RetryPolicy(read_s=1.0, attempts=2, first_wait_s=0.001))
    bench.open()
    imagga.fail("tags", "slow")
    assert isinstance(bench.one(), Labelled)
    assert bench.settled == [SPENT, TOOK]
    bench.close()


@pytest.mark.parametrize("status", [400, 406, 410, 413, 415, 422])
def test_a_refused_picture_fails_alone_and_for_good(opened: Imaggas, status: int) -> None:
    opened.imagga.says = "The image\nis too small."
    opened.imagga.fail("tags", status)
    reason = f"{label(opened)} refused the picture ({status}: The image is too small)."
    assert opened.one() == Failed("1", reason, retryable=False)
    assert opened.settled == [FREE, TOOK]


def test_it_costs_nothing_to_tell_whose_fault_a_refused_upload_is(opened: Imaggas) -> None:
    opened.imagga.fail("uploads", 415)
    assert isinstance(opened.one(), Failed)
    assert opened.settled == [FREE, FREE]
    assert opened.imagga.uploads == {}


def test_a_refused_upload_fails_alone_too(opened: Imaggas) -> None:
    opened.imagga.fail("uploads", 415)
    outcomes = opened.said(*photos(4))
    assert sum(isinstance(one, Failed) for one in outcomes.values()) == 1
    assert sum(isinstance(one, Labelled) for one in outcomes.values()) == 3


def test_a_refusal_need_not_be_json(opened: Imaggas) -> None:
    opened.imagga.speaks_json = False
    opened.imagga.fail("tags", 400)
    assert opened.one() == Failed(
        "1", f"{label(opened)} refused the picture (400).", retryable=False
    )


def test_a_malformed_answer_is_asked_for_once_more(opened: Imaggas) -> None:
    opened.imagga.fail("tags", "malformed")
    assert isinstance(opened.one(), Labelled)
    assert opened.settled == [TOOK, TOOK]


def test_two_malformed_answers_are_a_failure_of_the_item(opened: Imaggas) -> None:
    opened.imagga.fail("tags", "malformed", times=2)
    outcome = opened.one()
    assert isinstance(outcome, Failed)
    assert outcome.retryable
    assert opened.calls.units == 2


def test_malformed_answers_to_all_stop_the_engine(opened: Imaggas) -> None:
    opened.imagga.fail("tags", "malformed", times=ALWAYS)
    with pytest.raises(Unavailable, match="5 answers in a row that cannot be read"):
        opened.said(*photos(12))


def test_a_good_answer_starts_the_count_of_malformed_ones_anew(opened: Imaggas) -> None:
    for _round in range(3):
        opened.imagga.fail("tags", "malformed", times=2 * 4)
        assert {type(opened.said(photo())["1"]) for _one in range(4)} == {Failed}
        assert isinstance(opened.said(photo())["1"], Labelled)


def test_an_upload_that_got_lost_is_sent_anew(opened: Imaggas) -> None:
    opened.imagga.fail("tags", 404)
    assert isinstance(opened.one(), Labelled)
    assert len(opened.imagga.asked("POST")) == 2
    assert opened.settled == [FREE, TOOK]


def test_a_tagger_that_is_unknown_is_named(imagga: ImaggaServer) -> None:
    bench = Imaggas(imagga, tagger="general_v9").open()
    with pytest.raises(ModelError, match=r"no tagger 'general_v9'.*ENGINE_IM_TAGGER\."):
        bench.one()
    assert bench.calls.units == 0
    bench.close()


def test_a_wrong_address_is_named(imagga: ImaggaServer) -> None:
    bench = Imaggas(imagga, api_url=imagga.url + "/v3").open()
    with pytest.raises(Unavailable, match=r"answered 404: .*ENGINE_IM_API_URL\."):
        bench.one()
    bench.close()


def test_wrong_credentials_are_told_when_it_opens_and_not_shown(imagga: ImaggaServer) -> None:
    bench = Imaggas(imagga, api_secret="wr0ng")
    with pytest.raises(AuthFailed, match="ENGINE_IM_API_KEY and ENGINE_IM_API_SECRET") as caught:
        bench.open()
    assert "wr0ng" not in str(caught.value)
    assert KEY not in str(caught.value)
    bench.close()


def test_credentials_that_are_withdrawn_stop_it(opened: Imaggas) -> None:
    opened.imagga.secret = "another"
    with pytest.raises(AuthFailed):
        opened.one()
    assert opened.settled == [FREE]


def test_what_the_server_says_is_shown_without_the_secret(opened: Imaggas) -> None:
    opened.imagga.says = f"Not with {KEY}:{SECRET}"
    opened.imagga.fail("tags", 400)
    outcome = opened.one()
    assert isinstance(outcome, Failed)
    assert "400: Not with ***:***" in outcome.reason


def test_a_host_that_is_not_there_is_told_when_it_opens(imagga: ImaggaServer) -> None:
    bench = Imaggas(imagga, api_url=f"http://127.0.0.1:{free_port()}/v2")
    with pytest.raises(Unavailable, match="cannot be reached"):
        bench.open()
    bench.close()


def test_a_call_that_found_nobody_costs_nothing() -> None:
    with ImaggaServer() as imagga:
        bench = Imaggas(imagga).open()
    with pytest.raises(Unavailable, match="cannot be reached"):
        bench.said(photo())
    assert set(bench.settled) == {FREE}
    bench.close()


def test_it_is_not_led_to_another_host(opened: Imaggas) -> None:
    opened.imagga.fail("uploads", 307, times=ALWAYS)
    with pytest.raises(Unavailable, match=r"answered 307.*check ENGINE_IM_API_URL\."):
        opened.one()


@pytest.mark.parametrize(("fault", "times"), [(None, 0), (400, 1), ("malformed", 2)])
def test_every_upload_is_deleted(opened: Imaggas, fault: int | str | None, times: int) -> None:
    if fault is not None:
        opened.imagga.fail("tags", fault, times=times)
    opened.one()
    assert opened.imagga.uploads == {}


def test_uploads_are_deleted_where_the_engine_had_to_stop(opened: Imaggas) -> None:
    opened.imagga.fail("tags", 503, times=ALWAYS)
    with pytest.raises(Unavailable):
        opened.said(*photos(5))
    opened.engine.close()
    assert opened.imagga.uploads == {}


def test_a_delete_is_tried_again(opened: Imaggas) -> None:
    opened.imagga.fail("delete", 503)
    opened.said(photo())
    while opened.imagga.uploads:
        time.sleep(0.001)
    assert len(opened.imagga.asked("DELETE")) == 2


def test_a_delete_that_fails_loses_no_answer_and_is_logged(
    opened: Imaggas, caplog: pytest.LogCaptureFixture
) -> None:
    opened.imagga.fail("delete", 500, times=ALWAYS)
    assert opened.labelled().labels
    assert "could not be deleted" in caplog.text


def test_every_error_is_one_line(opened: Imaggas) -> None:
    for fault in (401, 403, 404, 418, 500, 599, "html", "cut", "dropped", "malformed"):
        opened.imagga.fail("tags", fault, times=ALWAYS)
        with pytest.raises(TigerTagError) as caught:
            opened.said(*photos(5))
        assert str(caught.value).endswith(".")
        assert "\n" not in str(caught.value)
        opened.imagga.mend()


def test_who_waits_until_another_has_opened_it_hears_that_it_is_cancelled(
    imagga: ImaggaServer,
) -> None:
    bench = Imaggas(imagga, patience=RetryPolicy(longest_wait_s=90))
    imagga.retry_after = "60"
    imagga.fail("usage", 503, times=ALWAYS)
    first, second = Event(), Event()

    def opened(stop: Event) -> None:
        with cancellable(stop.is_set):
            bench.open()

    with ThreadPoolExecutor(2) as pool:
        opening = pool.submit(opened, first)
        while not imagga.asked("GET /v2/usage"):
            time.sleep(0.01)
        waiting = pool.submit(opened, second)
        second.set()
        try:
            with pytest.raises(Unavailable):
                waiting.result(2)
            assert not opening.done()
        finally:
            first.set()
    bench.close()


def test_it_is_not_open_where_its_opening_was_cut_short(imagga: ImaggaServer) -> None:
    bench = Imaggas(imagga, patience=RetryPolicy(longest_wait_s=90))
    imagga.retry_after = "60"
    imagga.fail("usage", 503)
    with pytest.raises(Unavailable), cancellable(lambda: bool(imagga.asked("GET /v2/usage"))):
        bench.open()
    assert bench.open().engine.capabilities.max_concurrency == 8
    bench.close()
