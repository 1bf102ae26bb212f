"""The dashboard's password, REST's key, and links that sign in once."""

import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from tigertag import locks
from tigertag.core import Core
from tigertag.errors import RequestError, Throttled
from tigertag.services import events
from tigertag.settings import homes
from tigertag.store import accounts
from tigertag.store import events as event_rows

SHORTEST_PASSWORD = 8
_LONGEST_PASSWORD = 1024
_FILE = "first-sign-in.txt"
_HEAD = "Made by TigerTag at its first start. Delete this file when you have read it."
_WINDOW = timedelta(minutes=15)
_MOST_FAILED = 5
_MOST_FAILED_IN_ALL = 100
SIGN_IN, HOOK = "sign-in", "hook"
_TOO_MANY = {
    SIGN_IN: "Too many sign-ins failed",
    HOOK: "Too many wrong addresses of hooks were called",
}
SESSION_LASTS = timedelta(days=30)
_LINK_LASTS = timedelta(minutes=30)
# No 0 and O, 1 and l: it is typed off a screen.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"

_hasher = PasswordHasher()


class Accounts:
    """Who may come in. `password` and `api_key` are the settings'; "": those of the database."""

    def __init__(self, core: Core, *, password: str = "", api_key: str = "") -> None:
        self._core = core
        self._password = password
        self._api_key = api_key
        self._secret: bytes | None = None

    def ensure(self) -> Path | None:
        """Generate what is neither set nor there yet; return the file in which it is left.

        One process at a time. Raises `SettingsError` when TIGERTAG_HOME cannot be written.
        """
        with _home(self._core.home):
            with self._core.store.read() as db:
                needs_password = not (self._password or accounts.credential(db, "password"))
                needs_key = not (self._api_key or accounts.credential(db, "api_key"))
            if not needs_password and not needs_key:
                return None
            password = generated_password() if needs_password else ""
            key = secrets.token_urlsafe(32) if needs_key else ""
            # The file comes first: a crash in between leaves a file that is made anew.
            path = _leave(self._core.home, password, key)
            if password and not self._keep_first("password", _hasher.hash(password)):
                _take_out(self._core.home, "Password")
            if key and not self._keep_first("api_key", _digest(key)):
                _take_out(self._core.home, "API key")
            return path if path.exists() else None

    def check_password(self, password: str, address: str) -> bool:
        """Whether it is the password. Raises `Throttled` after too many failures."""
        address = network_of(address)
        count_attempt(self._core, SIGN_IN, address)
        if not self._is_password(password):
            message = f"A sign-in from {address} failed: wrong password."
            events.record(self._core, "warning", "sign-in", message)
            return False
        with self._core.store.write() as db:
            accounts.withdraw(db, SIGN_IN, address)
        return True

    def _is_password(self, password: str) -> bool:
        if self._password:
            return hmac.compare_digest(password.encode(), self._password.encode())
        with self._core.store.read() as db:
            kept = accounts.credential(db, "password")
        if kept is None or len(password) > _LONGEST_PASSWORD:
            return False
        try:
            return _hasher.verify(kept.hash, password)
        except (Argon2Error, InvalidHashError):
            return False

    def check_key(self, key: str) -> bool:
        """Whether it is REST's key."""
        if self._api_key:
            return hmac.compare_digest(key.encode(), self._api_key.encode())
        with self._core.store.read() as db:
            kept = accounts.credential(db, "api_key")
        return kept is not None and hmac.compare_digest(_digest(key), kept.hash)

    def begin(self, address: str) -> str:
        """Begin a session; return its id, which the database keeps hashed."""
        session, now = secrets.token_urlsafe(24), datetime.now(UTC)
        with self._core.store.write() as db:
            accounts.add_session(db, _digest(session), until=now + SESSION_LASTS, now=now)
            event_rows.record(db, "info", "sign-in", f"Signed in from {network_of(address)}.")
        return session

    def is_in(self, session: str, epoch: str) -> bool:
        """Whether a session has begun, with the password that holds now, and not ended."""
        if not session or epoch != self.epoch():
            return False
        with self._core.store.read() as db:
            return accounts.has_session(db, _digest(session), now=datetime.now(UTC))

    def end(self, session: str) -> None:
        """End a session, whoever still holds its cookie."""
        with self._core.store.write() as db:
            accounts.end_session(db, _digest(session))

    def epoch(self) -> str:
        """What changes with the password: sessions from before it are over."""
        if self._password:
            return hmac.digest(self.secret(), self._password.encode(), "sha256").hex()[:16]
        with self._core.store.read() as db:
            kept = accounts.credential(db, "password")
        return kept.changed_at.isoformat() if kept else ""

    def set_password(self, password: str) -> None:
        """Change the password; all sessions end. Raises `RequestError`."""
        if self._password:
            raise RequestError(
                "The password is set by TIGERTAG_PASSWORD; change it there, or remove it first."
            )
        if not SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
            raise RequestError(f"A password needs at least {SHORTEST_PASSWORD} characters.")
        self._keep("password", _hasher.hash(password))
        with self._core.store.write() as db:
            accounts.forget_attempts(db)
        with _home(self._core.home) as home:
            _take_out(home, "Password")

    def new_key(self) -> str:
        """Make a new key for REST in the place of the old one. Raises `RequestError`."""
        if self._api_key:
            raise RequestError(
                "The key is set by TIGERTAG_API_KEY; change it there, or remove it first."
            )
        key = secrets.token_urlsafe(32)
        self._keep("api_key", _digest(key))
        with _home(self._core.home) as home:
            _take_out(home, "API key")
        return key

    def link(self) -> str:
        """Make a token that signs in once, within half an hour."""
        token, now = secrets.token_urlsafe(24), datetime.now(UTC)
        with self._core.store.write() as db:
            accounts.add_link(db, _digest(token), until=now + _LINK_LASTS, now=now)
        return token

    def use_link(self, token: str, address: str) -> bool:
        """Use up a link's token; False when it is none, was used, or is too old."""
        with self._core.store.write() as db:
            if accounts.use_link(db, _digest(token), now=datetime.now(UTC)):
                return True
        address = network_of(address)
        # A link is never made to wait: it lets in an owner who mistyped the password too often.
        with suppress(Throttled):
            count_attempt(self._core, SIGN_IN, address)
            message = f"A sign-in from {address} failed: used or outdated link."
            events.record(self._core, "warning", "sign-in", message)
        return False

    def secret(self) -> bytes:
        """The key that session cookies are signed with, made once and kept in the home."""
        if self._secret is None:
            with _home(self._core.home) as home:
                path = home / "session.key"
                if not path.exists():
                    _write(path, secrets.token_hex(32), first=True)
                self._secret = path.read_bytes()
        return self._secret

    def _keep_first(self, kind: str, hash: str) -> bool:
        """Keep a secret; False when a service with another home has been first."""
        with self._core.store.write() as db:
            return accounts.put_first_credential(db, kind, hash, datetime.now(UTC))

    def _keep(self, kind: str, hash: str) -> None:
        name = "password" if kind == "password" else "key for REST"
        with self._core.store.write() as db:
            accounts.put_credential(db, kind, hash, datetime.now(UTC))
            event_rows.record(db, "info", "sign-in", f"The {name} was changed.")


