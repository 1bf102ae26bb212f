"""What a worker lacks for a scan: models are fetched and engines opened before it gets any work.

On one machine a scan goes on without an engine that cannot be opened. Of many, one that lacks a
model would leave its share of the items without that engine's answers, though others have it.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from threading import Thread

from tigertag.contracts import AnyEngine, is_prompt
from tigertag.core import Core, EngineEntry
from tigertag.errors import TigerTagError
from tigertag.inference import catalogue, detectors
from tigertag.scan import agreement
from tigertag.services import models
from tigertag.store.scans import ScanRow
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_AGAIN_S = 60.0
_SOON_S = 0.3


class Preparation:
    """Gets what this process lacks, on threads of their own."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._jobs: dict[tuple[str, str], _Job] = {}

    def lacking(self, scan: ScanRow) -> str:
        """Say what is still lacking for a scan, or why it cannot be had; "": nothing.

        What is lacking is got meanwhile, and tried again now and then where that fails.
        """
        agreed = agreement.engines(scan)
        entries = {entry.id: entry for entry in self._core.engines}
        for name in sorted(agreed.keys() & entries.keys()):
            reason = self._model(entries[name], agreed[name])
            reason = reason or self._engine(scan, entries[name], agreed[name])
            if reason:
                return reason
        return ""

    def _model(self, entry: EngineEntry, agreed: str) -> str:
        """Fetch the model that the service's answers come from."""
        name = detectors.catalogued(agreed)
        if name is None or (entry.engine is not None and entry.engine.fingerprint == agreed):
            return ""
        folder = self._core.host.models
        if not models.look(folder, name).is_sound:
            key, whole_bytes = ("fetch", name), catalogue.model(name).bytes
            fetch = partial(models.fetch, self._core.host.http, folder, name)
            job = self._job(key, lambda job: fetch(job.progress))
            if not job.is_done:
                return job.reason or f"Fetching {name}, {_part(job.loaded_bytes, whole_bytes)}."
            # If the file is damaged one day, it is fetched anew.
            del self._jobs[key]
        if entry.id in models.unusable_detectors(self._core):
            return f"{name} is on this machine now: restart this worker, so that it is used."
        return ""

    def _engine(self, scan: ScanRow, entry: EngineEntry, agreed: str) -> str:
        """Open an engine of this machine, which may have to fetch or to build its network."""
        engine = entry.engine
        if engine is None or not _is_asked(scan, entry) or engine.fingerprint != agreed:
            return ""
        job = self._job((entry.id, agreed), lambda _job: engine.open())
        if job.is_done:
            return ""
        problem = job.reason and f"Engine {entry.id} cannot be opened: {job.reason}"
        return problem or f"Engine {entry.id} is being opened; it may have to fetch its model."

    def _job(self, key: tuple[str, str], do: "Callable[[_Job], object]") -> "_Job":
        """Return the job, started where it never was, or failed a while ago."""
        job = self._jobs.get(key)
        if job is None or job.is_due():
            job = self._jobs[key] = _Job(" ".join(key), do)
        return job


class _Job:
    """Something that is done on a thread. `reason`: why it failed, in one line."""

    def __init__(self, name: str, do: "Callable[[_Job], object]") -> None:
        self.reason = ""
        self.is_done = False
        self.loaded_bytes = 0
        self._name = name
        self._ended_s: float | None = None
        thread = Thread(target=self._run, args=(do,), name=f"tigertag-{name}", daemon=True)
        thread.start()
        # Most engines are open in a moment.
        thread.join(_SOON_S)

    def is_due(self) -> bool:
        """Whether it failed so long ago that it is tried again."""
        ended_s = self._ended_s
        return bool(self.reason) and ended_s is not None and time.monotonic() > ended_s + _AGAIN_S

    def progress(self, loaded_bytes: int, _whole: int | None) -> None:
        self.loaded_bytes = loaded_bytes

    def _run(self, do: "Callable[[_Job], object]") -> None:
        try:
            do(self)
            self.is_done = True
        except TigerTagError as exc:
            logger.warning("%s: %s", self._name, exc)
            self.reason = one_line(str(exc))
        except Exception as exc:
            logger.exception("%s hit a bug", self._name)
            self.reason = f"TigerTag hit a bug ({type(exc).__name__}); see the log."
        self._ended_s = time.monotonic()


def _is_asked(scan: ScanRow, entry: EngineEntry) -> bool:
    """Whether a scan asks an engine that runs on this machine."""
    asks = scan.kind == "scan" and scan.mode != "decide" and entry.id not in scan.without
    engine: AnyEngine | None = entry.engine
    is_local = engine is not None and engine.capabilities.local and is_prompt(engine)
    return asks and is_local and (not scan.engines or entry.id in scan.engines)


def _part(loaded_bytes: int, whole_bytes: int) -> str:
    return f"{loaded_bytes / 1e6:.0f} of {whole_bytes / 1e6:.0f} MB"
