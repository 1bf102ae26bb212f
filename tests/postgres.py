"""PostgreSQL for the tests: the one that is named, or a private one that is thrown away.

`TIGERTAG_TEST_POSTGRES` names a server (a URL of a user who may create databases). Otherwise one
is started from the programs on this machine, once for all of xdist's workers, when the first test
asks for it. Where there is none its tests are left out, loudly; with CI=true they fail.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import URL, make_url

from tests.absent import IS_ABSENT, absent
from tests.private_postgres import programs, start, stop
from tests.sqlite import make_migrated
from tigertag.store import Store, migrate

NAMED = "TIGERTAG_TEST_POSTGRES"
_SERVER = pytest.StashKey[Path]()
_NAMED = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the server; xdist's workers are told it by the process that runs them."""
    told = getattr(config, "workerinput", None)
    folder = told["postgres"] if told else tempfile.mkdtemp(prefix="tigertag-postgres-")
    config.stash[_SERVER] = Path(folder)
    # Taken out of the environment: it is no setting of the program's.
    config.stash[_NAMED] = os.environ.pop(NAMED, "") if not told else told["named_postgres"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["postgres"] = str(node.config.stash[_SERVER])
    node.workerinput["named_postgres"] = node.config.stash[_NAMED]


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = config.stash[_SERVER]
        found = programs()
        if found is not None:
            stop(found, folder)
        shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.getreports("skipped")
    missed = [report for report in skipped if IS_ABSENT in str(report.longrepr)]
    if missed:
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        for name in ("PostgreSQL", "Redis", "RabbitMQ", "Chromium", "ExifTool"):
            count = sum(f"{name} {IS_ABSENT}" in str(report.longrepr) for report in missed)
            if count:
                line = f"{count} tests were left out: {name} {IS_ABSENT}."
                terminalreporter.line(line, red=True)


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> URL:
    """A server that new databases may be made on."""
    if named := pytestconfig.stash[_NAMED]:
        return make_url(named).set(drivername="postgresql+psycopg")
    found = programs()
    if found is None:
        absent("PostgreSQL")
    return start(found, pytestconfig.stash[_SERVER])


@pytest.fixture
def empty_postgres_url(postgres: URL) -> Iterator[str]:
    """A new and empty database."""
    with _database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres: URL) -> Iterator[str]:
    """The name of a database that is up to date: migrating one for each test takes seconds."""
    with _database(postgres) as url:
        store = Store(url)
        migrate.upgrade(store)
        store.close()
        yield str(make_url(url).database)


@pytest.fixture
def postgres_url(postgres: URL, migrated_postgres: str) -> Iterator[str]:
    """A new database that is up to date."""
    with _database(postgres, f"TEMPLATE {migrated_postgres}") as url:
        yield url


_KINDS = ("sqlite", pytest.param("postgres", marks=pytest.mark.slow))


@pytest.fixture(params=_KINDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new and empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tigertag.db"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture(params=_KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of each kind, up to date."""
    if request.param == "sqlite":
        return make_migrated(tmp_path / "tigertag.db")
    return str(request.getfixturevalue("postgres_url"))


@contextmanager
def _database(server: URL, like: str = "") -> Iterator[str]:
    name = f"tigertag_{uuid4().hex}"
    _sql(server, f"CREATE DATABASE {name} {like}")
    yield server.set(database=name).render_as_string(hide_password=False)
    _sql(server, f"DROP DATABASE {name} WITH (FORCE)")


def _sql(server: URL, statement: str) -> None:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())
