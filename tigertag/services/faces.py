"""The faces that are to be known: checked, enrolled and listed."""

from dataclasses import dataclass

from tigertag.contracts import Enrolled, KnowingFaces, PersonStatus
from tigertag.core import Core
from tigertag.errors import NotFound, PluginError, RequestError
from tigertag.scan.calls import run_context


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with the people's file and pictures, and what is merely odd, by line."""

    wrong: tuple[str, ...]
    odd: tuple[str, ...]


def check(core: Core, engine: str = "") -> Findings:
    """Look at the file and at each picture; asks nobody. Raises `TigerTagError`."""
    wrong, odd = _engine(core, engine).check_people()
    return Findings(tuple(wrong), tuple(odd))


def enrol(core: Core, engine: str = "") -> Enrolled:
    """Bring the service up to date with the file, by difference. Raises `TigerTagError`."""
    found = _engine(core, engine)
    found.open()
    return found.enrol(run_context(core, found.id))


def people(core: Core, engine: str = "") -> list[PersonStatus]:
    """Return who is in the file and who is known there. Raises `TigerTagError`."""
    return _engine(core, engine).people()


def _engine(core: Core, name: str) -> KnowingFaces:
    """Return the engine of this name, or the only one that knows faces."""
    if name:
        entry = core.engine(name)
        if isinstance(entry.engine, KnowingFaces):
            return entry.engine
        if entry.engine is None:
            raise PluginError(f"Engine {entry.id} cannot be used: {entry.problem}")
        raise RequestError(f"Engine {entry.id} knows no faces; it is {entry.name}.")
    engines: list[object] = [entry.engine for entry in core.engines]
    usable = [engine for engine in engines if isinstance(engine, KnowingFaces)]
    if len(usable) == 1:
        return usable[0]
    if usable:
        names = ", ".join(engine.id for engine in usable)
        raise RequestError(f"Several engines know faces; name one with --engine: {names}.")
    for entry in core.engines:
        if entry.name == "tigertag.compreface":
            raise PluginError(f"Engine {entry.id} cannot be used: {entry.problem}")
    raise NotFound("No engine that knows faces is configured; see docs/engines/compreface.md.")
