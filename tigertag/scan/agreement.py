"""What all workers of a scan must agree on: the settings that its decisions depend on.

The service notes them when it takes the scan up (`note`); a worker on whose machine they are others
would decide otherwise, so it is refused, with a line that says why.
"""

import json
from collections.abc import Mapping

from tigertag import __version__
from tigertag.core import Core
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
    }
    scans.put(db, scan.id, agreed=dumps(agreed))


def refusal(scan: ScanRow, context: Context) -> str:
    """Say why a process may not work on a scan in this context; "": it may."""
    if not scan.agreed:
        return ""
    agreed = json.loads(scan.agreed)
    if agreed["version"] != __version__:
        return (
            f"The service is TigerTag {agreed['version']}, this worker is {__version__}: bring both"
            " to the same version."
        )
    return _engines(agreed["engines"], context) or _rest(agreed["signature"], context)


def _engines(agreed: Mapping[str, str], context: Context) -> str:
    here = {name: context.fingerprints[name] for name in context.engines}
    if lacking := sorted(agreed.keys() - here.keys()):
        return (
            f"Engine {lacking[0]} cannot be used here: give this worker the service's settings of"
            " engines, and what that engine needs."
        )
    if more := sorted(here.keys() - agreed.keys()):
        return f"Engine {more[0]} is set up here and not at the service: use the same settings."
    for name in sorted(agreed):
        if agreed[name] != here[name]:
            return (
                f"Engine {name} would answer otherwise here: its model or its settings differ from"
                f" the service's ({here[name]}, there {agreed[name]})."
            )
    return ""


def _rest(signature: str, context: Context) -> str:
    if signature == context.signature:
        return ""
    return (
        "Thresholds, default rules or settings of the library differ from the service's: use the"
        " same settings here."
    )
