"""Everything that TigerTag raises on purpose.

    TigerTagError
    ├── SettingsError        a setting is missing, misspelt or of the wrong shape
    ├── PluginError          an engine or a library could not be loaded
    ├── EngineError          this engine cannot go on; the others do
    │   ├── Unavailable      … for now (retry_after_s)
    │   ├── AuthFailed       … its credentials were refused
    │   ├── QuotaExhausted   … until resets_at
    │   ├── RefusesAll       … its service refuses all that it is asked
    │   └── ModelError       … its model cannot be had or read
    ├── LibraryError         this library cannot go on
    │   ├── LibraryUnavailable
    │   │   └── LibraryShrunk    … or far less of it is listed than is known
    │   ├── LibraryReadOnly
    │   └── LibraryFull
    ├── ItemError            this item only (retryable says whether another try may help)
    │   ├── ItemGone
    │   └── Unreadable
    ├── HttpError            a request that got no usable answer (status, retry_after_s)
    ├── StoreError           the database
    │   ├── StoreUnavailable
    │   │   └── StoreClash   another transaction was in the way; another try may help
    │   ├── StoreFull
    │   ├── SchemaMismatch
    │   ├── Unstorable       a value that no column takes; another try would not help
    │   └── LeaseLost        another worker has taken this chunk over
    └── RequestError         what was asked for cannot be done
        ├── NotFound         there is no such library, section, scan, rule …
        ├── Conflict         not in this state, or not while another scan is active
        ├── BackupError      this archive cannot be used, or none can be made
        └── Throttled        too many sign-ins failed (retry_after_s)

The message is one line: what happened, what was kept, what to do. Nothing secret is ever put in it.
"""

import errno
import os
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

_DENIED = (errno.EACCES, errno.EPERM)


class TigerTagError(Exception):
    """TigerTag cannot do this."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__ or type(self).__name__)


class SettingsError(TigerTagError):
    """A setting is missing, misspelt or of the wrong shape."""


class PluginError(TigerTagError):
    """An engine or a library could not be loaded."""


class EngineError(TigerTagError):
    """The engine cannot go on."""


class Unavailable(EngineError):
    """The engine cannot be reached now."""

    def __init__(self, message: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RefusesAll(EngineError):
    """The engine's service has refused all that it was asked."""


class AuthFailed(EngineError):
    """The engine's credentials were refused."""


class QuotaExhausted(EngineError):
    """The engine's quota is used up."""

    def __init__(self, message: str = "", *, resets_at: datetime | None = None) -> None:
        super().__init__(message)
        self.resets_at = resets_at


class ModelError(EngineError):
    """The engine's model cannot be had, or is not what it should be."""


class LibraryError(TigerTagError):
    """The library cannot go on."""


class LibraryUnavailable(LibraryError):
    """The library cannot be reached."""


class LibraryShrunk(LibraryUnavailable):
    """The library lists far less than is known of it."""


class LibraryReadOnly(LibraryError):
    """The library does not let TigerTag write."""


class LibraryFull(LibraryError):
    """There is no space left where the library keeps its tags."""


class ItemError(TigerTagError):
    """This item cannot be worked on."""

    def __init__(self, message: str = "", *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class ItemGone(ItemError):
    """The item is no longer there."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, retryable=True)


class Unreadable(ItemError):
    """The picture cannot be read."""


class HttpError(TigerTagError):
    """A request got no usable answer."""

    def __init__(
        self, message: str = "", *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class StoreError(TigerTagError):
    """The database cannot do this."""


class StoreUnavailable(StoreError):
    """The database cannot be reached or opened."""


class StoreClash(StoreUnavailable):
    """Another transaction was in the way of this one, which was undone."""


class StoreFull(StoreError):
    """There is no space left for the database."""


class SchemaMismatch(StoreError):
    """The database was made by another version of TigerTag, or by another program."""


class Unstorable(StoreError):
    """A value is too long, too large or not of the kind that the database takes."""


class LeaseLost(StoreError):
    """Another worker has taken this chunk over."""


class BrokerError(TigerTagError):
    """Redis or RabbitMQ cannot be reached; the database still knows all that is to be done."""


class RequestError(TigerTagError):
    """What was asked for cannot be done."""


class NotFound(RequestError):
    """There is no such thing."""


class Conflict(RequestError):
    """This cannot be done now."""


class BackupError(RequestError):
    """This archive cannot be used."""


class Throttled(RequestError):
    """Too many sign-ins have failed."""

    def __init__(self, message: str = "", *, retry_after_s: float = 60.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def os_reason(exc: OSError, path: str | Path | None = None) -> str:
    """Return why the system refused something, in words and without a full stop.

    Where permission is lacking: "Permission denied: TigerTag runs as uid 1000, gid 1000, the folder
    /photos/x belongs to uid 0, gid 0, mode drwx------". `path` is what was to be read or written;
    without it, what the error names. If TigerTag may not look at the path, the nearest folder above
    is named.
    """
    reason = exc.strerror or str(exc) or "the reason is not known"
    path = path if path is not None else exc.filename
    if exc.errno not in _DENIED:
        return reason
    owner = _owner(Path(os.path.abspath(path))) if isinstance(path, str | Path) else ""
    return f"{reason}: TigerTag runs as uid {os.geteuid()}, gid {os.getegid()}{owner}"


def _owner(path: Path) -> str:
    """Say who owns the path, or the nearest folder above it that TigerTag may look at."""
    for place in (path, *path.parents):
        with suppress(OSError):
            status = place.stat()
            kind = "folder" if stat.S_ISDIR(status.st_mode) else "file"
            shown = str(place).encode(errors="backslashreplace").decode()
            mode = stat.filemode(status.st_mode)
            owner = f"uid {status.st_uid}, gid {status.st_gid}"
            return f", the {kind} {shown} belongs to {owner}, mode {mode}"
    return ""
