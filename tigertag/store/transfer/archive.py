"""An archive: every table and some files in one ZIP, written whole or not at all, and checked.

ZIP keeps a checksum of each member and its directory at the end: an archive that was cut off has
none. The SHA-256 of the manifest tell damage; they do not tell who has made the archive.
"""

import os
import shutil
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from errno import EDQUOT, EINVAL, ENOSPC
from hashlib import sha256
from lzma import LZMAError
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from sqlalchemy import Table

from tigertag import __version__
from tigertag.errors import BackupError, StoreFull, StoreUnavailable, os_reason
from tigertag.store import engine_state, migrate
from tigertag.store.database import Db, Store
from tigertag.store.transfer import manifest, rows
from tigertag.store.transfer.manifest import MANIFEST, FilePart, Manifest, TablePart

PART = ".part"
_DISK_FULL = (ENOSPC, EDQUOT)
_LEVEL = 3
_LONGEST_REST_S = 0.1
_BLOCK = 1 << 20
_MOST_LINE = 1 << 26
_DAMAGED = (
    *(BadZipFile, zlib.error, LZMAError, struct.error, EOFError),
    *(NotImplementedError, RuntimeError, ValueError),
)


def write(store: Store, path: Path, files: Mapping[str, Path]) -> Manifest:
    """Make an archive of the database as it is now, and of files by their path in the home.

    Nobody is kept waiting: it is read in one snapshot. Raises `StoreFull`, `StoreUnavailable`,
    `BackupError`; then nothing is left of it.
    """
    part = path.with_name(f".{path.name}{PART}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600), "wb") as file:
            with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
                _write_members(store, archive, files)
            file.flush()
            os.fsync(file.fileno())
        made = verify(part)
        os.replace(part, path)
        _sync(path.parent)
    except OSError as exc:
        raise _cannot_write(exc, path) from exc
    finally:
        part.unlink(missing_ok=True)
    return made


def _cannot_write(exc: OSError, path: Path) -> StoreFull | StoreUnavailable:
    kept = "no backup was made; earlier ones are kept."
    if exc.errno in _DISK_FULL:
        return StoreFull(f"The disk of {path.parent} is full; {kept} Free space, then try again.")
    return StoreUnavailable(f"{path.parent} cannot be written ({os_reason(exc)}); {kept}")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_members(store: Store, archive: ZipFile, files: Mapping[str, Path]) -> None:
    with store.snapshot() as db:
        revision = migrate.revision_of(db)
        tables = {
            table.name: _write_table(db, archive, table)
            for table in rows.tables(db)
            if table.name not in manifest.LEFT_OUT
        }
        database = engine_state.state(db, "", "database") if "kept" in tables else None
    kept = {name: _write_file(archive, name, path) for name, path in files.items()}
    made = Manifest(
        format=manifest.FORMAT,
        version=__version__,
        revision=revision or "",
        database=database or "",
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        tables=tables,
        files={name: part for name, part in kept.items() if part is not None},
    )
    archive.writestr(MANIFEST, made.model_dump_json(indent=1))


def _write_table(db: Db, archive: ZipFile, table: Table) -> TablePart:
    sums, size, count = sha256(), 0, 0
    keep = _kept_row(table)
    with archive.open(manifest.table_member(table.name), "w", force_zip64=True) as member:
        for page in rows.pages(db, table):
            begun = time.monotonic()
            lines = [rows.encode(row) for row in page if keep(row)]
            data = b"".join(lines)
            member.write(data)
            sums.update(data)
            size, count = size + len(data), count + len(lines)
            # Half the time is left to whoever serves pages: 100 000 items still take seconds.
            time.sleep(min(_LONGEST_REST_S, time.monotonic() - begun))
    columns = [column.name for column in table.columns]
    return TablePart(sha256=sums.hexdigest(), size_bytes=size, columns=columns, rows=count)


def _kept_row(table: Table) -> Callable[[tuple[object, ...]], bool]:
    """Leave out leases, and when backups are due: neither holds where a backup is restored."""
    if table.name != "kept":
        return lambda _row: True
    index = [column.name for column in table.columns].index("name")
    return lambda row: not str(row[index]).startswith((engine_state.LEASE, engine_state.BACKUP))


def _write_file(archive: ZipFile, name: str, path: Path) -> FilePart | None:
    """Add a file; None where it has gone meanwhile, as a model that is learned again."""
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return None
    sums, size = sha256(), 0
    member = manifest.file_member(name)
    with source, archive.open(member, "w", force_zip64=True) as target:
        while block := source.read(_BLOCK):
            target.write(block)
            sums.update(block)
            size += len(block)
    return FilePart(sha256=sums.hexdigest(), size_bytes=size)


class Archive:
    """An archive that is open. Its members are read by the names of its manifest alone."""

    def __init__(self, zipped: ZipFile, made: Manifest) -> None:
        self._zipped = zipped
        self.manifest = made

    def lines(self, table: str) -> Iterator[bytes]:
        """Read a table's rows. Raises `BackupError` at the end where they are not those written."""
        part = self.manifest.tables[table]
        count = 0
        with self._member(manifest.table_member(table), part) as member:
            while line := member.readline(_MOST_LINE):
                count += 1
                yield line
        if count != part.rows:
            raise BackupError(f"Table {table} has {count} rows, not {part.rows} as written.")

    def extract(self, path: str, target: Path) -> None:
        """Write a file of the archive to `target`."""
        part = self.manifest.files[path]
        with self._member(manifest.file_member(path), part) as member, target.open("xb") as file:
            shutil.copyfileobj(member, file, _BLOCK)

    def check(self) -> None:
        """Read each member. Raises `BackupError`."""
        for name, part in self.manifest.members.items():
            with self._member(name, part) as member:
                while member.read(_BLOCK):
                    pass

    @contextmanager
    def _member(self, name: str, part: FilePart) -> Iterator["_Checked"]:
        with _mapped(), self._zipped.open(name) as opened:
            member = _Checked(opened, part.size_bytes)
            yield member
            if not member.is_whole(part.sha256):
                raise BackupError(f"The archive is damaged: {name} is not what was written.")


class _Checked:
    """A member that is hashed as it is read, and not read beyond the size that it is to have."""

    def __init__(self, member: IO[bytes], size_bytes: int) -> None:
        self._member = member
        self._left = size_bytes + 1
        self._sums = sha256()

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._member.read(self._left if size < 0 else min(size, self._left)))

    def readline(self, size: int) -> bytes:
        return self._counted(self._member.readline(min(size, self._left)))

    def _counted(self, data: bytes) -> bytes:
        self._sums.update(data)
        self._left -= len(data)
        return data

    def is_whole(self, sums: str) -> bool:
        return self._left == 1 and self._sums.hexdigest() == sums


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive; its manifest is checked, its members as they are read.

    Raises `BackupError`, `StoreUnavailable`.
    """
    try:
        file = path.open("rb")
    except OSError as exc:
        raise StoreUnavailable(f"{path} cannot be read ({os_reason(exc)}).") from exc
    with file:
        with _mapped():
            zipped = ZipFile(file)
        with zipped:
            with _mapped():
                made = _manifest(zipped)
            yield Archive(zipped, made)


def _manifest(zipped: ZipFile) -> Manifest:
    names = [entry.filename for entry in zipped.infolist()]
    if MANIFEST not in names or zipped.getinfo(MANIFEST).file_size > manifest.MOST_BYTES:
        raise BackupError("This is no backup of TigerTag: it has no manifest.json.")
    made = manifest.parse(zipped.read(MANIFEST))
    if sorted(names) != sorted([*made.members, MANIFEST]):
        raise BackupError("The archive does not hold what its manifest lists; it was changed.")
    return made


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except _DAMAGED as exc:
        raise BackupError(f"The archive is cut off, or damaged ({exc}).") from exc
    except OSError as exc:
        # A place before the file's beginning, and bzip2's way to say that data is damaged.
        if exc.errno in (None, EINVAL):
            raise BackupError(f"The archive is damaged ({exc}).") from exc
        raise


def verify(path: Path) -> Manifest:
    """Read all of an archive. Raises `BackupError` where anything is not what was written."""
    with opened(path) as archive:
        archive.check()
        return archive.manifest


def read_manifest(path: Path) -> Manifest:
    """Return what an archive says of itself; fast. Raises `BackupError`, `StoreUnavailable`."""
    with opened(path) as archive:
        return archive.manifest
