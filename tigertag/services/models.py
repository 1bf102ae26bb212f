"""Models that can be fetched: what there is of them on this machine, fetched, checked, removed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tigertag import locks
from tigertag.contracts import Http
from tigertag.core import Core
from tigertag.errors import Conflict, HttpError, ModelError, NotFound, os_reason
from tigertag.inference import catalogue
from tigertag.inference.catalogue import BEST_FIRST, CataloguedModel
from tigertag.net.http import etag_of, part_of
from tigertag.plugins import is_switched_off
from tigertag.text import megabytes

ModelState = Literal["absent", "fetching", "installed", "built_in", "changed"]
DETECTOR = "tigertag.detector"
RECOMMENDED = "yolox-tiny"


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model, and what there is of it on this machine.

    `state`: `built_in` is part of the container's image, `changed` is a file that is not this
    model. `loaded_bytes`: how much a download has brought so far. `problem`: what is wrong with the
    file, or why the last download failed.
    """

    model: CataloguedModel
    state: ModelState
    path: Path | None = None
    loaded_bytes: int = 0
    problem: str = ""

    @property
    def is_here(self) -> bool:
        return self.state in ("installed", "built_in")

    @property
    def is_sound(self) -> bool:
        """Whether it is here, and no damaged file of the user's lies in front of the image's."""
        return self.is_here and not self.problem


def look(models: Path, name: str, *, reread: bool = False) -> ModelView:
    """Return what there is of a model; `reread`: read its file again. Raises `NotFound`."""
    known = catalogue.model(name)
    faults: list[tuple[Path, str]] = []
    for path in catalogue.places(models, known):
        try:
            fault = catalogue.fault_of(path, known, reread=reread)
        except FileNotFoundError:
            continue
        if not fault:
            state: ModelState = "installed" if path.parent == models else "built_in"
            passed_over = f"{faults[0][1]} The image's own is used instead." if faults else ""
            return ModelView(known, state, path, problem=passed_over)
        faults.append((path, fault))
    loaded = size_of(part_of(models / known.file))
    if faults:
        path, fault = faults[0]
        return ModelView(known, "changed", path, loaded, fault)
    return ModelView(known, "absent", None, loaded)


def listed(models: Path) -> tuple[ModelView, ...]:
    """Return all models that can be fetched, and what there is of them.

    "fetching": some program is at it, as far as the file system has locks.
    """
    views = (look(models, name) for name in catalogue.catalogue())
    return tuple(
        replace(view, state="fetching", problem="")
        if not view.is_sound and _is_locked(part_of(models / view.model.file))
        else view
        for view in views
    )


def fetch(
    http: Http,
    models: Path,
    name: str,
    progress: Callable[[int, int | None], None] | None = None,
) -> Path:
    """Fetch a model unless it is there, and return its file; what was loaded before counts.

    A file that is not this model is replaced once the model is there whole. Raises `ModelError`,
    `NotFound`.
    """
    known = catalogue.model(name)
    path = models / known.file
    try:
        if not catalogue.fault_of(path, known):
            return path
        if not path.is_file():
            raise ModelError(f"{path} is not a file; move it away, then fetch {name} again.")
    except FileNotFoundError:
        pass
    try:
        http.download(
            known.url, path, sha256_prefix=known.sha256, size_bytes=known.bytes, progress=progress
        )
    except HttpError as exc:
        loaded = size_of(part_of(models / known.file))
        kept = f" {megabytes(loaded)} are kept, and the next try resumes there." if loaded else ""
        raise ModelError(
            f"{known.title} could not be fetched: {exc}{kept} Without the internet, copy"
            f" {known.file} into {models}."
        ) from exc
    return path


def remove(models: Path, name: str) -> None:
    """Delete a model's file and what a download has left. Raises `NotFound`, `Conflict`."""
    known = catalogue.model(name)
    part = part_of(models / known.file)
    paths = [models / known.file, part, etag_of(part)]
    there = [path for path in paths if path.is_symlink() or path.exists()]
    if not there:
        if catalogue.installed(models, name):
            raise Conflict(f"{known.title} is part of the container's image; it cannot be removed.")
        raise NotFound(f"{known.title} is not on this machine.")
    try:
        if _is_locked(part):
            raise Conflict(f"{known.title} is being fetched; remove it when that has ended.")
        for path in there:
            path.unlink()
    except OSError as exc:
        raise Conflict(f"{known.title} cannot be removed: {os_reason(exc)}.") from exc


def recommended(views: Sequence[ModelView]) -> ModelView | None:
    """Return the detector to offer: None where there is one already."""
    detectors = [view for view in views if view.model.name in BEST_FIRST]
    if any(view.is_here for view in detectors):
        return None
    return next((view for view in detectors if view.model.name == RECOMMENDED), None)


def detectors(core: Core) -> tuple[str, ...]:
    """Return the engines that detectors run in and that can be used."""
    return tuple(entry.id for entry in core.engines if entry.name == DETECTOR and entry.engine)


def unusable_detectors(core: Core) -> tuple[str, ...]:
    """Return those that cannot be used and are not switched off, as where there is no model yet."""
    return tuple(
        entry.id
        for entry in core.engines
        if entry.name == DETECTOR and entry.engine is None and not is_switched_off(entry.problem)
    )


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _is_locked(part: Path) -> bool:
    """Whether a download is at work on this part; not where that cannot be seen."""
    try:
        with part.open("rb") as file:
            return locks.try_to_lock(file) == "taken"
    except (FileNotFoundError, PermissionError):
        return False
