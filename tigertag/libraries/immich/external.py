"""The external libraries of a user, whose ids only their assets show to an ordinary key."""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from os.path import commonpath
from pathlib import PurePosixPath

from tigertag.contracts import PluginState
from tigertag.errors import StoreError
from tigertag.libraries.immich import listing
from tigertag.libraries.immich.server import ImmichClient
from tigertag.libraries.mediaserver.json_client import text

_KEPT = "external-libraries/"
_OVERLAP = timedelta(hours=1)
"""An asset is dated before it can be seen, and by the clock of the database."""


class ExternalLibraries:
    """Reads all assets once, and after that only those that are new."""

    def __init__(self, state: PluginState) -> None:
        self._state = state

    def titles(self, client: ImmichClient) -> dict[str, str]:
        """Return what each library that has assets is called, by its id.

        A title stays as it was given, wherever files are added later: settings may name it. One
        stays known while it has none: its assets come back with their old dates, as from the
        locked folder.
        """
        began_at = client.server_now()
        titles, since = self._kept(client)
        folders: dict[str, str] = {}
        search = {"createdAfter": since} if since else {}
        for entries in listing.pages(client, search):
            for entry in entries:
                id, path = text(entry, "libraryId"), text(entry, "originalPath")
                if id and id not in titles and text(entry, "ownerId") == client.id:
                    folders[id] = _common(folders.get(id), str(PurePosixPath(path).parent))
        titles |= _titles(folders, titles.values())
        self._keep(client, titles, listing.timestamp(began_at - _OVERLAP))
        return {
            id: title for id, title in titles.items() if id in folders or has_assets(client, id)
        }

    def _kept(self, client: ImmichClient) -> tuple[dict[str, str], str]:
        # Before the first scan there may be no database: then all assets are read again.
        with suppress(ValueError, KeyError, TypeError, AttributeError, StoreError):
            kept = json.loads(self._state.get(_KEPT + client.id) or "")
            return {str(id): str(title) for id, title in kept["titles"].items()}, kept["since"]
        return {}, ""

    def _keep(self, client: ImmichClient, titles: Mapping[str, str], since: str) -> None:
        name, value = _KEPT + client.id, json.dumps({"titles": titles, "since": since})
        with suppress(StoreError):
            self._state.put(name, value)


def has_assets(client: ImmichClient, id: str) -> bool:
    """Whether a library has assets that its owner may see, in the trash or offline as well."""
    return listing.first(client, {"libraryId": id, "withDeleted": True}) is not None


def _titles(folders: Mapping[str, str], taken: Collection[str]) -> dict[str, str]:
    """Return what to call new libraries: by the folder's name, or else by its whole path."""
    short = {id: _title(PurePosixPath(folder).name or folder) for id, folder in folders.items()}
    names = [*taken, *short.values()]
    return {
        id: title if names.count(title) == 1 else _title(folders[id]) for id, title in short.items()
    }


def _title(name: str) -> str:
    return f"External library {name}"


def _common(folder: str | None, another: str) -> str:
    if folder is None:
        return another
    try:
        return commonpath((folder, another))
    except ValueError:
        return folder
