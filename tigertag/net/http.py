"""HTTP for the whole program: sessions, and downloads that resume."""

import errno
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path
from shutil import disk_usage
from typing import Any, BinaryIO, TypeVar
from uuid import uuid4

import requests
from requests.exceptions import ChunkedEncodingError
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from tigertag import locks
from tigertag.errors import HttpError, os_reason
from tigertag.net.retry import RetryPolicy, is_cancelled
from tigertag.net.session import (
    PARTIAL,
    RANGE_REFUSED,
    REPEATABLE,
    Session,
    TransientHttpError,
    check,
    mapped_errors,
)
from tigertag.text import bare_url

T = TypeVar("T")
Progress = Callable[[int, int | None], None]

_BLOCK_BYTES = 64 * 1024
_SHA256_DIGITS = 64
_PACE_S = 60.0
_LEAST_BYTES_A_SECOND = 1000


class HttpClient:
    """HTTP for the whole program. Thread-safe; connects on first use."""

    def __init__(self, policy: RetryPolicy | None = None) -> None:
        self._policy = policy or RetryPolicy()
        self._lock = threading.Lock()
        self._sessions: list[Session] = []
        # A download counts its tries itself, so its session makes but one.
        self._downloads = self._opened(replace(self._policy, attempts=1), {})

    def close(self) -> None:
        """Close all connections; sessions that are used again open new ones."""
        with self._lock:
            for session in self._sessions:
                session.close()

    def session(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: Collection[str] = REPEATABLE,
        repeats_timeouts: bool = True,
    ) -> Session:
        """See `contracts.Http`; it connects later."""
        return self._opened(
            self._policy,
            headers or {},
            repeatable=repeatable,
            repeats_timeouts=repeats_timeouts,
        )

    def retry(
        self, attempt: Callable[[], T], *, cancelled: Callable[[], bool] = lambda: False
    ) -> T:
        """See `contracts.Http`."""
        return self._policy.retry(attempt, cancelled=cancelled)

    patiently = retry
    """The name before: plug-ins of others may use it."""

    def download(
        self,
        url: str,
        to: Path,
        *,
        sha256_prefix: str = "",
        size_bytes: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Fetch a file; it gets its name `to` only when it is whole and has the hash.

        `sha256_prefix` heads the SHA-256's hex digits; `size_bytes` is the size of the whole file,
        and no more is loaded. A file that is there and has the hash is left as it is. What a cut
        connection or a kill leaves is kept beside it as `<to>.part`, and the next try goes on from
        there. `progress` gets the bytes done and the total, if known. Raises `HttpError`.
        """
        with _disk_errors(to):
            if _has_hash(to, sha256_prefix):
                return
            to.parent.mkdir(parents=True, exist_ok=True)
            with exclusive_part(to) as part:
                if part is None or _has_hash(to, sha256_prefix):
                    return
                report = progress or (lambda _done, _total: None)
                part.expected = size_bytes
                self._policy.run(lambda: self._fill(part, url, report), self._again)
                if not part.finish(to, sha256_prefix):
                    raise HttpError(
                        f"{bare_url(url)} is not the file that was expected:"
                        f" {_another_hash(sha256_prefix)}. It was deleted; try again."
                    )

    def _again(self, exc: Exception) -> bool | float:
        """Try again if it may help, after the time that the server asks for, if it is not long."""
        return isinstance(exc, TransientHttpError) and self._policy.after(exc.retry_after_s)

    def _fill(self, part: "PartialFile", url: str, progress: Progress) -> None:
        """Load until the file is whole.

        A connection that is cut costs no try if it brought any, unless it was too slow.
        """
        furthest = part.size
        while True:
            try:
                return self._load(part, url, progress)
            except TransientHttpError as exc:
                if exc.status is not None or isinstance(exc, _TooSlow) or part.size <= furthest:
                    raise
                furthest = part.size

    def _load(self, part: "PartialFile", url: str, progress: Progress) -> None:
        with self._get(url, part.headers()) as response:
            if response.status_code == RANGE_REFUSED:
                # A server refuses the range, too, where there is no more.
                if _range_total(response) == part.size:
                    return
                part.start_anew(response)
                raise TransientHttpError(
                    f"{bare_url(url)} does not resume the download; it starts again."
                )
            _refuse_web_page(response, url)
            total = part.take_up(response)
            part.check_size(total, url)
            part.check_room(total)
            progress(part.size, total)
            pace = _Pace(url)
            for block in _blocks(response):
                if is_cancelled():
                    raise HttpError(
                        f"The download of {bare_url(url)} was stopped; the next try resumes it."
                    )
                part.write(block)
                part.check_size(total, url)
                progress(part.size, total)
                if part.size != total:
                    pace.note(len(block))
        if total is not None and part.size != total:
            raise TransientHttpError(f"{bare_url(url)} sent {part.size} of {total} bytes.")

    @contextmanager
    def _get(self, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        with mapped_errors(url), self._downloads.get(url, headers=headers, stream=True) as response:
            check(response, url)
            yield response

    def _opened(self, policy: RetryPolicy, headers: Mapping[str, str], **options: Any) -> Session:
        session = Session(policy, headers, **options)
        with self._lock:
            self._sessions.append(session)
        return session


def _has_hash(path: Path, sha256_prefix: str) -> bool:
    """Whether the file is there and has this hash."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest().startswith(sha256_prefix.lower())
    except FileNotFoundError:
        return False


def _another_hash(sha256_prefix: str) -> str:
    if len(sha256_prefix) == _SHA256_DIGITS:
        return "its SHA-256 is another"
    return f"its SHA-256 does not begin with {sha256_prefix}"


@contextmanager
def _disk_errors(to: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HttpError(
                f"The disk is full: {to.name} does not fit into {to.parent}. What was loaded is"
                " kept as a part; free space, then try again."
            ) from exc
        raise HttpError(f"{to} cannot be written ({os_reason(exc)}).") from exc


class _TooSlow(TransientHttpError):
    """The server sends, but so little that the download would never end."""


class _Pace:
    """How fast a download is. A read that times out is no measure: one byte ends it in time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._since_s = time.monotonic()
        self._bytes = 0

    def note(self, count: int) -> None:
        """Count what has come. Raises `_TooSlow` after a while that brought next to nothing."""
        self._bytes += count
        took_s = time.monotonic() - self._since_s
        if took_s < _PACE_S:
            return
        if self._bytes < took_s * _LEAST_BYTES_A_SECOND:
            raise _TooSlow(f"{bare_url(self._url)} sends less than 1 kB a second.")
        self._since_s, self._bytes = time.monotonic(), 0


def _blocks(response: requests.Response) -> Iterator[bytes]:
    """Yield what comes as it comes: `iter_content` waits for a whole block, however slow it is.

    Raises what `iter_content` raises.
    """
    try:
        while block := response.raw.read1(_BLOCK_BYTES, decode_content=True):
            yield block
    except ProtocolError as exc:
        raise ChunkedEncodingError(exc) from exc
    except ReadTimeoutError as exc:
        raise requests.ReadTimeout(exc) from exc
    except Urllib3Error as exc:
        raise requests.ConnectionError(exc) from exc


def part_of(to: Path) -> Path:
    """Return where the download of a file keeps what it has loaded."""
    return to.with_name(f"{to.name}.part")


def etag_of(part: Path) -> Path:
    """Return where it keeps the mark that says whether the rest belongs to that part."""
    return part.with_name(f"{part.name}.etag")


class PartialFile:
    """The bytes of a download so far, and the mark that says whether the rest belongs to them."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._mark = etag_of(path)
        self.size = file.seek(0, os.SEEK_END)
        self.expected: int | None = None
        """The size of the whole file, where it is known before a server says one."""

    def headers(self) -> dict[str, str]:
        """Ask for the rest, and for all of it if the file has changed (RFC 9110, 13.1.5)."""
        headers = {"Accept-Encoding": "identity"}
        mark = self._mark.read_text("latin-1") if self._mark.exists() else ""
        if self.size and not mark:
            self._truncate()
        if self.size:
            headers |= {"Range": f"bytes={self.size}-", "If-Range": mark}
        return headers

    def take_up(self, response: requests.Response) -> int | None:
        """Get ready for the body that comes; return the size of the whole file, if it is told."""
        partial = response.status_code == PARTIAL
        if partial and _range_start(response) == self.size:
            return _range_total(response)
        self.start_anew(response)
        if partial:
            raise TransientHttpError(
                "The server sent another part of the file than it was asked for."
            )
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return None
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None

    def check_size(self, total: int | None, url: str) -> None:
        """Raise `HttpError` where the file has, or gets, another size than it should have."""
        if self.expected is None or (self.size <= self.expected and total in (None, self.expected)):
            return
        self.delete()
        raise HttpError(
            f"{bare_url(url)} is not the file that was expected: it has {total or 'more'} bytes,"
            f" not {self.expected}. It was deleted; try again."
        )

    def check_room(self, total: int | None) -> None:
        """Raise `OSError` where the disk, which may hold the database, has no room for the rest."""
        whole = total if self.expected is None else self.expected
        if whole is not None and whole - self.size > disk_usage(self.path.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def start_anew(self, response: requests.Response) -> None:
        self._truncate()
        self._mark.write_text(_validator(response), "latin-1")

    def write(self, block: bytes) -> None:
        self._file.write(block)
        self.size += len(block)

    def finish(self, to: Path, sha256_prefix: str) -> bool:
        """Give the file its name once the disk has it; delete it where its hash is another."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if not _has_hash(self.path, sha256_prefix):
            self.delete()
            return False
        self._mark.unlink(missing_ok=True)
        self.path.replace(to)
        return True

    def delete(self) -> None:
        self._mark.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def is_in_place(self) -> bool:
        """Whether the name still is that of the file that is held."""
        try:
            return self.path.stat().st_ino == os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return False

    def _truncate(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self.size = 0


@contextmanager
def exclusive_part(to: Path) -> Iterator[PartialFile | None]:
    """Hold the part of this file, one process or thread at a time; None: another has finished it.

    The lock is on the part itself, so nothing is left over. Who waited for it finds that the part
    has been renamed or deleted, and looks again.
    """
    path = shared = part_of(to)
    there = to.exists()
    while True:
        with path.open("ab") as file:
            if not locks.wait_for(file) and path == shared:
                # A part of its own, which nobody can go on with.
                path = shared.with_name(f"{to.name}.{uuid4().hex[:8]}.part")
                continue
            part = PartialFile(path, file)
            if part.is_in_place():
                try:
                    yield part
                finally:
                    if part.size == 0 and part.is_in_place():
                        part.delete()
                return
        if not there and to.exists():
            yield None
            return


def _refuse_web_page(response: requests.Response, url: str) -> None:
    """A proxy, or a network that wants a sign-in, answers with a page instead of the file."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise HttpError(
            f"{bare_url(url)} answered with a web page instead of the file: a proxy or a sign-in"
            " page seems to be in between. What was loaded before is kept; look at the network's"
            " settings (HTTPS_PROXY), then try again."
        )


def _validator(response: requests.Response) -> str:
    """Return what If-Range may carry: a strong ETag, or the date of the last change."""
    etag = response.headers.get("ETag", "")
    strong = etag and not etag.startswith("W/")
    return etag if strong else response.headers.get("Last-Modified", "")


def _range_start(response: requests.Response) -> int | None:
    first = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None


def _range_total(response: requests.Response) -> int | None:
    total = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isdecimal() else None
