"""Reading the environment: the program's settings, and those of what may be there several times.

These are engines, libraries, schedules and channels for notices: `ENGINE_<X>_<…>` and so on.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tigertag import bounds, cron
from tigertag.contracts import Sampling
from tigertag.errors import SettingsError
from tigertag.settings import values
from tigertag.settings.model import (
    DATABASE,
    PREFIXES,
    PROGRAM_KEYS,
    SAMPLING,
    ChannelSettings,
    EngineSettings,
    LibrarySettings,
    PluginSettings,
    ScheduleSettings,
    Setting,
    Settings,
    WebSettings,
    settings_of,
)
from tigertag.text import did_you_mean

DEFAULT_ENGINES = tuple(
    EngineSettings(id, f"tigertag.{id}", enabled=True, values={})
    for id in ("classifier", "detector")
)

_VARIABLE = re.compile(r"([A-Z]+)_([A-Z0-9]+)_([A-Z0-9_]+)")
# Variables of other programs resemble ours by chance: a whole key must be nearer than a prefix.
_CLOSE_PREFIX, _CLOSE_KEY = 0.75, 0.9
_POSTGRES = "postgresql+psycopg"
_BROKERS = ("redis", "rediss", "amqp", "amqps")
_REQUIRED = {
    "ENGINE": {"NAME": "tigertag.classifier"},
    "LIBRARY": {"NAME": "tigertag.folder"},
    "SCHEDULE": {"CRON": cron.EXAMPLE, "LIBRARY": "photos"},
    "NOTIFY": {"URL": "mailto://user:password@example.org"},
}
"""What has to be set for each, with an example."""
_SHORTEST = {"TIGERTAG_PASSWORD": 8, "TIGERTAG_API_KEY": 16, "TIGERTAG_METRICS_TOKEN": 16}


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    What is wrong with a plugin is in its `problem`, what is wrong elsewhere in `problems`. Raises
    `SettingsError` when the database, the password or the key is not clear: another one must not be
    used in its place.
    """
    environ = values.cleaned(os.environ if environ is None else environ)
    problems: list[str] = []
    own = _of_program(Settings, environ, problems)
    return Settings(
        engines=engines(environ),
        libraries=libraries(environ),
        schedules=schedules(environ),
        channels=channels(environ),
        **own
        | {
            "db_url": _db_url(own["db_url"], own["home"]),
            "broker_url": _broker_url(own["broker_url"]),
        },
        web=WebSettings(**_of_program(WebSettings, environ, problems)),
        problems=(*problems, *_unknown(environ), *_misspelt(environ)),
    )


def engines(environ: Mapping[str, str]) -> tuple[EngineSettings, ...]:
    """Return the configured engines, by id; the local ones when there is none at all."""
    groups = (_Group("ENGINE", *group) for group in _groups("ENGINE", environ))
    configured = tuple(EngineSettings(**group.all(EngineSettings)) for group in groups)
    return configured or DEFAULT_ENGINES


def libraries(environ: Mapping[str, str]) -> tuple[LibrarySettings, ...]:
    """Return the configured libraries, by id."""
    return tuple(_library(_Group("LIBRARY", *group)) for group in _groups("LIBRARY", environ))


def schedules(environ: Mapping[str, str]) -> tuple[ScheduleSettings, ...]:
    """Return the configured schedules, by id."""
    groups = (_Group("SCHEDULE", *group) for group in _groups("SCHEDULE", environ))
    return tuple(ScheduleSettings(**group.every(ScheduleSettings)) for group in groups)


def channels(environ: Mapping[str, str]) -> tuple[ChannelSettings, ...]:
    """Return the configured channels for notices, by id."""
    groups = (_Group("NOTIFY", *group) for group in _groups("NOTIFY", environ))
    return tuple(ChannelSettings(**group.every(ChannelSettings)) for group in groups)


def _library(group: "_Group") -> LibrarySettings:
    sampling = Sampling(**{name: group.take(setting) for name, setting in SAMPLING.items()})
    return LibrarySettings(**group.all(LibrarySettings), sampling=sampling)


def _of_program(
    kind: type[Settings] | type[WebSettings], environ: Mapping[str, str], problems: list[str]
) -> dict[str, Any]:
    """Return the program's settings by field; what is wrong with one is gathered, but a secret's.

    A secret that cannot be read raises: no other may stand in its place.
    """
    taken = {}
    for name, setting in settings_of(kind).items():
        if setting.in_file:
            taken[name] = _secret(environ, setting)
            continue
        if name == "home":
            setting = replace(setting, default=Path("data").absolute())
        try:
            value = environ.get(setting.key)
            taken[name] = setting.default if value is None else setting.parse(setting.key, value)
        except SettingsError as exc:
            problems.append(f"{exc} The default, {setting.default}, is used.")
            taken[name] = setting.default
    return taken


def _secret(environ: Mapping[str, str], setting: Setting) -> str:
    key = setting.key
    value, path = environ.get(key, ""), environ.get(f"{key}_FILE")
    if value and path:
        raise SettingsError(f"{key}_FILE and {key} are both set; keep one.")
    if path:
        value = values.from_file(f"{key}_FILE", path).strip()
    least = _SHORTEST.get(key, 0)
    if value and len(value) < least:
        raise SettingsError(f"{key} is too short; it needs {least} characters at least.")
    return value


