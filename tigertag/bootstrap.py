"""The one place that wires everything together."""

import logging
from pathlib import Path

from tigertag import concepts, plugins
from tigertag.contracts import Engine, Host
from tigertag.executors import threads
from tigertag.model import Rule, Thresholds
from tigertag.net import Http
from tigertag.services import rules
from tigertag.services.core import Core, EngineEntry, LibraryEntry
from tigertag.settings import EngineSettings, Settings
from tigertag.store import Store, migrate

logger = logging.getLogger(__name__)


def build(settings: Settings) -> Core:
    """Put together what is configured; opens nothing. Raises `SettingsError`."""
    host = Host(models=settings.home / "models", http=Http())
    return Core(
        host=host,
        store=Store(settings.db_url),
        concepts=concepts.load(),
        engines=_engines(settings, host),
        libraries=_libraries(settings, host),
        default_rules=_default_rules(settings.rules_file),
        workers=settings.workers or threads.default_workers(),
        lease_s=settings.lease_s,
        home=settings.home,
        timezone=settings.timezone,
        problems=settings.problems,
    )


def log(settings: Settings) -> None:
    """Let the log go to standard error, as verbose as the settings say, and warn of problems."""
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=settings.log_level, format=form)
    quieten()
    for problem in settings.problems:
        logger.warning("%s", problem)


def quieten() -> None:
    """Hush libraries that tell of each step, or of a retry that names nothing."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("stamina").setLevel(logging.ERROR)


def open_store(core: Core) -> None:
    """Bring the database up to date, a backup first. Raises `StoreError`."""
    kept = migrate.upgrade(core.store)
    if kept is not None:
        logger.warning("the database was brought up to date; it was backed up to %s", kept)


def _engines(settings: Settings, host: Host) -> tuple[EngineEntry, ...]:
    loaded = plugins.load_engines(settings.engines, host)
    return tuple(_engine(one) for one in loaded)


def _engine(loaded: plugins.LoadedEngine) -> EngineEntry:
    own = loaded.settings
    thresholds = _thresholds(own, loaded.plugin)
    return EngineEntry(
        loaded.id, loaded.name, loaded.plugin, loaded.problem, thresholds, own.sections, own.order
    )


def _thresholds(own: EngineSettings, engine: Engine | None) -> Thresholds:
    """What the settings say; where they are silent, what the engine says of itself."""
    if engine is None:
        return Thresholds(own.min_confidence or 1.0, own.max_tags or 0, own.prefix)
    default = engine.capabilities
    least = default.min_confidence if own.min_confidence is None else own.min_confidence
    return Thresholds(least, own.max_tags or default.max_tags, own.prefix)


def _libraries(settings: Settings, host: Host) -> tuple[LibraryEntry, ...]:
    loaded = plugins.load_libraries(settings.libraries, host)
    return tuple(LibraryEntry(one.id, one.name, one.plugin, one.problem) for one in loaded)


def _default_rules(path: Path | None) -> tuple[Rule, ...]:
    return () if path is None else tuple(rules.read_file(path))
