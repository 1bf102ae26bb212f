"""Requests to a media server: each response is read whole, in parts, or refused."""

import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from io import BytesIO
from threading import Lock
from typing import Any, Generic, TypeVar

import requests

from tigertag.errors import Unreadable
from tigertag.libraries.mediaserver.errors import (
    RefusedByServer,
    ServerBusy,
    ServerErrors,
    file_error,
)
from tigertag.libraries.mediaserver.options import PATH_MAP_ADVICE
from tigertag.media.files import decoder
from tigertag.net.ranges import RangeReader

logger = logging.getLogger(__name__)

TIMEOUT_S = (5.0, 60.0)
OPENING_TIMEOUT_S = (5.0, 15.0)
SMALL_PICTURE_BYTES = 32_000_000
_ORIGINAL_BYTES = 200_000_000
_LOADED_WITHIN_S = 300.0
_BLOCK_BYTES = 64 * 1024
_FRESH_S = 60.0
_OK = frozenset({200, 201, 204})
_RANGE_STATUS = frozenset({206, 416})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServerRequest:
    """A GET: a path below the server's address, and its query."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)


class ServerClient:
    """Gets, posts and puts. Thread-safe. Raises `LibraryError`.

    `id`: the server's own.
    """

    id: str

    def __init__(self, base_url: str, session: requests.Session, errors: ServerErrors) -> None:
        self._base_url = base_url
        self._session = session
        self.errors = errors

    def get(
        self,
        request: ServerRequest,
        *,
        headers: Mapping[str, str] | None = None,
        opening: bool = False,
    ) -> bytes:
        """Return the body of the response, which is not empty."""
        timeout_s = OPENING_TIMEOUT_S if opening else TIMEOUT_S
        response = self._get(request, headers or {}, timeout=timeout_s)
        self._check(response, response.content)
        if not response.content.strip():
            raise self.errors.empty()
        return response.content

    def write(self, method: str, path: str, **options: Any) -> None:
        """Send an edit; the response does not say what came of it."""
        response = self._send(method, path, **options)
        self._check(response, response.content)

    @contextmanager
    def stream(self, request: ServerRequest, *, byte_range: str) -> Iterator[requests.Response]:
        """Get a range of a file, as `net.ranges` asks for it. Raises `ItemError`."""
        headers = {"Range": byte_range, "Accept-Encoding": "identity"}
        with self._get(request, headers, stream=True) as response:
            try:
                if response.status_code not in _RANGE_STATUS:
                    self._check(response)
            except RefusedByServer as exc:
                raise file_error(exc) from exc
            yield response

    def video(self, request: ServerRequest) -> RangeReader:
        """Return a file that is read in parts, as they are needed."""
        return RangeReader(
            lambda byte_range: self.stream(request, byte_range=byte_range), advice=PATH_MAP_ADVICE
        )

    def picture(self, small: ServerRequest, original: ServerRequest) -> bytes:
        """Return a picture scaled down by the server, or else the original.

        Raises `ItemGone`, `Unreadable`, `LibraryError`.
        """
        if picture := self.small_picture(small):
            return picture
        try:
            return self._load(original, max_bytes=_ORIGINAL_BYTES)
        except RefusedByServer as exc:
            raise file_error(exc) from exc

    def small_picture(self, request: ServerRequest) -> bytes | None:
        """Return a picture that the server scales; None where it has none, or cannot scale it."""
        try:
            picture = self._load(request, max_bytes=SMALL_PICTURE_BYTES)
            decoder(BytesIO(picture))
        except (RefusedByServer, ServerBusy, Unreadable) as exc:
            logger.debug("no scaled picture from %s: %s", request.path, exc)
            return None
        return picture

    def _load(self, request: ServerRequest, *, max_bytes: int) -> bytes:
        """Return a file. Raises `Unreadable` where it is cut off, too large or too slow."""
        with self._get(request, {}, stream=True) as response:
            self._check(response)
            try:
                return _body(response, max_bytes)
            except requests.RequestException:
                raise Unreadable(
                    "The connection was cut while it was loaded; scan again.", retryable=True
                ) from None

    def _get(
        self, request: ServerRequest, headers: Mapping[str, str], **options: Any
    ) -> requests.Response:
        return self._send("GET", request.path, params=request.query, headers=headers, **options)

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        with self.errors.mapped():
            return self._session.request(
                method, self._base_url + path, **{"timeout": TIMEOUT_S, **options}
            )

    def _check(self, response: requests.Response, body: bytes = b"") -> None:
        if response.status_code not in _OK:
            raise self.errors.of_status(response, body)


def _body(response: requests.Response, max_bytes: int) -> bytes:
    deadline_s, body = time.monotonic() + _LOADED_WITHIN_S, bytearray()
    for block in response.iter_content(_BLOCK_BYTES):
        body += block
        if len(body) > max_bytes:
            raise Unreadable(f"Its file is larger than {max_bytes // 1_000_000} MB.")
        if time.monotonic() > deadline_s:
            raise Unreadable("The server sends it too slowly; scan again.", retryable=True)
    return bytes(body)


class CachedConnection(Generic[T]):
    """What `connect` returned, for a minute. Thread-safe. Raises whatever `connect` does.

    A service runs for months, and by then another server may answer at the same address: opening a
    connection that is a minute old connects again. If that fails, the last one stays.
    """

    def __init__(self, connect: Callable[[], T]) -> None:
        self._connect = connect
        self._lock = Lock()
        self._connection: T | None = None
        self._connected_at_s = 0.0

    def open(self) -> T:
        with self._lock:
            age_s = time.monotonic() - self._connected_at_s
            if self._connection is None or age_s > _FRESH_S:
                self._connection = self._connect()
                self._connected_at_s = time.monotonic()
            return self._connection

    @property
    def current(self) -> T:
        """The last connection, however old; it connects only if there was none."""
        return self.open() if self._connection is None else self._connection


def device_id(library: str) -> str:
    """Return the same name for a library on a host; it does not give the host away."""
    name = f"{library} {socket.gethostname()}"
    return f"tigertag-{blake2b(name.encode(), digest_size=16).hexdigest()}"
