"""The locks, and what is missing in them: read without pip, which would resolve it."""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

CHECKOUT = Path(__file__).parents[1]
FOLDER = CHECKOUT / "requirements"
PYTHONS = ("3.11", "3.12", "3.13")
"""The Pythons that pyproject.toml, the README and the Dockerfile name."""

Versions = Mapping[str, Version]


def locked(text: str, environment: Mapping[str, str]) -> Versions:
    """Return the version of each distribution that a lock installs in an environment."""
    lines = re.findall(r"^[^\s#-].*", text, flags=re.MULTILINE)
    requirements = [Requirement(line.removesuffix("\\").strip()) for line in lines]
    return {
        canonicalize_name(one.name): Version(next(iter(one.specifier)).version)
        for one in requirements
        if one.marker is None or one.marker.evaluate({**environment})
    }


def lacks(lock: Versions, wanted: Iterable[str], environment: Mapping[str, str]) -> set[str]:
    """Return the requirements, also those of what is locked, that a lock does not satisfy.

    `wanted` and what distributions require are followed together with their extras; what a
    distribution requires is read where it is installed.
    """
    lacking: set[str] = set()
    followed: set[tuple[str, str]] = set()
    rest = [Requirement(one) for one in wanted]
    while rest:
        one = rest.pop()
        name = canonicalize_name(one.name)
        if name not in lock or not one.specifier.contains(lock[name], prereleases=True):
            lacking.add(f"{one.name}{one.specifier}")
            continue
        for extra in ("", *one.extras):
            if (name, extra) not in followed:
                followed.add((name, extra))
                rest += _required(name, extra, environment)
    return lacking


def _required(name: str, extra: str, environment: Mapping[str, str]) -> Iterator[Requirement]:
    try:
        lines = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for one in map(Requirement, lines):
        if _holds(one.marker, extra, environment):
            yield one


def _holds(marker: Marker | None, extra: str, environment: Mapping[str, str]) -> bool:
    if marker is None:
        return not extra
    with_it = marker.evaluate({**environment, "extra": extra})
    return with_it and (not extra or not marker.evaluate({**environment, "extra": ""}))


def wanted(*extras: str, groups: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what pyproject.toml requires, with extras and groups."""
    read = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    project = read["project"]
    found: list[str] = list(project["dependencies"])
    rest = list(extras)
    while rest:
        for line in project["optional-dependencies"][rest.pop()]:
            one = Requirement(line)
            if one.name == project["name"]:
                rest += one.extras
            else:
                found.append(line)
    for group in groups:
        found += read["dependency-groups"][group]
    return tuple(found)


def to_build() -> tuple[str, ...]:
    """Return what builds TigerTag, and an editable install of it."""
    read = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    return (*read["build-system"]["requires"], "editables")
