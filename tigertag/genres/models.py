"""The genre models that were learned, each in a folder by its name.

A folder is read with suspicion, and written whole or not at all.
"""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from io import BufferedReader
from pathlib import Path
from secrets import token_hex
from typing import Final

from tigertag import locks
from tigertag.contracts import Host
from tigertag.errors import ModelError, RequestError, StoreFull, StoreUnavailable, os_reason
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
from tigertag.genres.npz import DISK_FULL, open_regular

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
"""A file larger than this is not read."""
_PICKLES: Final = {".pkl", ".pickle", ".joblib"}
_PICKLE: Final = re.compile(rb"\x80[\x01-\x05]|\x78[\x01\x5e\x9c\xda]|\x1f\x8b|BZh|\xfd7zXZ")
"""How a pickle begins, or one that joblib packed."""
_ZIP: Final = b"PK\x03\x04"
_TAKE_AWAY: Final = "; take it away"
"""The end of a problem that learning again would not solve."""


@dataclass(frozen=True, slots=True)
class WholeModel:
    """A model, and the files of it that only learning and measuring need."""

    model: GenreModel
    examples: bytes
    baselines: bytes


@dataclass(frozen=True, slots=True)
class ListedModel:
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
        names = {folder.name.removesuffix(BEFORE) for folder in folders}
        return tuple(sorted(filter(NAME.fullmatch, names)))

    def listed(self) -> tuple[ListedModel, ...]:
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
        with self._opened(name) as folder:
            return _manifest(folder, name)

    def load(self, name: str) -> GenreModel:
        """Return the model, every file of it checked. Raises as `manifest` does."""
        with self._opened(name) as folder:
            return _loaded(folder, name)

    def load_whole(self, name: str) -> WholeModel:
        """Return all of a model. Raises as `manifest` does.

        Its folder is held open, so learning it again meanwhile mixes nothing.
        """
        with self._opened(name) as folder:
            model = _loaded(folder, name)
            examples = _read(folder, EXAMPLES, model.manifest)
            return WholeModel(model, examples, _read(folder, BASELINES, model.manifest))

    def save(self, manifest: Manifest, files: Mapping[str, bytes]) -> GenreModel:
        """Keep a model under its manifest's name and return it, loaded.

        `files`: all but the manifest, whose hashes are put in here. The earlier model of that
        name is used until the new one is whole, and is kept as `<name>.before`. Raises
        `StoreError`: it cannot be written; `ModelError`: it could not be loaded again;
        `RequestError`: this is no name.
        """
        name = check_name(manifest.name)
        sums = {file: sha256(data).hexdigest() for file, data in files.items()}
        data = manifest.model_copy(update={"files": sums}).to_json()

        def check(draft: Path) -> None:
            with open_folder(draft) as folder:
                _loaded(folder, name)

        with _problems_of(name):
            replace(self._folder, name, {**files, MANIFEST: data, SEAL: seal(data)}, check=check)
        return self.load(name)

    def _listed(self, name: str) -> ListedModel:
        try:
            with self._opened(name) as folder:
                return ListedModel(name, _checked(folder, name))
        except ModelError as exc:
            return ListedModel(name, None, str(exc))

    @contextmanager
    def _opened(self, name: str) -> Iterator["ModelFolder"]:
        """Open the model's folder, or, where a kill left none, that of the one before it."""
        check_name(name)
        with _problems_of(name), ExitStack() as stack:
            folder = None
            for path in (self._folder / name, self._folder / f"{name}{BEFORE}"):
                with suppress(FileNotFoundError):
                    folder = folder or stack.enter_context(open_folder(path))
            if folder is not None:
                yield folder
                return
        raise ModelError(
            f"There is no genre model {name!r}; learn one: tigertag genre learn CSV "
            f"--name {name}, or with --library and --section."
        )


def models_of(host: Host) -> Models:
    """Return the models of a home."""
    return Models(host.models / "genres")


def check_name(name: str) -> str:
    """Return the name. Raises `RequestError`: a model cannot have it."""
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
        advice = "" if problem.endswith(_TAKE_AWAY) else "; learn it again"
        raise ModelError(f"The genre model {name!r} cannot be used: {problem}{advice}.") from exc


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that is held open: it stays the same one, also when it is renamed meanwhile."""

    path: Path
    descriptor: int

    def names(self) -> list[str]:
        """Return what is in it. Raises `ModelError`."""
        try:
            return sorted(os.listdir(self.descriptor))
        except OSError as exc:
            raise ModelError(f"its folder cannot be read: {os_reason(exc)}") from exc

    @contextmanager
    def open(self, name: str) -> Iterator[BufferedReader]:
        """Open a file. Raises `ModelError`: none is there, it is a link, or it is too large."""
        try:
            with open_regular(name, most=MOST_BYTES[name], folder=self.descriptor) as file:
                yield file
        except FileNotFoundError as exc:
            raise ModelError(f"its {name} is missing") from exc
        except ValueError as exc:
            raise ModelError(f"its {name} {exc}") from exc
        except OSError as exc:
            link = exc.errno == errno.ELOOP
            problem = "is a link" if link else f"cannot be read: {os_reason(exc)}"
            raise ModelError(f"its {name} {problem}") from exc

    def read(self, name: str) -> bytes:
        """Return a file. Raises as `open` does."""
        with self.open(name) as file:
            return file.read()


@contextmanager
def open_folder(path: Path) -> Iterator[ModelFolder]:
    """Hold a folder open. Raises FileNotFoundError, and `ModelError`: it is a link or no folder."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise ModelError(f"its folder cannot be opened: {os_reason(exc)}") from exc
    try:
        yield ModelFolder(path, descriptor)
    finally:
        os.close(descriptor)


