"""Years of scans of a library in which nothing is new: the database stays as large as it was."""

from pathlib import Path

import pytest

from bench import history

pytestmark = pytest.mark.slow


def test_a_database_does_not_grow_by_scans_that_find_nothing_new(tmp_path: Path) -> None:
    figures = history.measure(tmp_path, 6 * history.CYCLE + 1)
    assert figures["rows_more"] <= 0
    assert figures["bytes_late"] <= 1.1 * figures["bytes_early"]
    assert figures["old_undo_refused"]
    assert figures["young_undo_works"]
