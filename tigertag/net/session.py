"""HTTP for the whole program: sessions, and downloads."""

import errno
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path
from typing import TypeVar

import requests

from tigertag.denied import why
from tigertag.errors import HttpError
from tigertag.net.client import Session
from tigertag.net.faults import RANGE_REFUSED, Passing, check, mapped
from tigertag.net.part import Part, alone
from tigertag.net.patience import Patience, is_cancelled
from tigertag.wording import bare_url

T = TypeVar("T")
Progress = Callable[[int, int | None], None]

_BLOCK_BYTES = 64 * 1024


class Http:
    """HTTP for the whole program. Thread-safe; connects on first use."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._sessions: list[Session] = []
        self._loading: Session | None = None

    def close(self) -> None:
        """Close all connections; whoever goes on opens new ones."""
        with self._lock:
            for session in self._sessions:
                session.close()

    def session(self, *, headers: Mapping[str, str] | None = None) -> Session:
        """Return a new session that sends these headers with each request; it connects later."""
        session = Session(self._patience, headers or {})
        with self._lock:
            self._sessions.append(session)
        return session

    def patiently(
        self, attempt: Callable[[], T], *, cancelled: Callable[[], bool] = lambda: False
    ) -> T:
        """See `contracts.Http`."""
        return self._patience.patiently(attempt, cancelled=cancelled)

    def download(
        self,
        url: str,
        to: Path,
        *,
        sha256_prefix: str = "",
        progress: Progress | None = None,
    ) -> None:
        """Fetch a file; it gets its name `to` only when it is whole and has the hash.

        `sha256_prefix` heads the SHA-256's hex digits. A file that is there and has the hash is
        left as it is. What a cut connection or a kill leaves is kept beside it as `<to>.part`, and
        the next try goes on from there. `progress` gets the bytes done and the total, if known.
        Raises `HttpError`.
        """
        with _disk(to):
            if _is_there(to, sha256_prefix):
                return
            to.parent.mkdir(parents=True, exist_ok=True)
            with alone(to) as part:
                if part is None or _is_there(to, sha256_prefix):
                    return
                self._fill(part, url, progress or (lambda _done, _total: None))
                _finish(part, to, url, sha256_prefix)

    def _fill(self, part: Part, url: str, progress: Progress) -> None:
        for attempt in self._patience.attempts_at(self._again):
            with attempt:
                self._go_on(part, url, progress)

    def _again(self, exc: Exception) -> bool | float:
        """Try again if it may help, after the time that the server asks for, if it is not long."""
        return isinstance(exc, Passing) and self._patience.heeds(exc.retry_after_s)

    def _go_on(self, part: Part, url: str, progress: Progress) -> None:
        """Load until the file is whole; a connection that is cut costs no try if it brought any."""
        furthest = part.size
        while True:
            try:
                return self._load(part, url, progress)
            except Passing as exc:
                if exc.status is not None or part.size <= furthest:
                    raise
                furthest = part.size

    def _load(self, part: Part, url: str, progress: Progress) -> None:
        with self._get(url, part.headers()) as response:
            if response.status_code == RANGE_REFUSED:
                if part.is_whole(response):
                    return
                part.start_anew(response)
                raise Passing(f"{bare_url(url)} refuses to go on; it is loaded anew.")
            total = part.take_up(response)
            progress(part.size, total)
            for block in response.iter_content(_BLOCK_BYTES):
                if is_cancelled():
                    raise HttpError(f"Loading {bare_url(url)} was stopped; the next try goes on.")
                part.write(block)
                progress(part.size, total)
        if total is not None and part.size != total:
            raise Passing(f"{bare_url(url)} sent {part.size} of {total} bytes.")

    @contextmanager
    def _get(self, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        with mapped(url):
            patience = self._patience
            timeout_s = (patience.connect_s, patience.read_s)
            session = self._open()
            with session.get(url, headers=headers, stream=True, timeout=timeout_s) as response:
                check(response, url)
                yield response

    def _open(self) -> Session:
        """The session for downloads, which have a patience of their own."""
        with self._lock:
            if self._loading is None:
                self._loading = Session(replace(self._patience, attempts=1), {})
                self._sessions.append(self._loading)
            return self._loading


def _finish(part: Part, to: Path, url: str, sha256_prefix: str) -> None:
    part.sync()
    if not _is_there(part.path, sha256_prefix):
        part.forget()
        raise HttpError(
            f"{bare_url(url)} is not the file that was expected: its SHA-256 does not begin with"
            f" {sha256_prefix}. It was deleted; try again, or give the file yourself."
        )
    part.become(to)


def _is_there(path: Path, sha256_prefix: str) -> bool:
    """Tell whether the file is there with this hash."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest().startswith(sha256_prefix.lower())
    except FileNotFoundError:
        return False


@contextmanager
def _disk(to: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HttpError(
                f"The disk is full: {to.name} does not fit into {to.parent}. What was loaded is"
                " kept as a part; free space, then try again."
            ) from exc
        raise HttpError(f"{to} cannot be written ({why(exc)}).") from exc