def _manifest(folder: ModelFolder, name: str) -> Manifest:
    for file in folder.names():
        if Path(file).suffix.lower() in _PICKLES:
            raise ModelError(f"{file} is in its folder, and pickles are never read{_TAKE_AWAY}")
    data = folder.read(MANIFEST)
    manifest = read(data)
    if folder.read(SEAL) != seal(data):
        raise ModelError(f"its {MANIFEST} was changed since it was learned")
    if manifest.name != name:
        raise ModelError(f"its {MANIFEST} is that of {manifest.name!r}; call its folder so again")
    return manifest


def _checked(folder: ModelFolder, name: str) -> Manifest:
    """Compare every file with the manifest; nothing is loaded."""
    manifest = _manifest(folder, name)
    files = {HEAD, BASELINES, EXAMPLES} | ({BACKBONE} if manifest.backbone.own else set())
    if set(manifest.files) != files:
        raise ModelError(f"its {MANIFEST} does not name the files that it should")
    for name in sorted(files):
        with folder.open(name) as file:
            start = file.read(16)
            file.seek(0)
            digest = file_digest(file, sha256).hexdigest()
        if _PICKLE.match(start):
            raise ModelError(f"its {name} is a pickle, and pickles are never read")
        if start.startswith(_ZIP) != name.endswith(".npz"):
            raise ModelError(f"its {name} is of another kind than its name says")
        _compare(name, digest, manifest)
    return manifest


def _loaded(folder: ModelFolder, name: str) -> GenreModel:
    manifest = _checked(folder, name)
    data = _read(folder, HEAD, manifest)
    head = Head.read(data, width=manifest.width, genres=len(manifest.genres))
    return GenreModel(manifest, head, folder.path)


def _read(folder: ModelFolder, file: str, manifest: Manifest) -> bytes:
    data = folder.read(file)
    # It may have been changed since `_checked` has compared it.
    _compare(file, sha256(data).hexdigest(), manifest)
    return data


def _compare(file: str, digest: str, manifest: Manifest) -> None:
    if manifest.files.get(file) != digest:
        raise ModelError(f"its {file} was changed since it was learned")


def replace(
    folder: Path, name: str, files: Mapping[str, bytes], *, check: Callable[[Path], None]
) -> None:
    """Make `folder/name` hold these files; what was there until now is kept as `name.before`.

    One process at a time, where the file system can lock a folder. `check` looks at the new folder
    before it takes the other's place, and may raise. Where it is killed, either `name` or
    `name.before` is whole. Raises `StoreError`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _synced(folder) as descriptor:
            locks.wait_for(descriptor)
            for left_over in folder.glob(f".{name}.*"):
                _remove(left_over)
            draft = folder / f".{name}.{token_hex(4)}"
            try:
                _write(draft, files)
                check(draft)
                _swap(draft, folder / name)
            finally:
                with suppress(OSError):
                    _remove(draft)
    except OSError as exc:
        raise (StoreFull if exc.errno in DISK_FULL else StoreUnavailable)(
            f"The genre model cannot be kept in {folder}: {os_reason(exc)}; what was there stays."
        ) from exc


@contextmanager
def _synced(folder: Path) -> Iterator[int]:
    """Open a folder; what the block puts into it is on the disk when it ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
        try:
            os.fsync(descriptor)
        except OSError as exc:
            # Not every file system can: what was learned is kept without.
            if exc.errno not in locks.UNSUPPORTED:
                raise
    finally:
        os.close(descriptor)


def _write(draft: Path, files: Mapping[str, bytes]) -> None:
    draft.mkdir()
    with _synced(draft):
        for name, data in files.items():
            with (draft / name).open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())


def _swap(draft: Path, target: Path) -> None:
    before = target.with_name(f"{target.name}{BEFORE}")
    # Where a kill left no target, the one before is all that there is.
    if os.path.lexists(target):
        _remove(before)
        target.rename(before)
    draft.rename(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
