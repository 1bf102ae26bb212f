"""Some kills here; `make bench` does many more."""

import pytest

from bench import kills, paid_kills, plex_kills


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_and_ask_nothing_twice() -> None:
    figures = kills.run(10, 60, seed=20261121)
    assert figures["kills"] == 10


@pytest.mark.slow
def test_kills_during_paid_scans_ask_for_no_committed_answer_again() -> None:
    figures = paid_kills.run(20, 200, seed=20261121)
    assert figures["paid_kills"] == 20
    assert figures["paid_twice"] <= figures["paid_doubt"]


@pytest.mark.slow
def test_a_service_killed_while_it_writes_to_plex_loses_no_tag_and_doubles_none() -> None:
    figures = plex_kills.run(4, 1000, seed=20261121)
    assert figures["plex_kills_midway"] >= 2
