"""Which TIGERTAG_HOME is used, whether it is new, and which other one may have been meant."""

from collections.abc import Iterator
from pathlib import Path

from tigertag.settings.model import DATABASE, Settings

_CHECKOUT = Path(__file__).parents[2]


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
        return not any(settings.home.iterdir())
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
