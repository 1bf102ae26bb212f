"""REST for backups: list, make, download and verify them. They are restored by the command line."""

from datetime import datetime
from typing import Any, Literal

from flask import Response, send_file
from pydantic import BaseModel, Field

from tigertag.services import backups
from tigertag.web import state
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.schemas import NoFields, Nothing, Shape, Text

routes = Routes("backups", "Backups of all that TigerTag knows, but passwords and keys.")

_BACKUP = "/backups/<name>"
_ARCHIVE: dict[Any, Any] = {
    200: {
        "description": "The archive.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class BackupShape(Shape):
    """A backup; the facts after `size_bytes` are empty where it cannot be restored."""

    name: str
    made_at: datetime
    kind: Literal["nightly", "manual", "replaced"] = Field(
        description="replaced: it holds what a restore has replaced."
    )
    size_bytes: int
    version: str = Field(description="The TigerTag that made it.")
    revision: str = Field(description="The database's revision in it.")
    items: int
    rows: int
    files: int
    problem: str = Field(description="Why it cannot be restored; empty if it can.")


class BackupsShape(Shape):
    """All backups, and how it stands with the next."""

    items: list[BackupShape] = Field(
        validation_alias="backups", description="The backups, the newest first."
    )
    is_running: bool = Field(description="Whether one is being made, or begins within seconds.")
    next_at: datetime | None = Field(description="When the nightly one is due; null: never.")
    problem: str = Field(description="Why the last one could not be made; may be empty.")


class BackupPath(BaseModel):
    name: Text = Field(description="The backup's name, such as `tigertag-…-nightly.zip`.")


@routes.get("/backups", BackupsShape)
def list_backups(query: Nothing) -> Response:
    """List the backups, the newest first, and when the next is due."""
    return sent(BackupsShape, backups.listed(state.core()))


@routes.post("/backups", {202: BackupsShape}, 400, 413, 415)
def make_backup(body: NoFields, query: Nothing) -> Response:
    """Make a backup. It begins within seconds; `is_running` is true until it has ended."""
    return sent(BackupsShape, backups.create(state.core()), 202)


@routes.get(_BACKUP, _ARCHIVE, 404)
def download_backup(path: BackupPath, query: Nothing) -> Response:
    """Download a backup. It holds no password and no API key, but all titles, tags and places."""
    file = backups.path_of(state.core(), path.name)
    return send_file(file, mimetype="application/zip", as_attachment=True)


@routes.post(f"{_BACKUP}/verify", BackupShape, 400, 404, 413, 415)
def verify_backup(path: BackupPath, body: NoFields, query: Nothing) -> Response:
    """Read all of a backup and compare it with its checksums; `problem` says what is wrong."""
    return sent(BackupShape, backups.verify(state.core(), path.name))
