"""The settings of the program itself."""

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tigertag.errors import SettingsError
from tigertag.settings import groups
from tigertag.settings import values as read
from tigertag.settings.homes import DATABASE
from tigertag.settings.reference import PROGRAM_KEYS
from tigertag.settings.shapes import Settings, WebSettings
from tigertag.text import did_you_mean

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_UTC: tzinfo = UTC
_POSTGRES = "postgresql+psycopg"
_SHORTEST_PASSWORD = 8
_SHORTEST_KEY = 16

T = TypeVar("T")


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    What is wrong with a plugin is in its `problem`, what is wrong elsewhere in `problems`. Raises
    `SettingsError` when the database, the password or the key is not clear: another one must not be
    used in its place.
    """
    found = read.cleaned(os.environ if environ is None else environ)
    own = _Program(found)
    home = own.take("TIGERTAG_HOME", _path, Path("data").absolute())
    return Settings(
        engines=groups.engines(found),
        libraries=groups.libraries(found),
        home=home,
        db_url=_db_url(found, home),
        rules_file=own.take("TIGERTAG_RULES", _path, None),
        lease_s=own.take("TIGERTAG_LEASE_S", _lease_s, 10.0),
        workers=own.take("TIGERTAG_WORKERS", _workers, 0),
        log_level=own.take("LOG_LEVEL", _level, "INFO"),
        host=own.take("HOST", lambda _key, value: value, "127.0.0.1"),
        port=own.take("PORT", _port, 5000),
        timezone=own.take("TZ", _timezone, _UTC),
        web=_web(own, found),
        problems=(*own.problems, *_unknown(found), *groups.misspelt(found)),
    )


def _web(own: "_Program", found: Mapping[str, str]) -> WebSettings:
    """What the web needs. A secret that cannot be read raises: no other may stand in its place."""
    return WebSettings(
        password=_secret(found, "TIGERTAG_PASSWORD", least=_SHORTEST_PASSWORD),
        api_key=_secret(found, "TIGERTAG_API_KEY", least=_SHORTEST_KEY),
        base_path=own.take("TIGERTAG_BASE_PATH", _base_path, ""),
        trusted_proxies=own.take("TIGERTAG_TRUSTED_PROXIES", _proxies, 0),
    )


def _secret(environ: Mapping[str, str], key: str, *, least: int) -> str:
    value, path = environ.get(key, ""), environ.get(f"{key}_FILE")
    if value and path:
        raise SettingsError(f"{key}_FILE and {key} are both set; keep one.")
    if path:
        value = read.from_file(f"{key}_FILE", path).strip()
    if value and len(value) < least:
        raise SettingsError(f"{key} is too short; it needs {least} characters at least.")
    return value


def _base_path(key: str, value: str) -> str:
    path = value.strip("/")
    if not re.fullmatch(r"[A-Za-z0-9._~/-]*", path):
        raise SettingsError(f"{key}: {value!r} is not a path such as /tigertag.")
    return f"/{path}" if path else ""


def _proxies(key: str, value: str) -> int:
    return read.whole(key, value, least=0, most=10)


class _Program:
    """The program's own variables; what is wrong with them is gathered."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._environ = environ

    def take(self, key: str, parse: Callable[[str, str], T], default: T) -> T:
        """Return the parsed value; the default when it is not set or is a problem."""
        value = self._environ.get(key)
        if value is None:
            return default
        try:
            return parse(key, value)
        except SettingsError as exc:
            self.problems.append(f"{exc} The default, {default}, is used.")
            return default


def _path(_key: str, value: str) -> Path:
    return Path(os.path.expanduser(value)).absolute()


def _lease_s(key: str, value: str) -> float:
    return read.number(key, value, least=0.1, most=3600)


def _workers(key: str, value: str) -> int:
    return read.whole(key, value, least=0, most=1024)


def _port(key: str, value: str) -> int:
    return read.whole(key, value, least=1, most=65535)


def _level(key: str, value: str) -> str:
    if value.upper() not in _LEVELS:
        raise SettingsError(f"{key}: {value!r} is not one of {', '.join(_LEVELS)}.")
    return value.upper()


def _timezone(key: str, value: str) -> tzinfo:
    try:
        return ZoneInfo(value.removeprefix(":"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise SettingsError(f"{key}: {value!r} is not a time zone such as Europe/Berlin.") from exc


def _db_url(environ: Mapping[str, str], home: Path) -> str:
    url, path = environ.get("DB_URL"), environ.get("DB_URL_FILE")
    if url and path:
        raise SettingsError("DB_URL_FILE and DB_URL are both set; keep one.")
    if path:
        url = read.from_file("DB_URL_FILE", path).strip()
    if not url:
        return f"sqlite:///{home}/{DATABASE}"
    scheme, found, rest = url.partition("://")
    if scheme in ("postgres", "postgresql", _POSTGRES) and found:
        return f"{_POSTGRES}://{rest}"
    if scheme == "sqlite" and found:
        return url
    raise SettingsError(
        "DB_URL is neither sqlite:///path/to/file nor postgresql://user:password@host/name."
    )


def _unknown(environ: Mapping[str, str]) -> list[str]:
    known = PROGRAM_KEYS
    unset = [key for key in known if key not in environ]
    return [
        f"{key} is not a setting{did_you_mean(key, known, likely=unset)}"
        for key in sorted(environ)
        if key not in known and (key.startswith("TIGERTAG_") or _like_ours(key, known))
    ]


def _like_ours(key: str, known: tuple[str, ...]) -> bool:
    ours = [name for name in known if name.startswith("TIGERTAG_")]
    return bool(get_close_matches(key, ours, n=1, cutoff=0.9))
