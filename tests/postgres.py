"""PostgreSQL for the tests: the one that is named, or a private one that is thrown away.

`TIGERTAG_TEST_POSTGRES` names a server (a URL of a user who may create databases). Otherwise one
is started from the programs on this machine, once for all of xdist's workers, when the first test
asks for it. Where there is none its tests are left out, loudly; with CI=true they fail.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import URL, make_url

NAMED = "TIGERTAG_TEST_POSTGRES"
ABSENT = "PostgreSQL is not installed here"
_SERVER = pytest.StashKey[Path]()
_NAMED = pytest.StashKey[str]()
_ACCOUNT = "postgres"


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
        if (folder / "data" / "postmaster.pid").exists():
            _server(_programs(), folder, "stop", "-m", "immediate")
        shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.getreports("skipped")
    missed = [report for report in skipped if ABSENT in str(report.longrepr)]
    if missed:
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(f"{len(missed)} tests were left out: {ABSENT}.", red=True)


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> URL:
    """A server that new databases may be made on."""
    if named := pytestconfig.stash[_NAMED]:
        return make_url(named).set(drivername="postgresql+psycopg")
    programs = _programs()
    if programs is not None:
        return _started(programs, pytestconfig.stash[_SERVER])
    if os.environ.get("CI", "").casefold() in ("true", "1"):
        pytest.fail(f"{ABSENT}, and CI leaves nothing out.")
    pytest.skip(ABSENT)


@pytest.fixture
def postgres_url(postgres: URL) -> Iterator[str]:
    """A new and empty database."""
    name = f"tigertag_{uuid4().hex}"
    _sql(postgres, f"CREATE DATABASE {name}")
    yield postgres.set(database=name).render_as_string(hide_password=False)
    _sql(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new and empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tigertag.db"
    return str(request.getfixturevalue("postgres_url"))


def _sql(server: URL, statement: str) -> None:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


def _programs() -> Path | None:
    """The folder of initdb and pg_ctl: on the path, or Debian's newest."""
    onpath = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = [Path(onpath)] if onpath else debian
    return found[-1].parent if found else None


def _started(programs: Path, folder: Path) -> URL:
    """Start the server, unless another worker has; it listens at a socket in its own folder."""
    with (folder / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not (folder / "data" / "postmaster.pid").exists():
            if os.geteuid() == 0:
                shutil.chown(folder, _ACCOUNT)
            _run(programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N")
            asked = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
            _server(programs, folder, "start", "-w", "-o", f"{asked} -c max_connections=300")
    return URL.create("postgresql+psycopg", "postgres", database="postgres").update_query_dict(
        {"host": str(folder)}
    )


def _server(programs: Path | None, folder: Path, *what: str) -> None:
    assert programs is not None
    _run(programs / "pg_ctl", "-D", folder / "data", "-l", folder / "log", *what)


def _run(*command: str | Path) -> None:
    """Run one of PostgreSQL's programs; they refuse to run as root, so its account does."""
    drop = ("setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups")
    line = [*(drop if os.geteuid() == 0 else ()), *map(str, command)]
    done = subprocess.run(line, capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
