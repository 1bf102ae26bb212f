"""What `tigertag genre` shows, line by line."""

from typing import Any

import pytest

from tigertag.genres import report as reporting

KEYS = ("macro_ap", "micro_ap", "macro_auc", "ece", "macro_ece", "brier", "ap", "auc")


def row(value: float | None = 0.123) -> dict[str, Any]:
    ends = None if value is None else [0.012, 0.345]
    return {**dict.fromkeys(KEYS, value), "intervals": dict.fromkeys(KEYS, ends)}


def genre(films: int, value: float | None = 0.123) -> dict[str, Any]:
    return {**row(value), "films": films, "threshold": 0.5, "told": 1234, "right": 1023}


def told(genres: dict[str, dict[str, Any]], *, films: int = 2345) -> dict[str, Any]:
    return {
        **row(),
        "model": "default",
        "films": films,
        "per_genre": genres,
        "untested": [name for name, one in genres.items() if one["ap"] is None],
        "baselines": {"prevalence": row(), "random_forest": row()},
    }


def shown(capsys: pytest.CaptureFixture[str], *words: Any, **more: Any) -> list[str]:
    reporting.print_figures(told(*words, **more))
    return capsys.readouterr().out.splitlines()


def test_figures_are_whole_on_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, {"Documentary": genre(2345), "War": genre(1)})
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert [line.split()[-3:] for line in lines if line.startswith("Documentary")] == [
        ["1023", "of", "1234"]
    ]


def test_a_genre_that_all_films_bear_is_not_said_to_have_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(capsys, {"Drama": genre(40, None), "War": genre(0, None)}, films=40)
    assert lines[-2:] == [
        "Not tested, because no film has it: War.",
        "Not tested, because every film has it: Drama.",
    ]


def test_figures_of_few_films_are_not_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, {"War": genre(2)}, films=3)
    assert lines[-1] == "Only 3 films: these figures may be chance."
