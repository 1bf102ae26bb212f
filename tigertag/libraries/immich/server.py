"""An Immich server: requests, and their responses as JSON."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any

import requests

from tigertag.errors import ItemGone, Unreadable
from tigertag.libraries.immich.errors import ImmichErrors, NotFoundByImmich
from tigertag.libraries.mediaserver.client import SMALL_PICTURE_BYTES, ServerRequest
from tigertag.libraries.mediaserver.errors import (
    NOT_FOUND,
    NOT_ON_SERVER,
    RefusedByServer,
    file_error,
)
from tigertag.libraries.mediaserver.json_client import Entry, JsonClient, number, text
from tigertag.media.files import decoder
from tigertag.net.ranges import RangeReader
from tigertag.net.session import RANGE_REFUSED

REPEATABLE = frozenset({"GET", "POST"})
"""The methods that may be sent again: the only POST is a search.

A PUT that makes tags and got no answer must not be: twenty at once hang the server for good.
"""
_READERS = 4
"""How many assets are read at once: the server has ten connections to its database."""


def objects(values: Any) -> list[Entry]:
    listed = values if isinstance(values, list) else []
    return [value for value in listed if isinstance(value, dict)]


def moment(entry: Entry, name: str) -> datetime | None:
    """Return a time with its zone, as Immich writes all times."""
    with suppress(ValueError):
        read = datetime.fromisoformat(text(entry, name))
        return read if read.tzinfo else None
    return None


class ImmichClient(JsonClient):
    """One server, as the owner of the key sees it. Thread-safe. Raises `LibraryError`.

    `id` is the user's, which no other user of any server has. `permissions`: of the key.
    """

    errors: ImmichErrors
    version: tuple[int, int, int] = (0, 0, 0)
    permissions: frozenset[str] = frozenset()

    def __init__(self, url: str, session: requests.Session, errors: ImmichErrors) -> None:
        super().__init__(f"{url}/api", session, errors)
        self._clock_ahead_s: float | None = None

    def connect(self) -> None:
        """Find out whose key it is, by routes that cost the server next to nothing.

        The ping would answer, too, when nothing else does.
        """
        key = self.entry(ServerRequest("/api-keys/me"), opening=True)
        user = self.entry(ServerRequest("/users/me"), opening=True)
        version = self.entry(ServerRequest("/server/version"), opening=True)
        permissions = key.get("permissions")
        self.id = text(user, "id")
        major, minor, patch = (number(version, part) for part in ("major", "minor", "patch"))
        if not self.id or not isinstance(permissions, list) or major is None:
            raise self.errors.not_this_product()
        self.permissions = frozenset(each for each in permissions if isinstance(each, str))
        self.version = (major, minor or 0, patch or 0)

    def json(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a request, with a body as JSON, and return what is answered; None: nothing."""
        if body is not None:
            options["json"] = body
        response = self._send(method, path, **options)
        self._check(response, response.content)
        return self.parsed(response.content)

    def assets(self, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the assets of these ids, by id; one that is not there is left out."""
        with ThreadPoolExecutor(_READERS, "immich-reading") as readers:
            reading = {key: readers.submit(copy_context().run, self._asset, key) for key in keys}
            try:
                read = {key: coming.result() for key, coming in reading.items()}
            except BaseException:
                readers.shutdown(wait=False, cancel_futures=True)
                raise
        return {key: entry for key, entry in read.items() if entry is not None}

    def _asset(self, key: str) -> Entry | None:
        with suppress(NotFoundByImmich):
            return self.entry(ServerRequest(f"/assets/{key}"))
        return None

    def preview(self, key: str) -> bytes:
        """Return the picture, upright, that Immich has made of a photo or a video.

        Raises `ItemGone`, `Unreadable`, `LibraryError`.
        """
        request = ServerRequest(f"/assets/{key}/thumbnail", {"size": "preview"})
        try:
            picture = self._load(request, max_bytes=SMALL_PICTURE_BYTES)
            decoder(BytesIO(picture))
        except NotFoundByImmich as exc:
            raise ItemGone(NOT_ON_SERVER) from exc
        except RefusedByServer as exc:
            if exc.status != NOT_FOUND:
                raise file_error(exc) from exc
            raise Unreadable(
                "Immich has not made its preview yet; scan again.", retryable=True
            ) from exc
        except Unreadable as exc:
            raise Unreadable(str(exc), retryable=True) from exc
        return picture

    def video_file(self, key: str) -> RangeReader:
        return self.video(ServerRequest(f"/assets/{key}/video/playback"))

    def server_now(self) -> datetime:
        """Return what the server's clock shows, to the second, and never ahead of it."""
        return datetime.now(UTC) + timedelta(seconds=self._clock_ahead_s or 0.0)

    def _get(
        self, request: ServerRequest, headers: Mapping[str, str], **options: Any
    ) -> requests.Response:
        response = super()._get(request, headers, **options)
        is_past_the_end = response.headers.get("Content-Range", "").startswith("bytes */")
        if response.status_code == NOT_FOUND and is_past_the_end:
            # Immich answers 404 to a range past the end of a file.
            response.status_code = RANGE_REFUSED
        return response

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        # A POST that follows a redirect arrives as a GET.
        response = super()._send(method, path, allow_redirects=False, **options)
        with suppress(ValueError):
            # A date has whole seconds: what the clock shows is that much later, or less.
            date = parsedate_to_datetime(response.headers.get("Date", ""))
            self._clock_ahead_s = date.timestamp() - time.time()
        return response
