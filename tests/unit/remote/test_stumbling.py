import pytest

from tigertag.remote.once import Passing
from tigertag.remote.stumbling import Stumbling


def fault(status: int | None = 500, retry_after_s: float | None = None) -> Passing:
    return Passing("No.", in_doubt=True, status=status, retry_after_s=retry_after_s)


def test_a_sample_is_alone_when_others_were_answered_meanwhile() -> None:
    stumbling = Stumbling()
    since = stumbling.answers
    assert not stumbling.is_alone("1", fault(), since=since)
    stumbling.answered("2")
    assert stumbling.is_alone("1", fault(), since=since)


def test_the_last_sample_is_given_up_after_some_rounds() -> None:
    stumbling = Stumbling()
    told = [stumbling.is_alone("1", fault(), since=0) for _round in range(3)]
    assert told == [False, False, True]


@pytest.mark.parametrize("exc", [fault(503), fault(None), fault(429), fault(500, 60.0)])
def test_a_service_that_is_down_or_busy_is_no_matter_of_the_sample(exc: Passing) -> None:
    stumbling = Stumbling()
    stumbling.answered("2")
    assert not any(stumbling.is_alone("1", exc, since=0) for _round in range(9))


def test_refusals_in_a_row_are_of_all_and_an_answer_ends_the_row() -> None:
    stumbling = Stumbling()
    assert [stumbling.refuses_all() for _one in range(4)] == [False] * 4
    stumbling.answered("1")
    assert [stumbling.refuses_all() for _one in range(5)] == [False] * 4 + [True]
