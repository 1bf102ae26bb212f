"""Suggestions, amounts and counts in words."""

import pytest

from tigertag.text import count, did_you_mean, typing_errors, usd


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


@pytest.mark.parametrize(
    ("given", "meant", "errors"),
    [
        ("model", "model", 0),
        ("modle", "model", 1),
        ("modle", "mode", 1),
        ("sektion", "section", 1),
        ("woh", "who", 1),
        ("", "abc", 3),
        ("ca", "abc", 3),
        ("kitten", "sitting", 3),
    ],
)
def test_transposed_letters_are_one_error(given: str, meant: str, errors: int) -> None:
    assert (typing_errors(given, meant), typing_errors(meant, given)) == (errors, errors)


def test_the_name_with_the_fewest_errors_is_meant() -> None:
    assert did_you_mean("LIMTIS", ["LIMIT", "LIMITS", "LIMES"]) == "; did you mean 'LIMITS'?"


@pytest.mark.parametrize("likely", ["MODE", "MODEL"])
def test_of_two_names_that_are_as_near_the_likely_one_is_meant(likely: str) -> None:
    assert (
        did_you_mean("MODLE", ["MODE", "MODEL"], likely=[likely]) == f"; did you mean {likely!r}?"
    )


def test_what_resembles_nothing_has_no_suggestion() -> None:
    assert did_you_mean("zzz", ["MODE", "MODEL"]) == "."
