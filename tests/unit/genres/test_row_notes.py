"""What is said of rows that were left out."""

import logging

import pytest

from tigertag.genres.labelled import RowNotes


def left_out(*lines: int, reason: str = "It is gone.") -> RowNotes:
    notes = RowNotes()
    for line in lines:
        notes.left_out(line, reason, f"film {line}" if line else "a film")
    return notes


def test_nothing_is_said_of_nothing() -> None:
    assert RowNotes().lines() == []


def test_rows_of_one_reason_are_said_together_with_all_their_lines() -> None:
    assert left_out(9, 2, 3, 4, 5, 7).lines() == [
        "6 rows left out (line 2, film 2; line 3, film 3; line 4, film 4; and 3 more: lines 5, 7,"
        " 9): It is gone."
    ]
    assert left_out(2, 3, 4, 5).lines()[0].endswith("and 1 more: line 5): It is gone.")


def test_rows_of_no_file_have_no_lines() -> None:
    said = left_out(0, 0, 0, 0, 0).lines()
    assert said == ["5 rows left out (a film; a film; a film; and 2 more): It is gone."]


def test_of_lines_all_over_a_file_the_first_are_named() -> None:
    (said,) = left_out(*range(2, 2000, 2)).lines()
    assert said.endswith("28, 30 and others; LOG_LEVEL=DEBUG names each): It is gone.")
    assert len(said) < 250


def test_of_many_reasons_the_first_are_named() -> None:
    notes = RowNotes()
    for number in range(2, 32):
        notes.left_out(number, f"It is broken at {number}.")
    said = notes.lines()
    assert len(said) == 9
    assert said[-1] == "22 rows more, for 22 other reasons; LOG_LEVEL=DEBUG names each."


def test_each_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        left_out(3)
    assert caplog.messages == ["left out: line 3, film 3: It is gone."]
