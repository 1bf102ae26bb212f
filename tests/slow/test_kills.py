"""Ten kills here; `make bench` does two hundred."""

import pytest

from bench import kills


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_and_ask_nothing_twice() -> None:
    figures = kills.run(10, 60, seed=20261121)
    assert figures["kills"] == 10
