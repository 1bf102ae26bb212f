"""The one place that wires everything together."""

import logging
import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, product

from tigertag import bounds, concepts, logs, plugins, threads
from tigertag.contracts import AnyEngine, FootageChoice, Host, Keyed
from tigertag.core import Core, EngineEntry, LibraryEntry
from tigertag.errors import SchemaMismatch, SettingsError, StoreError, os_reason
from tigertag.net import HttpClient
from tigertag.scan.plugin_state import StoredPluginState
from tigertag.scan.request_slots import Places, SharedSlots
from tigertag.services import channels, rules
from tigertag.settings import Settings, homes, shown
from tigertag.settings.model import sampling_changes
from tigertag.store import Store, migrate
from tigertag.store.usage import Limits
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_AWAITED_S = 60.0
_LOOK_S = 1.0
_REQUESTS = 16 + 4
"""The threads of a web process, and those that keep leases alive."""


def build(settings: Settings) -> Core:
    """Put together what is configured; opens nothing. Raises `SettingsError`."""
    if settings.broker_url and settings.db_url.startswith("sqlite"):
        raise SettingsError(
            "TIGERTAG_BROKER_URL needs PostgreSQL, which all machines reach: set DB_URL. What is in"
            " SQLite is copied, without TIGERTAG_BROKER_URL, by `tigertag db copy postgresql://…`."
        )
    host = Host(models=settings.home / "models", http=HttpClient())
    store, path = Store(settings.db_url), settings.rules_file
    engines, libraries = _engines(settings, host, store), _libraries(settings, host, store)
    workers = settings.workers or threads.default_workers()
    store.connections = _connections(engines, workers)
    # A new home beside an older one is likely a mistake: the user is told where the other is.
    likely_wrong = homes.is_new(settings) and homes.other(settings) is not None
    new_home = [homes.note(settings)] if likely_wrong else []
    return Core(
        host=host,
        store=store,
        concepts=concepts.load(),
        engines=engines,
        libraries=libraries,
        default_rules=() if path is None else tuple(rules.read_file(path)),
        workers=workers,
        lease_s=settings.lease_s,
        home=settings.home,
        timezone=settings.timezone,
        default_schedules=settings.schedules,
        hook_quiet_s=settings.hook_quiet_s,
        keep_days=settings.keep_days,
        broker_url=settings.broker_url,
        paid_at_once=settings.paid_at_once,
        rules_file=path,
        backup_at=settings.backup_at,
        backup_folder=settings.backup_folder,
        problems=(*settings.problems, *new_home, *misfits(engines, libraries)),
        channels=settings.channels,
        public_url=settings.public_url,
        settings=shown.shown(settings),
        secrets=shown.secrets(settings),
    )


def _connections(engines: Sequence[EngineEntry], workers: int) -> int:
    """How many threads may want the database at once: workers, calls of engines, requests, leases.

    Who waits for a connection for longer than a lease loses it.
    """
    calls = (entry.engine.capabilities.max_concurrency for entry in engines if entry.engine)
    return workers + sum(calls) + len(engines) + _REQUESTS


def log(settings: Settings, role: logs.Role | None = None) -> None:
    """Let the log go to standard error, as verbose as the settings say, and warn of problems.

    `role`: the process of the service whose log is kept in TIGERTAG_HOME as well.
    """
    lines = logs.JsonLines if settings.log_format == "json" else logs.TextLines
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    note, is_new = homes.note(settings), homes.is_new(settings)
    path, problem = settings.home / logs.FOLDER / f"{role}.log", ""
    if role is not None:
        try:
            handlers.append(logs.SharedFile(path))
        except OSError as exc:
            problem = f"The log is not kept: {path} cannot be written ({os_reason(exc)})."
    for handler in handlers:
        handler.setFormatter(lines(shown.secrets(settings)))
    logging.basicConfig(level=settings.log_level, handlers=handlers)
    quieten()
    logger.log(logging.WARNING if is_new else logging.INFO, "%s", note)
    for line in (*settings.problems, problem):
        if line:
            logger.warning("%s", line)


