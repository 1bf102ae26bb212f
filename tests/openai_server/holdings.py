"""What the service keeps: files, on disk, and batches."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.openai_server.refusals import Refused


@dataclass(slots=True)
class File:
    id: str
    name: str
    purpose: str
    path: Path
    created: int = field(default_factory=lambda: int(time.time()))

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.path.stat().st_size,
            "created_at": self.created,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


@dataclass(slots=True)
class Batch:
    id: str
    file: str
    metadata: dict[str, str]
    status: str = "validating"
    created: int = field(default_factory=lambda: int(time.time()))
    total: int = 0
    completed: int = 0
    failed: int = 0
    output: str | None = None
    error: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        return self.status in ("failed", "completed", "expired", "cancelled")

    def shown(self) -> dict[str, Any]:
        counts = {"total": self.total, "completed": self.completed, "failed": self.failed}
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.file,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output,
            "error_file_id": self.error,
            "created_at": self.created,
            "expires_at": self.created + 86_400,
            "request_counts": counts,
            "metadata": self.metadata,
        }


def page(shown: list[dict[str, Any]], query: dict[str, str], *, most: int) -> dict[str, Any]:
    """A page of a list that is the newest first. Raises `Refused`."""
    limit = query.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= most:
        raise Refused(400, f"Invalid 'limit': between 1 and {most}", param="limit")
    start = 0
    if "after" in query:
        ids = [one["id"] for one in shown]
        if query["after"] not in ids:
            raise Refused(400, "There is no such 'after'", param="after")
        start = ids.index(query["after"]) + 1
    some = shown[start : start + int(limit)]
    return {
        "object": "list",
        "data": some,
        "first_id": some[0]["id"] if some else None,
        "last_id": some[-1]["id"] if some else None,
        "has_more": start + len(some) < len(shown),
    }