def _db_url(url: str, home: Path) -> str:
    return database_url(url) if url else f"sqlite:///{home}/{DATABASE}"


def _broker_url(url: str) -> str:
    if url and url.partition("://")[0] not in _BROKERS:
        raise SettingsError(
            "TIGERTAG_BROKER_URL is neither redis://host/0 nor amqp://user:password@host/ (with"
            " TLS: rediss, amqps)."
        )
    return url


def database_url(url: str) -> str:
    """Return the address of a database as the store takes it. Raises `SettingsError`."""
    scheme, separator, rest = url.partition("://")
    if scheme in ("postgres", "postgresql", _POSTGRES) and separator:
        return f"{_POSTGRES}://{rest}"
    if scheme == "sqlite" and separator:
        return url
    raise SettingsError(
        "DB_URL is neither sqlite:///path/to/file nor postgresql://user:password@host/name."
    )


class _Group:
    """The variables of one plugin or schedule, taken out one by one; problems are gathered."""

    def __init__(self, prefix: str, x: str, own: Mapping[str, str]) -> None:
        self._id = x.lower()
        self._problems: list[str] = []
        self._stem = f"{prefix}_{x}_"
        self._left = self._with_files(own)
        if len(self._id) > bounds.NAME:
            first = next(iter(_REQUIRED[prefix]))
            self._problems.append(f"{prefix}_<X>_{first}: <X> has {bounds.NAME} letters at most.")
        for attribute, example in _REQUIRED[prefix].items():
            by_file = prefix == "NOTIFY" and own.get(f"{attribute}_FILE")
            if not own.get(attribute) and not by_file:
                self._problems.append(f"{self._stem}{attribute} is not set; it may be {example!r}.")

    def take(self, setting: Setting) -> Any:
        """Return the parsed value; the default when it is not set or is a problem."""
        value = self._left.pop(setting.key, None)
        if value is None:
            return setting.default
        try:
            return setting.parse(self._stem + setting.key, value)
        except SettingsError as exc:
            self._problems.append(str(exc))
            return setting.default

    def all(self, kind: type[PluginSettings]) -> dict[str, Any]:
        """Return the fields of this type; what it has no field for are the plugin's own options."""
        taken = {name: self.take(setting) for name, setting in settings_of(kind).items()}
        return taken | {
            "id": self._id,
            "values": {attribute.lower(): value for attribute, value in self._left.items()},
            "problem": " ".join(self._problems),
        }

    def every(self, kind: type[ScheduleSettings] | type[ChannelSettings]) -> dict[str, Any]:
        """Return the fields of this type, which has no options of its own."""
        settings = settings_of(kind)
        taken = {name: self.take(setting) for name, setting in settings.items()}
        known = [setting.key for setting in settings.values()]
        unknown = [
            f"{self._stem}{attribute} is not a setting{did_you_mean(attribute, known)}"
            for attribute in self._left
        ]
        return taken | {"id": self._id, "problem": " ".join([*self._problems, *unknown])}

    def _with_files(self, own: Mapping[str, str]) -> dict[str, str]:
        left = dict(own)
        for attribute, path in own.items():
            secret = values.secret_of(attribute) or self._url_of(attribute)
            if secret is None:
                continue
            del left[attribute]
            key = self._stem + attribute
            if secret in own:
                self._problems.append(f"{key} and {self._stem}{secret} are both set; keep one.")
                continue
            try:
                left[secret] = values.from_file(key, path)
            except SettingsError as exc:
                self._problems.append(str(exc))
        return left

    def _url_of(self, attribute: str) -> str | None:
        """A channel's address is a secret; that of a library's server is none."""
        return "URL" if attribute == "URL_FILE" and self._stem.startswith("NOTIFY_") else None


def _groups(prefix: str, environ: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for key, value in environ.items():
        matched = _VARIABLE.fullmatch(key)
        if matched and matched[1] == prefix:
            groups[matched[2]][matched[3]] = value
    return sorted(groups.items())


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each variable that looks like one of an engine, … but is none.

    A variable that merely resembles one belongs to some other program, and is left alone, unless
    its attribute is one that every plugin has or its <X> is configured.
    """
    ours = {x for prefix in PREFIXES for x, _own in _groups(prefix, environ)}
    for key in sorted(environ):
        matched = _VARIABLE.fullmatch(key)
        if matched is None or matched[1] in PREFIXES:
            continue
        prefix, x, attribute = matched.groups()
        meant = get_close_matches(prefix, PREFIXES, n=1, cutoff=_CLOSE_PREFIX)
        if meant and (attribute in ("NAME", "ENABLED", "CRON") or x in ours):
            yield f"{key} is not a setting; did you mean '{meant[0]}_{x}_{attribute}'?"


def _unknown(environ: Mapping[str, str]) -> list[str]:
    ours = [key for key in PROGRAM_KEYS if key.startswith("TIGERTAG_")]
    unset = [key for key in PROGRAM_KEYS if key not in environ]
    return [
        f"{key} is not a setting{did_you_mean(key, PROGRAM_KEYS, likely=unset)}"
        for key in sorted(environ)
        if key not in PROGRAM_KEYS
        and (key.startswith("TIGERTAG_") or get_close_matches(key, ours, n=1, cutoff=_CLOSE_KEY))
    ]
