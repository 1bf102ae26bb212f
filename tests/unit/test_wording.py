"""Amounts and counts in words."""

import pytest

from tigertag.wording import count, usd


@pytest.mark.parametrize(
    ("cost_usd", "shown"),
    [
        (None, "not known"),
        (0.0, "$0.00"),
        (0.0004, "under $0.01"),
        (0.35, "$0.35"),
        (1234.5, "$1,234.50"),
    ],
)
def test_what_is_little_or_not_known_is_not_called_nothing(
    cost_usd: float | None, shown: str
) -> None:
    assert usd(cost_usd) == shown


def test_one_is_not_many() -> None:
    assert [count(number, "call") for number in (0, 1, 2)] == ["0 calls", "1 call", "2 calls"]
