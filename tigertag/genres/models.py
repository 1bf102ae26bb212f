"""The genre models that were learned, each in a folder by its name."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from tigertag.contracts import Host
from tigertag.errors import ModelError, RequestError, os_reason
from tigertag.genres.files import OpenFolder, opened, replace
from tigertag.genres.manifest import (
    BACKBONE,
    BASELINES,
    EXAMPLES,
    HEAD,
    MANIFEST,
    SEAL,
    Manifest,
    read,
    seal,
)
from tigertag.genres.model import GenreModel, Head

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
NO_NAME: Final = (
    "is no name for a genre model: one is of a-z, 0-9, - and _, begins with a letter or a digit,"
    " and has at most 64 of them."
)
BEFORE: Final = ".before"
MOST_BYTES: Final = {
    MANIFEST: 1 << 24,
    SEAL: 1 << 10,
    HEAD: 1 << 29,
    BASELINES: 1 << 29,
    EXAMPLES: 1 << 29,
    BACKBONE: 1 << 31,
}
"""What is larger than this is no such file."""
_PICKLES: Final = {".pkl", ".pickle", ".joblib"}
_PICKLE: Final = re.compile(rb"\x80[\x01-\x05]|\x78[\x01\x5e\x9c\xda]|\x1f\x8b|BZh|\xfd7zXZ")
"""How a pickle begins, or one that joblib packed."""
_ADVISED: Final = re.compile("; take it away$")
"""A problem that learning again would not solve."""
_ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class WholeModel:
    """A model, and the files of it that only learning and measuring need."""

    model: GenreModel
    examples: bytes
    baselines: bytes


@dataclass(frozen=True, slots=True)
class Listed:
    """A model in a list: its manifest, or the one line that says why it cannot be used."""

    name: str
    manifest: Manifest | None
    problem: str = ""


class Models:
    """All models of a home, in `folder`. Any number of threads and processes may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        """Return the names of all that are there, whole or not. Raises `ModelError`."""
        try:
            folders = [entry for entry in self._folder.iterdir() if entry.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as exc:
            reason = os_reason(exc)
            raise ModelError(f"The models in {self._folder} cannot be listed: {reason}.") from exc
        found = {folder.name.removesuffix(BEFORE) for folder in folders}
        return tuple(sorted(name for name in found if NAME.fullmatch(name)))

    def listed(self) -> tuple[Listed, ...]:
        """Return the manifest of each; one that cannot be used with its problem.

        Of their other files only the hashes are compared. Raises `ModelError`: the folder cannot
        be read.
        """
        return tuple(self._listed(name) for name in self.names())

    def manifest(self, name: str) -> Manifest:
        """Return the model's manifest; its other files are not read. Fast.

        Raises `ModelError`: there is no such model, or it cannot be used; `RequestError`: this is
        no name.
        """
        with self._opened(name) as (_, folder):
            return _manifest(folder, name)

    def load(self, name: str) -> GenreModel:
        """Return the model, every file of it checked. Raises as `manifest` does."""
        with self._opened(name) as (path, folder):
            return _loaded(path, folder, name)

    def load_whole(self, name: str) -> WholeModel:
        """Return all of a model. Raises as `manifest` does.

        Its folder is held open, so learning it again meanwhile mixes nothing.
        """
        with self._opened(name) as (path, folder):
            model = _loaded(path, folder, name)
            examples, baselines = (
                _read(folder, file, model.manifest) for file in (EXAMPLES, BASELINES)
            )
            return WholeModel(model, examples, baselines)

    def save(self, manifest: Manifest, files: Mapping[str, bytes]) -> GenreModel:
        """Keep a model under its manifest's name and return it, loaded.

        `files`: all but the manifest, whose hashes are put in here. The earlier model of that
        name is used until the new one is whole, and is kept as `<name>.before`. Raises
        `StoreError`: it cannot be written; `ModelError`: it could not be loaded again;
        `RequestError`: this is no name.
        """
        name = check_name(manifest.name)
        sums = {file: sha256(data).hexdigest() for file, data in files.items()}
        written = manifest.model_copy(update={"files": sums}).written()
        with _problems_of(name):
            sealed = {**files, MANIFEST: written, SEAL: seal(written)}
            replace(self._folder, name, sealed, check=partial(_check, name=name))
        return self.load(name)

    def _listed(self, name: str) -> Listed:
        try:
            with self._opened(name) as (_, folder):
                return Listed(name, _checked(folder, name))
        except ModelError as exc:
            return Listed(name, None, str(exc))

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[Path, OpenFolder]]:
        """Open the model's folder, or, where a kill left none, that of the one before it."""
        check_name(name)
        with ExitStack() as held:
            with _problems_of(name):
                found = self._either(name, held)
            if found is None:
                raise ModelError(
                    f"There is no genre model {name!r}; learn one: tigertag genre learn CSV "
                    f"--name {name}, or with --library and --section."
                )
            with _problems_of(name):
                yield found

    def _either(self, name: str, held: ExitStack) -> tuple[Path, OpenFolder] | None:
        for path in (self._folder / name, self._folder / f"{name}{BEFORE}"):
            with suppress(FileNotFoundError):
                return path, held.enter_context(opened(path))
        return None