def count_attempt(core: Core, kind: str, address: str) -> None:
    """Count an attempt with a secret that may be wrong. Raises `Throttled` after too many."""
    now = datetime.now(UTC)
    with core.store.write() as db:
        accounts.count_alone(db)
        failed, first = accounts.attempts(db, kind, address)
        in_all, _first = accounts.attempts(db, kind)
        throttled = failed >= _MOST_FAILED or (failed and in_all >= _MOST_FAILED_IN_ALL)
        left_s = ((first or now) + _WINDOW - now).total_seconds()
        if not throttled or left_s <= 0:
            accounts.attempt(db, kind, address, now, since=now - _WINDOW)
            return
    minutes = max(1, round(left_s / 60))
    raise Throttled(f"{_TOO_MANY[kind]}; try again in {minutes} min.", retry_after_s=left_s)


def generated_password() -> str:
    """Four groups of four letters and digits: 79 bits."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def network_of(address: str) -> str:
    """Return what attempts are counted by: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_address(int(parsed) >> 64 << 64))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def left_over(core: Core) -> Path | None:
    """Return the file of the first sign-in while it is still there."""
    path = core.home / _FILE
    return path if path.exists() else None


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


@contextmanager
def _home(home: Path) -> Iterator[Path]:
    """Hold the home, one process at a time where it has locks. Raises `SettingsError`."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = os.open(home, os.O_RDONLY)
        try:
            locks.wait_for(handle)
            yield home
        finally:
            os.close(handle)
    except OSError as exc:
        raise homes.not_writable(home, exc) from exc


def _leave(home: Path, password: str, key: str) -> Path:
    """Leave secrets to the owner, beside those that were left before."""
    left = _left(home / _FILE)
    left |= {"Password": password} if password else {}
    left |= {"API key": key} if key else {}
    _put(home / _FILE, left)
    return home / _FILE


def _take_out(home: Path, name: str) -> None:
    """Take a secret that is none any more out of the file; the file too when it held no other."""
    left = _left(home / _FILE)
    if left.pop(name, None) is not None:
        _put(home / _FILE, left)


def _left(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = (line.split(": ", 1) for line in path.read_text(encoding="utf-8").splitlines()[1:])
    return {line[0]: line[1] for line in lines if len(line) == 2}


def _put(path: Path, left: dict[str, str]) -> None:
    if left:
        lines = [_HEAD, *(f"{name}: {secret}" for name, secret in left.items())]
        _write(path, "\n".join(lines) + "\n")
    else:
        path.unlink()


def _write(path: Path, text: str, *, first: bool = False) -> None:
    """Write a file that only its owner may read, whole or not at all; `first`: unless one is there.

    Where the home has no locks another process may do the same now.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if not first:
        part.replace(path)
        return
    with suppress(FileExistsError):
        os.link(part, path)
    part.unlink()
