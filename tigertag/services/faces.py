"""The faces that are to be known: checked, enrolled and listed."""

from dataclasses import dataclass

from tigertag.contracts import Enrolled
from tigertag.core import Core
from tigertag.engines.compreface import CompreFace, Standing
from tigertag.errors import NotFound, PluginError, RequestError
from tigertag.scan.calls import run_context


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with the people's file and pictures, and what is merely odd, by line."""

    wrong: tuple[str, ...]
    odd: tuple[str, ...]


def check(core: Core, engine: str = "") -> Findings:
    """Look at the file and at each picture; asks nobody. Raises `TigerTagError`."""
    wrong, odd = _engine(core, engine).findings()
    return Findings(tuple(wrong), tuple(odd))


def enrol(core: Core, engine: str = "") -> Enrolled:
    """Bring the service up to date with the file, by difference. Raises `TigerTagError`."""
    found = _engine(core, engine)
    found.open()
    return found.enrol(run_context(core, found.id))


def standings(core: Core, engine: str = "") -> list[Standing]:
    """Return who is in the file and who is known there. Raises `TigerTagError`."""
    return _engine(core, engine).standings()


def _engine(core: Core, name: str) -> CompreFace:
    """Return the engine of this name, or the only one that knows faces."""
    if name:
        found = core.engine(name)
        if isinstance(found.engine, CompreFace):
            return found.engine
        if found.engine is None:
            raise PluginError(f"Engine {found.id} cannot be used: {found.problem}")
        raise RequestError(f"Engine {found.id} knows no faces; it is {found.name}.")
    usable = [one.engine for one in core.engines if isinstance(one.engine, CompreFace)]
    if len(usable) == 1:
        return usable[0]
    if usable:
        names = ", ".join(one.id for one in usable)
        raise RequestError(f"Several engines know faces; name one with --engine: {names}.")
    for entry in core.engines:
        if entry.name == "tigertag.compreface":
            raise PluginError(f"Engine {entry.id} cannot be used: {entry.problem}")
    raise NotFound("No engine that knows faces is configured; see docs/engines/compreface.md.")
