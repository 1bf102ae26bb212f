"""The settings as they may be shown: without secrets. And the secrets, so that others hide them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import unquote

from tigertag.settings.model import Setting, Settings
from tigertag.text import bare_url, looks_secret, without_password

HIDDEN = "***"
_SHORTEST_PART = 8
_SHORTEST_PASSWORD = 4
_ADDRESSES = ("DB_URL", "TIGERTAG_BROKER_URL")
"""Of these the password alone is secret."""
_PARTS = re.compile(r"[/:@?&=;,#]+")
_COMMON = frozenset(
    {"tigertag", "localhost", "postgres", "webhooks", "services", "messages", "notifications"}
)
"""Words of any line of a log, and of addresses: hiding them would tell nothing, and hide lines."""
_HOST = re.compile(r"[a-z0-9-]{1,24}(\.[a-z0-9-]{1,24})+\.?|[a-z]{1,12}")
_PASSWORD = re.compile(r"://[^/@\s:]*:([^/\s]*)@")


def shown(settings: Settings) -> dict[str, Any]:
    """Return what is set, by key; engines, libraries and their like by id. No secret is in it."""
    return _shown(settings)


def secrets(settings: Settings) -> frozenset[str]:
    """Return every secret of the settings, and those parts of one that give it away."""
    words = {word for value in _secrets(settings) for word in _words(value)}
    return frozenset(word for word in words if word and word.casefold() not in _COMMON)


def _shown(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in fields(node):
        value, setting = getattr(node, each.name), each.metadata.get("setting")
        if setting is not None:
            found[setting.key] = _hidden(setting, value)
        elif isinstance(value, Mapping):
            found |= {key.upper(): _text(key, str(text)) for key, text in value.items()}
        elif is_dataclass(value):
            found[each.name] = _shown(value)
        elif isinstance(value, tuple) and all(map(is_dataclass, value)):
            found[each.name] = {one.id: _shown(one) for one in value if hasattr(one, "id")}
        else:
            found[each.name] = _plain(value)
    return found


def _hidden(setting: Setting, value: Any) -> Any:
    if setting.in_file or looks_secret(setting.key):
        return HIDDEN if value else ""
    return _text("", value) if isinstance(value, str) else _plain(value)


def _text(key: str, text: str) -> str:
    if looks_secret(key):
        return HIDDEN
    return bare_url(text) if "://" in text else without_password(text)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return [str(one) for one in value] if isinstance(value, tuple) else str(value)


def _secrets(node: Any) -> Iterator[str]:
    for each in fields(node):
        value, setting = getattr(node, each.name), each.metadata.get("setting")
        if isinstance(value, Mapping):
            for key, text in value.items():
                yield from [str(text)] if looks_secret(key) else _PASSWORD.findall(str(text))
        elif isinstance(value, tuple):
            yield from (word for one in value if is_dataclass(one) for word in _secrets(one))
        elif is_dataclass(value):
            yield from _secrets(value)
        elif isinstance(value, str):
            if setting is not None and setting.key in _ADDRESSES:
                yield from _PASSWORD.findall(value)
            elif setting is not None and (setting.in_file or looks_secret(setting.key)):
                yield value


def _words(secret: str) -> Iterator[str]:
    yield from (secret, unquote(secret))
    if "://" in secret:
        for part in _parts(secret):
            yield from (part, unquote(part))


def _parts(url: str) -> Iterator[str]:
    """Yield what may be a token or a password: of users, the path and the query's values.

    Some services have a token where others have their host.
    """
    place, _mark, query = url.partition("://")[2].partition("?")
    values = [pair.partition("=")[2] or pair for pair in re.split("[&;]", query)]
    location, _slash, path = place.partition("/")
    host = location.rpartition("@")[2].partition(":")[0]
    found = [part for text in (location, path, *values) for part in _PARTS.split(text)]
    yield from (part for part in found if len(part) >= _SHORTEST_PART and not _is(host, part))
    yield from (text for text in _PASSWORD.findall(url) if len(text) >= _SHORTEST_PASSWORD)


def _is(host: str, part: str) -> bool:
    return part == host and _HOST.fullmatch(host) is not None
