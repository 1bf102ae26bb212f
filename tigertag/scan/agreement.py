"""What all workers of a scan must agree on: the settings that its decisions depend on.

The service notes them when it takes the scan up (`note`); a worker on whose machine they are others
would decide otherwise, so it is refused, with a line that says why.
"""

import json
from collections.abc import Mapping

from tigertag import __version__
from tigertag.core import Core, EngineEntry
from tigertag.errors import Conflict
from tigertag.scan import context as contexts
from tigertag.scan.context import Context
from tigertag.store import Db, scans
from tigertag.store.packing import dumps
from tigertag.store.scans import ScanRow


def note(core: Core, db: Db, scan: ScanRow) -> None:
    """Note what this process would work on a scan with. Raises `NotFound`, `PluginError`."""
    context = contexts.make(core, db, scan, core.unopened_library(scan.section.library))
    agreed = {
        "version": __version__,
        "signature": context.signature,
        "engines": {name: context.fingerprints[name] for name in context.engines},
        "limits": _limits(core, context),
    }
    scans.put(db, scan.id, agreed=dumps(agreed))


def engines(scan: ScanRow) -> dict[str, str]:
    """Return the fingerprints of the engines that a scan is worked on with, by engine."""
    return json.loads(scan.agreed)["engines"] if scan.agreed else {}


def check(core: Core, scan: ScanRow, context: Context) -> None:
    """Raise `Conflict` where a process may not work on a scan in this context."""
    if reason := refusal(core, scan, context):
        raise Conflict(reason)


def refusal(core: Core, scan: ScanRow, context: Context) -> str:
    """Say why a process may not work on a scan in this context; "": it may."""
    if not scan.agreed:
        return ""
    agreed = json.loads(scan.agreed)
    if agreed["version"] != __version__:
        return (
            f"The service is TigerTag {agreed['version']}, this worker is {__version__}: bring both"
            " to the same version."
        )
    return (
        _engines(core, agreed["engines"], context)
        or _budgets(agreed.get("limits", {}), _limits(core, context))
        or _rest(agreed["signature"], context)
    )


def _limits(core: Core, context: Context) -> dict[str, list[float | None]]:
    """The month's limits of engines: calls and US dollars; None: none is set."""
    entries = (entry for entry in core.engines if entry.id in context.engines)
    return {entry.id: [entry.limits.units, entry.limits.cost_usd] for entry in entries}


def _budgets(
    agreed: Mapping[str, list[float | None]], here: Mapping[str, list[float | None]]
) -> str:
    """A worker without the service's limit would spend beyond it."""
    for name in sorted(agreed):
        if agreed[name] != here.get(name):
            stem = f"ENGINE_{name.upper()}"
            return (
                f"The budget of engine {name} is another one here: set {stem}_MONTHLY_LIMIT and"
                f" {stem}_MONTHLY_COST_USD as at the service."
            )
    return ""


def _engines(core: Core, agreed: Mapping[str, str], context: Context) -> str:
    entries = {entry.id: entry for entry in core.engines}
    here = {name: context.fingerprints[name] for name in context.engines}
    if lacking := sorted(agreed.keys() - here.keys()):
        return _lacking(core, lacking[0], entries.get(lacking[0]))
    if more := sorted(here.keys() - agreed.keys()):
        return f"Engine {more[0]} is set up here and not at the service: use the same settings."
    for name in sorted(agreed):
        if agreed[name] != here[name]:
            return (
                f"Engine {name} would answer otherwise here ({here[name]}) than at the service"
                f" ({agreed[name]}): {_remedy(core, entries[name])}."
            )
    return ""


def _lacking(core: Core, name: str, entry: EngineEntry | None) -> str:
    if entry is None or entry.engine is not None:
        return f"Engine {name} cannot be used here: give this worker the service's settings of it."
    remedy = f" At the service it can be used: {_remedy(core, entry)}."
    return f"Engine {name} cannot be used here: {entry.problem.rstrip('.')}.{remedy}"


def _remedy(core: Core, entry: EngineEntry) -> str:
    """Say what makes an engine's answers the same here as at the service."""
    agrees_by = entry.agrees_by or "use the same settings and the same files as the service"
    return agrees_by.replace("{models}", str(core.host.models))


def _rest(signature: str, context: Context) -> str:
    if signature == context.signature:
        return ""
    return (
        "Thresholds, default rules or settings of the library differ from the service's: use the"
        " same settings here."
    )
