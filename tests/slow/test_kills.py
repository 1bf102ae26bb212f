"""Some kills here; `make bench` does many more."""

import pytest

from bench import immich_kills, kills, paid_kills, plex_kills, schedules


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_and_ask_nothing_twice() -> None:
    figures = kills.run(6, 60, seed=20261121)
    assert figures["kills"] == 6


@pytest.mark.slow
def test_kills_during_paid_scans_ask_for_no_committed_answer_again() -> None:
    figures = paid_kills.run(10, 200, seed=20261121)
    assert figures["paid_kills"] == 10
    assert figures["paid_twice"] <= figures["paid_doubt"]


@pytest.mark.slow
def test_a_service_killed_while_it_writes_to_plex_loses_no_tag_and_doubles_none() -> None:
    figures = plex_kills.run(3, 700, seed=20261121)
    assert figures["plex_kills_midway"] >= 2


@pytest.mark.slow
def test_a_service_killed_while_it_writes_to_immich_loses_no_tag_and_doubles_none() -> None:
    figures = immich_kills.run(2, 150, seed=20261129)
    assert figures["immich_kills_midway"] >= 1


@pytest.mark.slow
def test_schedules_of_services_that_are_killed_fire_each_time_once(database_url: str) -> None:
    figures = schedules.run(24, 2, seed=20261129, database_url=database_url)
    assert (figures["schedule_doubled"], figures["schedule_missed"]) == (0, 0)
    assert figures["schedule_kills"] == 2
