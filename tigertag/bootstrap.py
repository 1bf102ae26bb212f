"""The one place that wires everything together."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tigertag import concepts, plugins
from tigertag.contracts import AnyEngine, Host
from tigertag.executors import threads
from tigertag.model import Rule, Thresholds
from tigertag.net import Http
from tigertag.services import rules
from tigertag.services.core import Core, EngineEntry, LibraryEntry
from tigertag.services.kept import KeptInStore
from tigertag.settings import EngineSettings, Settings
from tigertag.store import Store, migrate
from tigertag.store.use import Limits

logger = logging.getLogger(__name__)


def build(settings: Settings) -> Core:
    """Put together what is configured; opens nothing. Raises `SettingsError`."""
    host = Host(models=settings.home / "models", http=Http())
    store = Store(settings.db_url)
    engines = _engines(settings, host, store)
    return Core(
        host=host,
        store=store,
        concepts=concepts.load(),
        engines=engines,
        libraries=_libraries(settings, host),
        default_rules=_default_rules(settings.rules_file),
        workers=settings.workers or threads.default_workers(),
        lease_s=settings.lease_s,
        home=settings.home,
        timezone=settings.timezone,
        problems=(*settings.problems, *_without_effect(engines)),
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


def _engines(settings: Settings, host: Host, store: Store) -> tuple[EngineEntry, ...]:
    def host_of(engine: str) -> Host:
        return replace(host, kept=KeptInStore(store, engine))

    loaded = plugins.load_engines(settings.engines, host_of)
    return tuple(_engine(one) for one in loaded)


def _engine(loaded: plugins.LoadedEngine) -> EngineEntry:
    own = loaded.settings
    problem = loaded.problem or _without_price(loaded)
    return EngineEntry(
        loaded.id,
        loaded.name,
        None if problem else loaded.plugin,
        problem,
        _thresholds(own, loaded.plugin),
        own.sections,
        own.order,
        own.only_uncertain,
        Limits(own.monthly_limit, own.monthly_cost_usd),
        own.waits_for_budget,
    )


def _without_effect(engines: Iterable[EngineEntry]) -> Iterator[str]:
    for entry in engines:
        if entry.limits.units is not None and entry.engine is not None and not entry.paid:
            yield (
                f"ENGINE_{entry.id.upper()}_MONTHLY_LIMIT has no effect: the calls of"
                f" {entry.name} are free as it is set up."
            )


def _without_price(loaded: plugins.LoadedEngine) -> str:
    """A cost limit cannot be kept where nobody knows what a call costs."""
    engine, own = loaded.plugin, loaded.settings
    if engine is None or own.monthly_cost_usd is None or engine.capabilities.cost_usd is not None:
        return ""
    return (
        f"ENGINE_{loaded.id.upper()}_MONTHLY_COST_USD is set, but what a call of it costs is not"
        " known, so nothing is asked: add its model to the price table, or take the limit off."
    )


def _thresholds(own: EngineSettings, engine: AnyEngine | None) -> Thresholds:
    """What the settings say; where they are silent, what the engine says of itself."""
    if engine is None:
        return Thresholds(own.min_confidence or 1.0, own.max_tags or 0, own.prefix)
    default = engine.capabilities
    least = default.min_confidence if own.min_confidence is None else own.min_confidence
    return Thresholds(least, own.max_tags or default.max_tags, own.prefix)


def _libraries(settings: Settings, host: Host) -> tuple[LibraryEntry, ...]:
    loaded = plugins.load_libraries(settings.libraries, host)
    return tuple(
        LibraryEntry(
            one.id,
            one.name,
            one.plugin,
            one.problem,
            one.settings.sampling,
            one.settings.skip_tags,
        )
        for one in loaded
    )


def _default_rules(path: Path | None) -> tuple[Rule, ...]:
    return () if path is None else tuple(rules.read_file(path))
