"""The support bundle: what helps to find out what is wrong, in a ZIP file without secrets."""

import json
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import distributions
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from tigertag import __version__
from tigertag.core import Core
from tigertag.errors import TigerTagError
from tigertag.logs import Hider
from tigertag.services import engines, events, health, logs, metrics, tasks, workers
from tigertag.services.metrics import processes
from tigertag.store import migrate, scans, totals

_EVENTS = 500
_SCANS = 50
_LOG_LINES = logs.MOST_LINES

# Names of the user's files say where they live and whom they know.
_MEDIA = "jpe?g|jpe|png|hei[cf]|avif|tiff?|gif|webp|bmp|dng|cr[23]|nef|arw|mp4|m4v|mov|mkv|avi|webm"
_END = re.compile(rf"\.(?:{_MEDIA})\b(?:\.xmp\b)?", re.IGNORECASE)

Clean = Callable[[str], str]


def file_name() -> str:
    """Return what a bundle of now is called."""
    return f"tigertag-support-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"


def bundle(core: Core, stream: IO[bytes]) -> None:
    """Write the bundle. What cannot be read is named in its place, and stops nothing else.

    Secrets of the settings are hidden wherever they are, and so are names of pictures and videos.
    """
    hide = Hider(core.secrets)

    def clean(text: str) -> str:
        return "\n".join(map(_without_names, hide(text).split("\n")))

    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for name, make in _PARTS.items():
            part = _cleaned(_made(core, make), clean)
            archive.writestr(name, json.dumps(part, indent=1, ensure_ascii=False, default=str))
        for role in logs.ROLES:
            lines = logs.tail(core, role, _LOG_LINES).lines
            archive.writestr(logs.path(core, role).name, clean("\n".join(lines)))


def _without_names(line: str) -> str:
    """Take out what ends as a picture or video does, from where its path or name seems to begin.

    A path begins at a slash and may hold spaces, a mere name may not, unless it is quoted.
    """
    kept, rest = [], 0
    for end in _END.finditer(line):
        before = line[rest : end.start()]
        quote = max(before.rfind('"'), before.rfind("'")) + 1
        slash, space = before.find("/", quote), max(map(before.rfind, " \t")) + 1
        begin = quote or (slash if slash >= 0 else space)
        kept.append(f"{before[:begin]}(a file){end[0]}")
        rest = end.end()
    return "".join(kept) + line[rest:]


def _made(core: Core, make: Callable[[Core], Any]) -> Any:
    try:
        return make(core)
    except (TigerTagError, OSError) as exc:
        return {"problem": str(exc)}


def _cleaned(part: Any, clean: Clean) -> Any:
    """Clean each text before it becomes JSON, which would spell a secret in another way."""
    if isinstance(part, str):
        return clean(part)
    if isinstance(part, Mapping):
        return {clean(str(key)): _cleaned(value, clean) for key, value in part.items()}
    if isinstance(part, list | tuple | set | frozenset):
        return [_cleaned(value, clean) for value in part]
    return part if part is None or isinstance(part, bool | int | float) else clean(str(part))


def _about(core: Core) -> dict[str, Any]:
    return {
        "made_at": datetime.now(UTC),
        "version": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "time_zone": core.timezone,
        "workers": core.workers,
        "processes": [asdict(process) for process in processes.look(processes.of_service())],
        "packages": {one.name: one.version for one in distributions()},
    }


def _database(core: Core) -> dict[str, Any]:
    with core.store.read() as db:
        rows = totals.rows_by_table(db)
    return {
        "kind": core.store.url.get_backend_name(),
        "size_bytes": totals.size_bytes(core.store),
        "revision": migrate.current(core.store),
        "newest_revision": migrate.head(),
        "rows": rows,
    }


def _health(core: Core) -> list[Any]:
    return [asdict(notice) for notice in health.notices(core)]


def _engines(core: Core) -> list[Any]:
    return [asdict(view) for view in engines.listed(core)]


def _scans(core: Core) -> list[Any]:
    with core.store.read() as db:
        return [_scan(row) for row in scans.page(db, before=None, limit=_SCANS)]


def _scan(row: scans.ScanRow) -> dict[str, Any]:
    facts = ("id", "kind", "mode", "write", "engines", "state", "listed", "unchanged", "missing")
    times = ("created_at", "started_at", "resumed_at", "finished_at")
    known = {name: getattr(row, name) for name in (*facts, *times, "error", "summary")}
    return {"library": row.section.library, "section": row.section.id} | known


def _tasks(core: Core) -> list[Any]:
    return [
        {"name": view.task.name, "every_s": view.task.every_s}
        | ({} if view.row is None else asdict(view.row))
        for view in tasks.listed(core)
    ]


def _events(core: Core) -> list[Any]:
    return [asdict(event) for event in events.recent(core, limit=_EVENTS)]


def _figures(core: Core) -> dict[str, Any]:
    return dict(metrics.figures(core))


_PARTS: Mapping[str, Callable[[Core], Any]] = {
    "about.json": _about,
    "settings.json": lambda core: core.settings,
    "health.json": _health,
    "database.json": _database,
    "engines.json": _engines,
    "tasks.json": _tasks,
    "workers.json": lambda core: asdict(workers.overview(core)),
    "scans.json": _scans,
    "events.json": _events,
    "metrics.json": _figures,
}
