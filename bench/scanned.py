"""A core that scans one library with one engine, and what a scan of it takes."""

import time
from pathlib import Path

from bench.instant import Instant
from bench.memory import peak_mb
from tigertag import bootstrap, settings
from tigertag.core import Core
from tigertag.services import scan_status, scans
from tigertag.services.scans import Request


def core_of(home: Path, library: dict[str, str], engine: str) -> Core:
    own = {f"LIBRARY_ONE_{key}": value for key, value in library.items()}
    environ = {"TIGERTAG_HOME": str(home), "ENGINE_ONE_NAME": engine, **own}
    return bootstrap.build(settings.load(environ))


def scan(core: Core, section: str | None = None, write: str = "apply") -> dict[str, float]:
    """Scan to the end, the model loaded before."""
    bootstrap.open_store(core)
    (engine,) = (entry.engine for entry in core.engines)
    assert engine is not None, core.engines
    engine.open()
    begun = time.perf_counter()
    scan_id = scans.start(core, Request("one", section, write=write))
    scans.run(core, scan_id).run()
    took_s = time.perf_counter() - begun
    status = scan_status.status(core, scan_id)
    assert (status.scan.state, status.failed) == ("done", 0), status
    core.store.close()
    return {
        "s": took_s,
        "mb": peak_mb(),
        "asked": engine.asked if isinstance(engine, Instant) else status.asked,
        "unchanged": status.scan.unchanged,
    }