def quieten() -> None:
    """Hush libraries that tell of each step, or of a retry that names nothing."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # A connection that a server has cut: whoever used it says so, in one line.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


def open_service(core: Core) -> None:
    """Open the database of a service, which may tell people that it cannot. Raises `StoreError`."""
    try:
        open_store(core)
    except SchemaMismatch as exc:
        channels.announce_refusal(core, str(exc))
        raise


def await_store(core: Core) -> None:
    """Wait until the database is reached and the service has brought it up to date.

    Raises `SchemaMismatch` when it is not, though it is reached, within a minute.
    """
    ended, reason = time.monotonic() + _AWAITED_S, ""
    while True:
        try:
            return use_store(core)
        except SchemaMismatch as exc:
            problem = str(exc)
            if time.monotonic() > ended:
                raise
        except StoreError as exc:
            problem, ended = str(exc), time.monotonic() + _AWAITED_S
        if problem != reason:
            reason = problem
            logger.warning("waiting for the database: %s", reason)
        time.sleep(_LOOK_S)


def use_store(core: Core) -> None:
    """Open a database that the service brings up to date. Raises `StoreError`."""
    now = migrate.current(core.store)
    if now != migrate.head():
        raise SchemaMismatch(
            f"The database is at revision {now or 'none'}, not {migrate.head()}. Start the service"
            " first, of the same version as this process."
        )
    _take_keys(core)


def open_store(core: Core) -> None:
    """Bring the database up to date, a backup first. Raises `StoreError`."""
    kept = migrate.upgrade(core.store)
    if kept is not None:
        logger.warning("the database was brought up to date; it was backed up to %s", kept)
    _take_keys(core)


def _take_keys(core: Core) -> None:
    for entry in core.engines:
        if isinstance(entry.engine, Keyed):
            entry.engine.take_key()


def _engines(settings: Settings, host: Host, store: Store) -> tuple[EngineEntry, ...]:
    places = Places(store, f"{socket.gethostname()[:80]}-{os.getpid()}")

    def host_of(engine: str) -> Host:
        slots = SharedSlots(places, engine) if settings.broker_url else None
        return replace(host, state=StoredPluginState(store, engine), slots=slots)

    return tuple(map(_engine, plugins.load_engines(settings.engines, host_of)))


def _engine(loaded: plugins.LoadedEngine) -> EngineEntry:
    own = loaded.settings
    problem = loaded.problem or _unusable(loaded.plugin) or _without_price(loaded)
    return EngineEntry(
        loaded.id,
        loaded.name,
        None if problem else loaded.plugin,
        problem,
        own.min_confidence,
        own.max_tags,
        own.prefix,
        own.sections,
        own.order,
        own.only_uncertain,
        Limits(own.monthly_limit, own.monthly_cost_usd),
        own.waits_for_budget,
        loaded.agrees_by,
    )


def _unusable(engine: AnyEngine | None) -> str:
    if engine is not None and not bounds.fits(engine.fingerprint, bounds.IDENTITY):
        return f"Its fingerprint is no text of at most {bounds.IDENTITY} characters."
    return "" if engine is None else one_line(engine.capabilities.unusable)


def misfits(engines: Sequence[EngineEntry], libraries: Sequence[LibraryEntry]) -> tuple[str, ...]:
    """Say what is set up and does not go together, a line each; all of it works nevertheless."""
    free = (entry for entry in engines if entry.engine is not None and not entry.paid)
    without_effect = (
        f"ENGINE_{entry.id.upper()}_MONTHLY_LIMIT has no effect: the calls of {entry.name} are free"
        " as it is set up."
        for entry in free
        if entry.limits.units is not None
    )
    pairs = product(engines, libraries)
    return (*without_effect, *chain.from_iterable(_unlike_learned(*pair) for pair in pairs))


def _unlike_learned(engine: EngineEntry, library: LibraryEntry) -> Iterator[str]:
    """A model is at its best with frames that were chosen as those that it has learned from."""
    if engine.engine is None or library.library is None:
        return
    learned, footage = engine.engine.capabilities, library.library.footage
    if learned.sampling is not None and library.sampling.name != learned.sampling.name:
        changes = sampling_changes(library.id, library.sampling, learned.sampling)
        yield (
            f"Engine {engine.id} has learned from frames chosen as {learned.sampling.name}; library"
            f" {library.id} gives {library.sampling.name}: set {' and '.join(changes)}, or learn"
            " from the library."
        )
    source = library.library
    choice = source.footage_values if isinstance(source, FootageChoice) else {}
    # What the videos of a library without such a choice are is not known: perhaps trailers.
    if learned.footage not in (None, footage) and (footage or choice):
        setting = f"set LIBRARY_{library.id.upper()}_FOOTAGE={choice.get(learned.footage)}, or "
        yield (
            f"Engine {engine.id} has learned from {_called(learned.footage)}; library {library.id}"
            f" gives {_called(footage)}: {setting if learned.footage in choice else ''}learn from"
            " the library."
        )


def _called(footage: str) -> str:
    return f"{footage}s" if footage else "the videos themselves"


def _without_price(loaded: plugins.LoadedEngine) -> str:
    """A cost limit cannot be kept where nobody knows what a call costs."""
    engine, own = loaded.plugin, loaded.settings
    if engine is None or own.monthly_cost_usd is None or engine.capabilities.cost_usd is not None:
        return ""
    return (
        f"ENGINE_{loaded.id.upper()}_MONTHLY_COST_USD is set, but what a call of it costs is not"
        " known, so nothing is asked: add its model to the price table, or take the limit off."
    )


def _libraries(settings: Settings, host: Host, store: Store) -> tuple[LibraryEntry, ...]:
    def host_of(library: str) -> Host:
        # No engine's id has a slash.
        return replace(host, state=StoredPluginState(store, f"library/{library}"))

    return tuple(
        LibraryEntry(
            loaded.id,
            loaded.name,
            loaded.plugin,
            loaded.problem,
            loaded.settings.sampling,
            loaded.settings.skip_tags,
        )
        for loaded in plugins.load_libraries(settings.libraries, host_of)
    )
