"""A plain client of Immich's API, which does as it is told, wise or not."""

from collections.abc import Sequence
from typing import Any

import requests

from tests.immich import ImmichServer
from tests.immich.holdings import Json
from tests.unit.libraries.server_place import PHOTO


class Client:
    """Sends requests to a fake, with its own key or another."""

    def __init__(self, server: ImmichServer, key: str = "") -> None:
        self.server = server
        self._session = requests.Session()
        self._session.headers["x-api-key"] = key or server.key

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        options = {"timeout": 10, "allow_redirects": False} | options
        url = f"{self.server.url}/api{path}"
        return self._session.request(method, url, json=body, **options)

    def asset(self, key: str) -> Json:
        shown: Json = self.ask("GET", f"/assets/{key}").json()
        return shown

    def tags(self, key: str) -> list[str]:
        return sorted(tag["value"] for tag in self.asset(key)["tags"])

    def made(self, *values: str) -> list[str]:
        """The ids of tags, which are made where they are missing."""
        return [tag["id"] for tag in self.ask("PUT", "/tags", {"tags": values}).json()]

    def put(self, tags: Sequence[str], assets: Sequence[str]) -> int:
        """Put tags on assets in one request, and return how many were new."""
        body = {"tagIds": tags, "assetIds": assets}
        return int(self.ask("PUT", "/tags/assets", body).json()["count"])

    def put_one(self, tag: str, *assets: str) -> requests.Response:
        return self.ask("PUT", f"/tags/{tag}/assets", {"ids": assets})

    def take_one(self, tag: str, *assets: str) -> requests.Response:
        return self.ask("DELETE", f"/tags/{tag}/assets", {"ids": assets})

    def listed(self, **body: Any) -> Json:
        page: Json = self.ask("POST", "/search/metadata", body).json()["assets"]
        return page

    def names(self, **body: Any) -> list[str]:
        return [one["originalFileName"] for one in self.listed(**body)["items"]]


def filled(server: ImmichServer, photos: int = 6) -> list[str]:
    """Add photos, each taken a minute after the one before."""
    return [
        server.add_photo(None, f"p{number}.jpg", PHOTO, taken=1.7e9 + 60 * number)
        for number in range(photos)
    ]


def complaints(server: ImmichServer) -> list[str]:
    """What the fake was asked that a tagger must never ask, which is forgiven here."""
    found = [*server.violations]
    server.violations.clear()
    return found