def models_of(host: Host) -> Models:
    """Return the models of a home."""
    return Models(host.models / "genres")


def check_name(name: str) -> str:
    """Return the name. Raises `RequestError`: a model cannot be called so."""
    if not NAME.fullmatch(name):
        raise RequestError(f"{name!r} {NO_NAME}")
    return name


@contextmanager
def _problems_of(name: str) -> Iterator[None]:
    """Say of which model the problem is."""
    try:
        yield
    except ModelError as exc:
        problem = str(exc).removesuffix(".")
        problem = problem[:1].lower() + problem[1:]
        advice = "" if _ADVISED.search(problem) else "; learn it again"
        raise ModelError(f"The genre model {name!r} cannot be used: {problem}{advice}.") from exc


def _check(folder: Path, *, name: str) -> None:
    with opened(folder) as held:
        _loaded(folder, held, name)


def _manifest(folder: OpenFolder, name: str) -> Manifest:
    _refuse_pickles(folder.names())
    data = folder.read(MANIFEST, most=MOST_BYTES[MANIFEST])
    manifest = read(data)
    if folder.read(SEAL, most=MOST_BYTES[SEAL]) != seal(data):
        raise ModelError(f"its {MANIFEST} was changed since it was learned")
    if manifest.name != name:
        raise ModelError(f"its {MANIFEST} is that of {manifest.name!r}; call its folder so again")
    return manifest


def _refuse_pickles(names: list[str]) -> None:
    for name in names:
        if Path(name).suffix.lower() in _PICKLES:
            raise ModelError(f"{name} is in its folder, and pickles are never read; take it away")


def _checked(folder: OpenFolder, name: str) -> Manifest:
    """Compare every file with the manifest; nothing is loaded."""
    manifest = _manifest(folder, name)
    wanted = {HEAD, BASELINES, EXAMPLES} | ({BACKBONE} if manifest.backbone.own else set())
    if set(manifest.files) != wanted:
        raise ModelError(f"its {MANIFEST} does not name the files that it should")
    for file in sorted(wanted):
        digest, start = folder.examined(file, most=MOST_BYTES[file])
        _refuse_content(file, start)
        _compare(file, digest, manifest)
    return manifest


def _loaded(path: Path, folder: OpenFolder, name: str) -> GenreModel:
    manifest = _checked(folder, name)
    data = _read(folder, HEAD, manifest)
    head = Head.read(data, width=manifest.width, genres=len(manifest.genres))
    return GenreModel(manifest, head, path)


def _read(folder: OpenFolder, file: str, manifest: Manifest) -> bytes:
    data = folder.read(file, most=MOST_BYTES[file])
    _compare(file, sha256(data).hexdigest(), manifest)
    return data


def _refuse_content(file: str, start: bytes) -> None:
    if _PICKLE.match(start):
        raise ModelError(f"its {file} is a pickle, and pickles are never read")
    if start.startswith(_ZIP) != file.endswith(".npz"):
        raise ModelError(f"its {file} is of another kind than its name says")


def _compare(file: str, digest: str, manifest: Manifest) -> None:
    if manifest.files.get(file) != digest:
        raise ModelError(f"its {file} was changed since it was learned")
