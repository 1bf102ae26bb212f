"""The genre models that were learned, each in a folder by its name."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from tigertag.errors import ModelError, RequestError, os_reason
from tigertag.genres.genre_model import GenreModel
from tigertag.genres.keeping import OpenFolder, opened, replace
from tigertag.genres.manifest import (
    ARCHIVE,
    BACKBONE,
    EXAMPLES,
    HEAD,
    MANIFEST,
    SEAL,
    Manifest,
    fingerprint,
    read,
    seal,
)
from tigertag.inference.head import Head

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
NO_NAME: Final = (
    "is no name for a genre model: one is of a-z, 0-9, - and _, begins with a letter or a digit,"
    " and has at most 64 of them."
)
BEFORE: Final = ".before"
MOST_BYTES: Final = {
    MANIFEST: 1 << 24,
    SEAL: 1 << 10,
    HEAD: 1 << 27,
    ARCHIVE: 1 << 29,
    EXAMPLES: 1 << 29,
    BACKBONE: 1 << 31,
}
"""What is larger than this is no such file."""
_PICKLES: Final = {".pkl", ".pickle", ".joblib"}
_PICKLE: Final = re.compile(rb"\x80[\x01-\x05]|\x78[\x01\x5e\x9c\xda]|\x1f\x8b|BZh|\xfd7zXZ")
"""How a pickle begins, or one that joblib packed."""
_ADVISED: Final = re.compile("; take it away$|pip install")
"""Problems that learning again would not solve."""
_ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Noted:
    """What a model says of itself, and what tells it from every other."""

    manifest: Manifest
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A model in a list: `noted`, or the one line that says why it cannot be used."""

    name: str
    noted: Noted | None
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

    def manifests(self) -> tuple[Listed, ...]:
        """Return what each says of itself; one that cannot be used with its problem.

        Of their other files it is only looked whether they are those that were kept. Raises
        `ModelError`: the folder cannot be read.
        """
        return tuple(self._listed(name) for name in self.names())

    def noted(self, name: str) -> Noted:
        """Return what the model says of itself; its other files are not read. Fast.

        Raises `ModelError`: there is no such model, or it cannot be used; `RequestError`: this is
        no name.
        """
        with self._found(name) as (_, folder):
            return _noted(folder, name)

    def load(self, name: str) -> GenreModel:
        """Return the model, every file of it checked. Raises as `noted` does."""
        with self._found(name) as (path, folder):
            return _loaded(path, folder, name)

    def file(self, name: str, file: str) -> bytes:
        """Return one of the model's files, as it was when it was kept. Raises as `noted` does."""
        with self._found(name) as (_, folder):
            data = folder.read(file, most=MOST_BYTES[file])
            _compare(file, sha256(data).hexdigest(), _noted(folder, name).manifest)
            return data

    def save(self, manifest: Manifest, files: Mapping[str, bytes]) -> GenreModel:
        """Keep a model under its manifest's name and return it, loaded.

        `files`: all but the manifest, whose hashes are put in here. The earlier model of that
        name is used until the new one is whole, and is kept as `<name>.before`. Raises
        `StoreError`: it cannot be written; `ModelError`: it could not be loaded again;
        `RequestError`: this is no name.
        """
        name = named(manifest.name)
        sums = {file: sha256(data).hexdigest() for file, data in files.items()}
        written = manifest.model_copy(update={"files": sums}).written()
        with _telling(name):
            sealed = {**files, MANIFEST: written, SEAL: seal(written)}
            replace(self._folder, name, sealed, check=partial(_check, name=name))
        return self.load(name)

    def _listed(self, name: str) -> Listed:
        try:
            with self._found(name) as (_, folder):
                return Listed(name, _examined(folder, name))
        except ModelError as exc:
            return Listed(name, None, str(exc))

    @contextmanager
    def _found(self, name: str) -> Iterator[tuple[Path, OpenFolder]]:
        """Open the model's folder, or, where a kill left none, that of the one before it."""
        named(name)
        with ExitStack() as held:
            with _telling(name):
                found = self._either(name, held)
            if found is None:
                raise ModelError(
                    f"There is no genre model {name!r}; learn one: tigertag genre learn CSV "
                    f"--name {name}, or with --library and --section."
                )
            with _telling(name):
                yield found

    def _either(self, name: str, held: ExitStack) -> tuple[Path, OpenFolder] | None:
        for path in (self._folder / name, self._folder / f"{name}{BEFORE}"):
            with suppress(FileNotFoundError):
                return path, held.enter_context(opened(path))
        return None


def named(name: str) -> str:
    """Return the name. Raises `RequestError`: a model cannot be called so."""
    if not NAME.fullmatch(name):
        raise RequestError(f"{name!r} {NO_NAME}")
    return name


@contextmanager
def _telling(name: str) -> Iterator[None]:
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


def _noted(folder: OpenFolder, name: str) -> Noted:
    _refuse_pickles(folder.names())
    data = folder.read(MANIFEST, most=MOST_BYTES[MANIFEST])
    manifest = read(data)
    if folder.read(SEAL, most=MOST_BYTES[SEAL]) != seal(data):
        raise ModelError(f"its {MANIFEST} was changed since it was learned")
    if manifest.name != name:
        raise ModelError(f"its {MANIFEST} is that of {manifest.name!r}; call its folder so again")
    return Noted(manifest, fingerprint(data))


def _refuse_pickles(names: list[str]) -> None:
    for name in names:
        if Path(name).suffix.lower() in _PICKLES:
            raise ModelError(f"{name} is in its folder, and pickles are never read; take it away")


def _examined(folder: OpenFolder, name: str) -> Noted:
    """Compare every file with the manifest; none is made anything of."""
    noted = _noted(folder, name)
    manifest = noted.manifest
    wanted = {HEAD, ARCHIVE, EXAMPLES} | ({BACKBONE} if manifest.backbone.own else set())
    if set(manifest.files) != wanted:
        raise ModelError(f"its {MANIFEST} does not name the files that it should")
    for file in sorted(wanted):
        found, start = folder.examined(file, most=MOST_BYTES[file])
        _refuse_content(file, start)
        _compare(file, found, manifest)
    return noted


def _loaded(path: Path, folder: OpenFolder, name: str) -> GenreModel:
    noted = _examined(folder, name)
    manifest = noted.manifest
    data = folder.read(HEAD, most=MOST_BYTES[HEAD])
    _compare(HEAD, sha256(data).hexdigest(), manifest)
    head = Head(data)
    if (head.width, head.genres) != (manifest.width, len(manifest.genres)):
        raise ModelError(f"its {HEAD} is of another size than its {MANIFEST} says")
    return GenreModel(manifest, noted.fingerprint, head, path)


def _refuse_content(file: str, start: bytes) -> None:
    if _PICKLE.match(start):
        raise ModelError(f"its {file} is a pickle, and pickles are never read")
    if start.startswith(_ZIP) != (file == ARCHIVE):
        raise ModelError(f"its {file} is of another kind than its name says")


def _compare(file: str, found: str, manifest: Manifest) -> None:
    if manifest.files.get(file) != found:
        raise ModelError(f"its {file} was changed since it was learned")
