"""Python packages of which only the files are wanted: their code is never imported."""

from importlib.util import find_spec
from pathlib import Path


def folder(package: str) -> Path | None:
    """Return where a package lies; None where it is not installed."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])
