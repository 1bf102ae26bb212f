"""The external libraries of a user, whose ids only their assets show to an ordinary key."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from os.path import commonpath
from pathlib import PurePosixPath

from tigertag.contracts import PluginState
from tigertag.errors import StoreError
from tigertag.libraries.immich import listing
from tigertag.libraries.immich.server import ImmichClient, text

_KEPT = "external-libraries/"
_OVERLAP = timedelta(hours=1)
"""An asset is dated before it can be seen, and by the clock of the database."""


class ExternalLibraries:
    """Reads all assets once, and after that only those that are new."""

    def __init__(self, state: PluginState) -> None:
        self._state = state

    def folders(self, client: ImmichClient) -> dict[str, str]:
        """Return the folder that all files of a library are in, by the library's id."""
        began_at = client.server_now()
        folders, since = self._kept(client)
        search = {"createdAfter": since} if since else {}
        for entries in listing.pages(client, search):
            for entry in entries:
                id, path = text(entry, "libraryId"), text(entry, "originalPath")
                if id and text(entry, "ownerId") == client.id:
                    folders[id] = _common(folders.get(id), str(PurePosixPath(path).parent))
        self._keep(client, folders, listing.timestamp(began_at - _OVERLAP))
        return folders

    def forget(self, client: ImmichClient, id: str) -> None:
        """Take a library out that Immich has no assets of any more."""
        folders, since = self._kept(client)
        folders.pop(id, None)
        self._keep(client, folders, since)

    def _kept(self, client: ImmichClient) -> tuple[dict[str, str], str]:
        # Before the first scan there may be no database: then all assets are read again.
        with suppress(ValueError, KeyError, TypeError, AttributeError, StoreError):
            kept = json.loads(self._state.get(_KEPT + client.id) or "")
            return {str(id): str(folder) for id, folder in kept["folders"].items()}, kept["since"]
        return {}, ""

    def _keep(self, client: ImmichClient, folders: Mapping[str, str], since: str) -> None:
        name, value = _KEPT + client.id, json.dumps({"folders": folders, "since": since})
        with suppress(StoreError):
            self._state.put(name, value)


def titles(folders: Mapping[str, str]) -> dict[str, str]:
    """Return what to call each library: by its folder's name, or else by its whole path."""
    names = {id: PurePosixPath(folder).name or folder for id, folder in folders.items()}
    alike = [name for name in names.values() if list(names.values()).count(name) > 1]
    return {
        id: f"External library {folders[id] if name in alike else name}"
        for id, name in names.items()
    }


def _common(folder: str | None, another: str) -> str:
    if folder is None:
        return another
    try:
        return commonpath((folder, another))
    except ValueError:
        return folder
