"""Requests to a media server that answers in JSON, and what its objects hold."""

import json
from collections.abc import Mapping
from typing import Any

from tigertag.libraries.mediaserver.client import ServerClient, ServerRequest

Entry = Mapping[str, Any]
"""A JSON object, as the server sent it."""


def text(entry: Entry, name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def number(entry: Entry, name: str) -> int | None:
    value = entry.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class JsonClient(ServerClient):
    """Thread-safe. Raises `LibraryError`, also for what no such server answers."""

    def parsed(self, body: bytes) -> Any:
        """Return what a body holds; None where it is empty."""
        body = body.strip()
        if not body:
            return None
        try:
            return json.loads(body)
        except ValueError:
            truncated = body.startswith((b"{", b"["))
            error = self.errors.truncated if truncated else self.errors.not_this_product
            raise error() from None

    def entry(self, request: ServerRequest, *, opening: bool = False) -> Entry:
        entry = self.parsed(self.get(request, opening=opening))
        if not isinstance(entry, dict):
            raise self.errors.not_this_product()
        return entry

    def entries(self, request: ServerRequest, *, opening: bool = False) -> list[Entry]:
        """Return the objects of a response."""
        return self.entries_of(self.parsed(self.get(request, opening=opening)))

    def entries_of(self, response: Any) -> list[Entry]:
        if not isinstance(response, list) or not all(isinstance(each, dict) for each in response):
            raise self.errors.not_this_product()
        return response
