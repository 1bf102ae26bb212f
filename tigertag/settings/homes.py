"""Which TIGERTAG_HOME is used, whether it can be written, and which other may have been meant."""

import errno
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

from tigertag import logs
from tigertag.errors import SettingsError, os_reason
from tigertag.settings.model import DATABASE, Settings

_CHECKOUT = Path(__file__).parents[2]

_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


def check(home: Path) -> None:
    """Raise `SettingsError` where a home is there and cannot be written; change nothing in it."""
    try:
        if home.is_dir():
            TemporaryFile(dir=home).close()
            _check_files(home)
    except OSError as exc:
        # A full disk is a matter for whoever writes to it.
        if exc.errno in _NOT_WRITABLE:
            raise not_writable(home, exc) from exc


def _check_files(home: Path) -> None:
    """Look at the database's files and the locks: another user may have left them."""
    for path in (*home.glob(f"{DATABASE}*"), *home.glob("*.lock")):
        # Not by opening it: closing it would drop SQLite's own locks on the file (fcntl(2)).
        if path.suffix != ".bak" and path.is_file() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def not_writable(home: Path, exc: OSError) -> SettingsError:
    """The error for a home that cannot be written: who may not, whose it is, and what to do."""
    inside = exc.filename is not None and os.path.exists(exc.filename)
    where = exc.filename if inside and home in Path(exc.filename).parents else home
    return SettingsError(
        f"TIGERTAG_HOME: {where} cannot be written ({os_reason(exc, where)}). Nothing was changed;"
        f" {_cure(home, exc)}."
    )


def _cure(home: Path, exc: OSError) -> str:
    if exc.errno == errno.EROFS:
        return "mount it writable"
    if exc.errno not in _NOT_WRITABLE:
        return "set TIGERTAG_HOME to a folder that can be written"
    owner = f"{os.geteuid()}:{os.getegid()}"
    return (
        f"run `chown -R {owner} {shlex.quote(str(home))}`, or start TigerTag as its owner (in a"
        " container: PUID and PGID)"
    )


def note(settings: Settings) -> str:
    """Say which home is used; called before anything is made in it."""
    if not is_new(settings):
        return f"TIGERTAG_HOME is {settings.home}.{_others(settings)}"
    made = "an empty database and a new password" if _is_in_home(settings) else "nothing"
    return (
        f"TIGERTAG_HOME is {settings.home}, which is new: TigerTag starts there with {made}."
        f"{_others(settings)}"
    )


def is_new(settings: Settings) -> bool:
    """Whether nothing was kept in the home before. Raises nothing: what cannot be seen is none."""
    try:
        if _is_in_home(settings):
            return not (settings.home / DATABASE).exists()
        # The log is begun before the home is looked at.
        return all(path.name == logs.FOLDER for path in settings.home.iterdir())
    except FileNotFoundError:
        return True
    except OSError:
        return False


def other(settings: Settings) -> Path | None:
    """Return another home with a database: the checkout's, or one near this one or where it runs.

    It is likely that one was meant: without TIGERTAG_HOME each working directory has its own.
    """
    for path in _near(settings.home):
        try:
            if (path / DATABASE).is_file() and not path.samefile(settings.home):
                return path
        except FileNotFoundError:
            return path
        except OSError:
            continue
    return None


def _near(home: Path) -> Iterator[Path]:
    yield _CHECKOUT / "data"
    for folder in (Path.cwd(), *Path.cwd().parents[:2], home, *home.parents[:2]):
        yield folder / "data"


def _others(settings: Settings) -> str:
    path = other(settings)
    if path is None:
        return ""
    return f" There is another one: to use that, restart with TIGERTAG_HOME={path}."


def _is_in_home(settings: Settings) -> bool:
    return settings.db_url == f"sqlite:///{settings.home}/{DATABASE}"
