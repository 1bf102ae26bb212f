"""Years of scans of a library in which nothing is new: the database stays as large as it was."""

from pathlib import Path

import pytest

from bench import history

pytestmark = pytest.mark.slow


def test_a_database_does_not_grow_by_scans_that_find_nothing_new(tmp_path: Path) -> None:
    figures = history.measure(tmp_path, 101, photos=20, cycle=20, keep_days=30)
    assert figures["history_rows_more"] <= 0
    assert figures["history_bytes_late"] <= 1.1 * figures["history_bytes_early"]
    assert figures["history_old_undo_refused"]
    assert figures["history_young_undo_works"]
