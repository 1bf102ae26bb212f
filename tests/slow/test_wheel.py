"""What is in the wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_carries_the_migrations_and_the_data_along(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    files = set(zipfile.ZipFile(wheel).namelist())
    steps = {path.name for path in (CHECKOUT / "alembic" / "versions").glob("*.py")}
    assert steps
    assert {f"tigertag/store/migrations/versions/{name}" for name in steps} <= files
    assert "tigertag/store/migrations/env.py" in files
    assert "tigertag/data/concepts.json" in files
    assert "tigertag/engines/openai/prices.yaml" in files
    assert "tigertag/genres/genres.yaml" in files
    assert not any("__pycache__" in name for name in files)
