"""The account's monthly limit, and what is shown of it."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.imagga import ImaggaServer
from tests.unit.engines.engine_contract import photo
from tests.unit.engines.imagga.imaggas import Imaggas, photos
from tigertag.contracts import Checkable
from tigertag.engines.imagga import account
from tigertag.engines.imagga.account import AccountUsage
from tigertag.errors import AuthFailed, QuotaExhausted, Unavailable

pytestmark = pytest.mark.slow

ENDS = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)


def test_beyond_the_months_limit_it_goes_on_when_the_month_is_over(bench: Imaggas) -> None:
    bench.imagga.overrides = {"billing_period_end": ENDS.isoformat()}
    bench.open()
    bench.imagga.fail("tags", 403)
    with pytest.raises(QuotaExhausted, match="used up; earlier results are kept") as caught:
        bench.one()
    assert caught.value.resets_at == ENDS
    assert bench.settled == [(0, 0.0)]


def test_nothing_is_sent_where_nothing_is_left(imagga: ImaggaServer) -> None:
    imagga.monthly_limit, imagga.processed = 1000, 1000
    bench = Imaggas(imagga).open()
    with pytest.raises(QuotaExhausted, match=r"Imagga's 1000 calls of this month are used up"):
        bench.one()
    assert not imagga.asked("POST")
    assert not bench.calls.made
    bench.close()


def test_it_stops_where_the_limit_is_and_not_behind_it(imagga: ImaggaServer) -> None:
    imagga.monthly_limit, imagga.processed, imagga.concurrency = 1000, 997, 1
    bench = Imaggas(imagga).open()
    with pytest.raises(QuotaExhausted):
        bench.said(*photos(8))
    assert imagga.processed == 1000
    assert bench.calls.units == 3
    bench.close()


def test_a_new_month_is_noticed(imagga: ImaggaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "_FRESH_S", 0.0)
    imagga.monthly_limit, imagga.processed = 10, 10
    bench = Imaggas(imagga).open()
    imagga.processed = 0
    assert bench.labelled().labels
    bench.close()


@pytest.mark.parametrize("limit", [None, 0, -1, "unlimited"])
def test_an_account_without_a_limit_goes_on(imagga: ImaggaServer, limit: object) -> None:
    imagga.overrides = {"monthly_limit": limit, "monthly_processed": 5000}
    bench = Imaggas(imagga).open()
    assert bench.labelled().labels
    bench.close()


def test_an_end_that_is_over_tells_nothing(bench: Imaggas) -> None:
    bench.imagga.overrides = {"billing_period_end": "2020-01-01"}
    bench.open()
    bench.imagga.fail("tags", 403)
    with pytest.raises(QuotaExhausted, match="when the account's month is over") as caught:
        bench.one()
    assert caught.value.resets_at is None


def test_the_end_is_asked_for_where_it_is_not_known(bench: Imaggas) -> None:
    bench.imagga.overrides = {"billing_period_end": None}
    bench.open().said(photo())
    bench.imagga.overrides = {"billing_period_end": ENDS.isoformat()}
    bench.imagga.fail("tags", 403)
    with pytest.raises(QuotaExhausted, match=f"on {ENDS:%-d %B %Y at %H:%M} ") as caught:
        bench.one()
    assert caught.value.resets_at == ENDS


def test_a_limit_is_a_limit_also_where_the_usage_cannot_be_read(bench: Imaggas) -> None:
    bench.open()
    bench.imagga.fail("tags", 403)
    bench.imagga.fail("usage", 500)
    with pytest.raises(QuotaExhausted):
        bench.one()


def test_an_account_that_may_not_even_read_its_usage_waits(bench: Imaggas) -> None:
    bench.imagga.fail("usage", 403)
    with pytest.raises(QuotaExhausted):
        bench.open()


@pytest.mark.parametrize("fault", [500, 404, 400, "html", "malformed"])
def test_without_a_usage_it_goes_on_with_care(bench: Imaggas, fault: int | str) -> None:
    bench.imagga.fail("usage", fault, times=4)
    bench.open()
    assert bench.engine.capabilities.max_concurrency == 2
    assert bench.labelled().labels


@pytest.mark.parametrize("concurrency", [None, 7, {}, {"max": 0}, {"max": "many"}])
def test_it_is_careful_where_it_is_not_told_how_many_at_once(
    bench: Imaggas, concurrency: object
) -> None:
    bench.imagga.overrides = {"concurrency": concurrency}
    bench.open()
    assert bench.engine.capabilities.max_concurrency == 2


@pytest.mark.parametrize(
    "told",
    [
        "2026-12-01",
        "2026-12-01 00:00:00",
        "2026-12-01T00:00:00Z",
        "2026-12-01T02:00:00+02:00",
        1796083200,
        "1796083200",
        1796083200.0,
        1796083200000,
    ],
)
def test_the_end_of_the_month_may_be_told_in_many_ways(told: object) -> None:
    assert _end(told) == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "told", [None, "", "soon", True, 0, -5, "nan", 1e300, "9" * 400, [], {}, "2026-13-01"]
)
def test_an_end_that_cannot_be_read_is_not_known(told: object) -> None:
    assert _end(told) is None


@pytest.mark.parametrize("told", [{}, {"monthly_limit": [], "monthly_processed": -1}])
def test_a_usage_may_lack_everything(told: dict[str, object]) -> None:
    assert AccountUsage.model_validate(told) == AccountUsage()


def test_numbers_may_be_told_as_texts() -> None:
    told = {"monthly_limit": "1000", "monthly_processed": "7", "concurrency": {"max": "3"}}
    assert AccountUsage.model_validate(told) == AccountUsage(limit=1000, used=7, at_once=3)


def test_the_usage_is_shown_from_the_start(imagga: ImaggaServer) -> None:
    imagga.monthly_limit, imagga.processed = 1000, 412
    imagga.overrides = {"billing_period_end": "2026-12-01"}
    bench = Imaggas(imagga).open()
    assert bench.notice == "412 of 1000 calls used this month; renews on 2026-12-01"
    bench.close()


def test_own_calls_are_counted_until_the_usage_is_read_again(
    imagga: ImaggaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "READ_EVERY", 10)
    imagga.overrides = {"monthly_limit": 1000, "monthly_processed": 400}
    bench = Imaggas(imagga).open()
    bench.said(*photos(9))
    assert len(imagga.asked("GET /v2/usage")) == 1
    bench.one()
    assert len(imagga.asked("GET /v2/usage")) == 2
    bench.close()


def test_what_was_used_is_shown_at_the_end(imagga: ImaggaServer) -> None:
    bench = Imaggas(imagga).open()
    bench.said(*photos(3))
    bench.close()
    assert (bench.notice or "").startswith("3 of 1000000 calls used this month")


def test_a_check_says_what_it_found(imagga: ImaggaServer) -> None:
    imagga.monthly_limit, imagga.processed, imagga.concurrency = 1000, 412, 2
    imagga.overrides = {"billing_period_end": "2026-12-01"}
    bench = Imaggas(imagga)
    assert isinstance(bench.engine, Checkable)
    assert bench.engine.check() == (
        "Imagga: 412 of 1000 calls used this month, 2 at once; renews on 1 December 2026."
    )
    bench.close()


def test_a_check_says_where_little_is_told(imagga: ImaggaServer) -> None:
    imagga.overrides = dict.fromkeys(imagga.usage())
    bench = Imaggas(imagga)
    assert bench.engine.check() == "Imagga: the account reports no usage."
    imagga.overrides["monthly_processed"] = 3
    assert bench.engine.check() == "Imagga: 3 calls used this month, no limit reported."
    bench.close()


@pytest.mark.parametrize(("fault", "error"), [(401, AuthFailed), (500, Unavailable)])
def test_a_check_that_fails_says_why(bench: Imaggas, fault: int, error: type[Exception]) -> None:
    bench.imagga.fail("usage", fault, times=4)
    with pytest.raises(error):
        bench.engine.check()


def test_a_check_spends_nothing_and_sends_no_picture(bench: Imaggas) -> None:
    bench.engine.check()
    assert not bench.bodies
    assert not bench.imagga.taggings


def test_the_own_budget_stops_it_between_two_calls(bench: Imaggas) -> None:
    bench.open()
    bench.calls.limit = 3
    with pytest.raises(QuotaExhausted, match="The budget is used up"):
        bench.said(*photos(9))
    assert bench.imagga.processed == 3


def test_each_attempt_is_within_the_own_budget(bench: Imaggas) -> None:
    bench.open()
    bench.calls.limit = 2
    bench.imagga.fail("tags", 504, times=9)
    with pytest.raises(QuotaExhausted):
        bench.said(photo())
    assert len(bench.imagga.asked("GET /v2/tags")) == 2


def _end(told: object) -> datetime | None:
    return AccountUsage.model_validate({"billing_period_end": told}).ends
