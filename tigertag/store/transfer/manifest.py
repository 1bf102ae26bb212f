"""What an archive says of itself, and what may be in it."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tigertag.errors import BackupError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
MOST_BYTES: Final = 1 << 24
"""A larger manifest is not read."""

LEFT_OUT: Final = frozenset({
    *("credentials", "links", "sessions", "attempts"),
    # Tokens of hooks; what is to be done now, which an old backup does not know.
    *("hooks", "tasks", "scan_requests", "notices", "outbox"),
    *("workers", "request_slots"),
    # Large, and made again for nothing.
    "embeddings",
})  # fmt: skip
"""Tables that no archive holds: secrets, what concerns the moment alone, and what can be made
again. A home keeps its own.

Every other table goes into archives: a test looks for columns that are named like secrets.
"""

_GENRE_MODELS = ("models", "genres")
_TABLE = re.compile(r"[a-z][a-z_]{0,62}")

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FilePart(_Part):
    """A file of the home."""

    sha256: Sha256
    size_bytes: Size


class TablePart(FilePart):
    """A table: its columns, in the order of each line's values."""

    columns: list[str]
    rows: Size


class Manifest(_Part):
    """What is in an archive, with the SHA-256 of each member but itself."""

    format: int
    version: str
    revision: str
    database: str
    made_at: str
    tables: dict[str, TablePart]
    files: dict[str, FilePart]

    @property
    def members(self) -> dict[str, FilePart]:
        """Return all that the archive holds beside the manifest, by its name there."""
        tables = {table_member(name): part for name, part in self.tables.items()}
        return tables | {file_member(path): part for path, part in self.files.items()}


def table_member(name: str) -> str:
    return f"tables/{name}.jsonl"


def file_member(path: str) -> str:
    return f"files/{path}"


def parse(data: bytes) -> Manifest:
    """Read a manifest. Raises `BackupError`."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as exc:
        raise BackupError("The archive's manifest cannot be read; it was not made whole.") from exc
    if manifest.format != FORMAT:
        raise BackupError(
            f"The archive is of format {manifest.format}, which this TigerTag does not know."
            " Update TigerTag."
        )
    for name in manifest.tables:
        if not _TABLE.fullmatch(name) or name in LEFT_OUT:
            raise BackupError(f"The archive holds a table {name[:80]!r}, which no backup has.")
    for path in manifest.files:
        if not may_hold(path):
            raise BackupError(
                f"The archive holds a file {path[:80]!r}, which no backup has; nothing was written."
            )
    return manifest


def may_hold(path: str) -> bool:
    """Whether an archive may hold this file of a home: YAML, or a part of a genre model.

    Never one that lies outside, or that the service trusts, such as the key of its sessions.
    """
    if not path.isprintable() or "\\" in path or path != PurePosixPath(path).as_posix():
        return False
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or any(part.startswith(".") for part in parts):
        return False
    is_model = parts[:2] == _GENRE_MODELS and len(parts) == 4
    return is_model or path.endswith((".yaml", ".yml"))
