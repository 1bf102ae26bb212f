"""The plain Alembic commands, from a checkout, with only DB_URL set."""

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tigertag.store import Store, migrate

CHECKOUT = Path(__file__).parents[2]


def alembic(url: str, *arguments: str, cwd: Path = CHECKOUT) -> str:
    environment = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME")}
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=cwd,
        env=environment | {"DB_URL": url},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def revision(url: str) -> str | None:
    with closing(Store(url)) as store:
        return migrate.current(store)


@pytest.mark.slow
def test_up_down_and_up_again(empty_database_url: str) -> None:
    alembic(empty_database_url, "upgrade", "head")
    assert "(head)" in alembic(empty_database_url, "current")
    alembic(empty_database_url, "downgrade", "-1")
    alembic(empty_database_url, "upgrade", "head")
    alembic(empty_database_url, "downgrade", "base")
    assert revision(empty_database_url) is None


@pytest.mark.slow
def test_the_history_tells_what_each_revision_did(tmp_path: Path) -> None:
    said = alembic(f"sqlite:///{tmp_path}/x.db", "history", "--verbose")
    assert "items, answers, scans" in said


@pytest.mark.slow
def test_a_new_revision_starts_from_the_template(tmp_path: Path) -> None:
    for name in ("alembic", "tigertag"):
        shutil.copytree(CHECKOUT / name, tmp_path / name)
    shutil.copy(CHECKOUT / "alembic.ini", tmp_path)
    url = f"sqlite:///{tmp_path}/x.db"
    alembic(url, "upgrade", "head", cwd=tmp_path)
    alembic(url, "revision", "-m", "a new step", "--rev-id", "zz", cwd=tmp_path)
    alembic(url, "upgrade", "head", cwd=tmp_path)
    assert revision(url) == "zz"
