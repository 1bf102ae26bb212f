"""A PostgreSQL server of one's own, started from the programs on this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

from sqlalchemy import URL

_ACCOUNT = "postgres"


@contextmanager
def private_postgres(folder: Path, *, port: int = 0, fsync: bool = False) -> Iterator[str]:
    """Run a server in a folder of its own; yield the URL of its database.

    With a `port` it listens there too, on 127.0.0.1, and the URL names that.
    """
    found = programs()
    assert found is not None, "PostgreSQL is not installed here"
    folder.mkdir()
    # Its account has to come by.
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    try:
        url = start(found, folder, port=port, fsync=fsync)
        yield url.render_as_string(hide_password=False)
    finally:
        stop(found, folder)


def programs() -> Path | None:
    """The folder of initdb and pg_ctl: on the path, or Debian's newest."""
    onpath = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = [Path(onpath)] if onpath else debian
    return found[-1].parent if found else None


def start(found: Path, folder: Path, *, port: int = 0, fsync: bool = False) -> URL:
    """Start the server, unless another worker has; it listens at a socket in its own folder."""
    with (folder / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not (folder / "data").exists():
            if os.geteuid() == 0:
                shutil.chown(folder, _ACCOUNT)
            _run(found / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N")
        if not (folder / "data" / "postmaster.pid").exists():
            address = f"-c listen_addresses={'127.0.0.1' if port else ''} -c port={port or 5432}"
            where = f"{address} -c unix_socket_directories={folder}"
            how = f"-c fsync={'on' if fsync else 'off'} -c max_connections=300"
            _server(found, folder, "start", "-w", "-o", f"{where} {how}")
    url = URL.create("postgresql+psycopg", "postgres", database="postgres")
    if port:
        return url.set(host="127.0.0.1", port=port)
    return url.update_query_dict({"host": str(folder)})


def stop(found: Path, folder: Path) -> None:
    """Stop the server at once, as a crash would, if it runs; `start` starts it again."""
    if (folder / "data" / "postmaster.pid").exists():
        _server(found, folder, "stop", "-m", "immediate")


def restart(folder: Path, *, port: int = 0, fsync: bool = False) -> None:
    """Restart a `private_postgres`, as after a crash, with what it was started with."""
    found = programs()
    assert found is not None, "PostgreSQL is not installed here"
    stop(found, folder)
    start(found, folder, port=port, fsync=fsync)


def _server(found: Path, folder: Path, *what: str) -> None:
    _run(found / "pg_ctl", "-D", folder / "data", "-l", folder / "log", *what)


def _run(*command: str | Path) -> None:
    """Run one of PostgreSQL's programs; they refuse to run as root, so its account does."""
    drop = ("setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups")
    line = [*(drop if os.geteuid() == 0 else ()), *map(str, command)]
    done = subprocess.run(line, capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
