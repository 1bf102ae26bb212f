"""The models that can be fetched, where their files lie, and whether a file is what it should be.

A model's file is looked for in TIGERTAG_HOME/models, then in the folder that the container's image
brings. A file is only ever used after its hash was checked: its name proves nothing.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from stat import S_ISREG
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from tigertag.errors import ModelError, NotFound, os_reason
from tigertag.text import did_you_mean

BEST_FIRST: Final = ("yolox-s", "yolox-tiny", "yolox-nano")
"""The detectors that `auto` takes: the first one that is installed."""

BAKED: Final = Path("/app/models")
"""Where the container's image has models. It is outside TIGERTAG_HOME, which is a volume."""

_hashes: dict[tuple[Path, int, int, tuple[int, int]], str] = {}


@dataclass(frozen=True, slots=True)
class CataloguedModel:
    """A model that can be fetched, and what is known of it.

    `what`: what it recognises. `source`: the page that publishes it. `input_px`: the side of the
    square that it looks at. `accuracy`: its publisher's figure, with the name of the measure.
    """

    name: str
    title: str
    what: str
    licence: str
    source: str
    url: str
    bytes: int
    sha256: str
    input_px: int
    accuracy: str

    @property
    def host(self) -> str:
        """The host that it is fetched from."""
        return urlsplit(self.url).hostname or ""

    @property
    def source_host(self) -> str:
        """The host of the page that publishes it."""
        return urlsplit(self.source).hostname or ""

    @property
    def file(self) -> str:
        """The file's name, as its publisher calls it."""
        return self.url.rpartition("/")[2]


@cache
def catalogue() -> Mapping[str, CataloguedModel]:
    """Return all models that can be fetched, by name."""
    text = files("tigertag").joinpath("data/models.json").read_text("utf-8")
    models = json.loads(text)["models"].items()
    return MappingProxyType({name: CataloguedModel(name, **values) for name, values in models})


def model(name: str) -> CataloguedModel:
    """Return the model of this name. Raises `NotFound`."""
    known = catalogue()
    if name not in known:
        names = ", ".join(known)
        raise NotFound(f"There is no model {name!r}{did_you_mean(name, known)} There are: {names}.")
    return known[name]


def installed(models: Path, name: str) -> Path | None:
    """Return the model's file if there is one of the right size; cheap, and no proof of more."""
    known = model(name)
    for path in places(models, known):
        try:
            status = path.stat()
        except OSError:
            continue
        if S_ISREG(status.st_mode) and status.st_size == known.bytes:
            return path
    return None


def is_there(models: Path, name: str) -> bool:
    """Whether there is any file under the model's name, be it the model or not; cheap."""
    return any(map(os.path.exists, places(models, model(name))))


def verified(models: Path, name: str) -> Path:
    """Return the model's file after its whole hash was checked; again it costs but a `stat`.

    Raises `ModelError`: it is not there, or no file there is this model; `NotFound`.
    """
    known = model(name)
    faults = []
    for path in places(models, known):
        try:
            fault = fault_of(path, known)
        except FileNotFoundError:
            continue
        if not fault:
            return path
        faults.append(fault)
    if faults:
        raise ModelError(f"{faults[0]} To replace it: tigertag models fetch {name}.")
    raise ModelError(
        f"{known.title} is not on this machine: run `tigertag models fetch {name}`, or copy"
        f" {known.file} into {models}."
    )


def places(models: Path, known: CataloguedModel) -> tuple[Path, Path]:
    """Return where the model's file may be, the user's own place first."""
    return models / known.file, BAKED / known.file


def fault_of(path: Path, known: CataloguedModel, *, reread: bool = False) -> str:
    """Say in a sentence why the file is not this model; "" where it is.

    `reread`: read it again though it seems to be unchanged since the last time; a disk may have
    lost some of it. Raises `FileNotFoundError`.
    """
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            return f"{path} is not a file."
        size = status.st_size
        other = next((each for each in catalogue().values() if each.bytes == size), None)
        if other is None:
            kind = "cut short" if size < known.bytes else "another file"
            return f"{path} is not {known.title}: {size} of {known.bytes} bytes, so it is {kind}."
        digest = _sha256(path, status, reread=reread)
    except FileNotFoundError:
        raise
    except OSError as exc:
        return f"{path} cannot be read: {os_reason(exc)}."
    if digest == known.sha256:
        return ""
    if digest == other.sha256:
        return f"{path} is not {known.title} but {other.title} under another name."
    return f"{path} is not {known.title}: its SHA-256 is another, so it was changed or damaged."


def _sha256(path: Path, status: os.stat_result, *, reread: bool) -> str:
    """Return the file's hash; it is computed again when the file may have changed."""
    # The change time, too: whoever writes to a file can set its modification time back.
    times = (status.st_mtime_ns, status.st_ctime_ns)
    identity = (path, status.st_ino, status.st_size, times)
    if reread or identity not in _hashes:
        with path.open("rb") as file:
            _hashes[identity] = hashlib.file_digest(file, "sha256").hexdigest()
    return _hashes[identity]
