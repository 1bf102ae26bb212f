"""Every setting, described where its value is kept: variable, documentation, parser and default.

The types are frozen, and no secret shows in their repr. `REFERENCE` is the README's table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import UTC, time, tzinfo
from pathlib import Path
from typing import Any, Literal, get_args

from tigertag.contracts import Sampling, SamplingMethod
from tigertag.model import NoticeKind
from tigertag.settings import values as read
from tigertag.text import looks_secret, without_password

DATABASE = "tigertag.db"
"""The SQLite file in TIGERTAG_HOME."""

SKIP_TAGS = ("ai-generated", "auto-tagged", "vision-analyzed")
"""What other taggers put on what they have been at."""

LogFormat = Literal["text", "json"]

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its variable, or the attribute of a plugin, what it does, and how it is read.

    `shown`: the default as a reader sees it, where that is not `default`. `in_file`: what
    `<key>_FILE` is, where the value may come from a file.
    """

    key: str
    what: str
    parse: read.Parser[Any] = read.text
    shown: str | None = None
    in_file: str = ""
    default: Any = None

    @property
    def default_text(self) -> str:
        """The default as a reader sees it."""
        match self.default:
            case _ if self.shown is not None:
                return self.shown
            case None:
                return ""
            case bool():
                return str(self.default).lower()
            case float():
                return f"{self.default:g}"
            case tuple():
                return ",".join(self.default)
        return str(self.default)


def setting(
    key: str,
    what: str,
    parse: read.Parser[Any] = read.text,
    *,
    default: Any = MISSING,
    shown: str | None = None,
    in_file: str = "",
) -> Any:
    """Make the field that keeps a setting, see `Setting`. What may come from a file is secret."""
    documented = None if default is MISSING else default
    note = Setting(key, what, parse, shown, in_file, documented)
    return field(default=default, repr=not in_file, metadata={"setting": note})


@dataclass(frozen=True, slots=True, repr=False)
class PluginSettings:
    """One configured engine or library.

    `values` are its own options, by lower-case name, as strings; `problem` is the one line that
    says why it cannot be used, "" when nothing is wrong so far.
    """

    id: str
    name: str = setting(
        "NAME", "which engine or library: a built-in, an entry point or `pkg.mod`", default=""
    )
    enabled: bool = setting(
        "ENABLED", "`false` switches it off; its tags stay", read.boolean, default=True
    )
    values: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def __repr__(self) -> str:
        shown = {each.name: getattr(self, each.name) for each in fields(self)}
        shown["values"] = {
            key: "***" if looks_secret(key) else without_password(value)
            for key, value in self.values.items()
        }
        inside = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__}({inside})"


@dataclass(frozen=True, slots=True, repr=False)
class EngineSettings(PluginSettings):
    """A configured engine, with what every engine has.

    None: the engine's own default. `sections` are ids or titles; empty means all of them.
    """

    prefix: str = setting(
        "PREFIX", "what each of the engine's tags begins with", read.short_text, default=""
    )
    min_confidence: float | None = setting(
        "MIN_CONFIDENCE",
        "the minimum confidence of its tags, from 0 to 1",
        read.number(0, 1),
        default=None,
        shown="the engine's",
    )
    max_tags: int | None = setting(
        "MAX_TAGS",
        "the most tags that it gives an item",
        read.whole(1),
        default=None,
        shown="the engine's",
    )
    sections: tuple[str, ...] = setting(
        "SECTIONS",
        "the sections it works on: ids or titles, separated by commas",
        read.words,
        default=(),
        shown="all",
    )
    order: int = setting(
        "ORDER", "which engine works first: lower ones do", read.whole(), default=100
    )
    only_uncertain: bool = setting(
        "WHEN",
        "`uncertain`: run it only on items for which the engines before it have no confident tag",
        read.is_word("uncertain", rather_than="always"),
        default=False,
        shown="always",
    )
    monthly_limit: int | None = setting(
        "MONTHLY_LIMIT",
        "how many calls it may make in a month (UTC)",
        read.whole(0),
        default=None,
    )
    monthly_cost_usd: float | None = setting(
        "MONTHLY_COST_USD", "what it may cost in a month (UTC)", read.number(0), default=None
    )
    waits_for_budget: bool = setting(
        "ON_LIMIT",
        "when that is used up: `end` the scan without it, or `wait` for the next month",
        read.is_word("wait", rather_than="end"),
        default=False,
        shown="end",
    )


@dataclass(frozen=True, slots=True, repr=False)
class LibrarySettings(PluginSettings):
    """A configured library, with what every library has.

    `skip_tags`: items that have one of these are left as they are.
    """

    sampling: Sampling = field(default_factory=Sampling)
    skip_tags: tuple[str, ...] = setting(
        "SKIP_TAGS",
        "skip items that have one of these tags; `none` turns it off",
        read.words_or_none,
        default=SKIP_TAGS,
    )


SCHEDULE_MODES = ("new", "changed", "decide")
SCHEDULE_WRITES = ("preview", "apply")


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """A schedule: a scan of a library at the times of a line of cron.

    `section` "": every section; `engines` (): all that can be used. `problem` is the one line that
    says why it cannot run, "" when nothing is wrong.
    """

    id: str
    cron: str = setting(
        "CRON",
        "when it starts a scan: a line of cron, in the time zone of `TZ`",
        read.cron_line,
        default="",
    )
    library: str = setting("LIBRARY", "the library that it scans: its `<X>`", default="")
    section: str = setting(
        "SECTION", "the section, its id or title", default="", shown="every section"
    )
    mode: str = setting(
        "MODE",
        "`new`: only new items; `changed`: also those that changed or lack an answer; `decide`:"
        " rules again, no engine",
        read.one_of(SCHEDULE_MODES),
        default="changed",
    )
    write: str = setting(
        "WRITE",
        "`apply` writes tags; `preview` only shows them",
        read.one_of(SCHEDULE_WRITES),
        default="preview",
    )
    engines: tuple[str, ...] = setting(
        "ENGINES",
        "the engines that it runs: their `<X>`, by commas",
        read.words,
        default=(),
        shown="all",
    )
    enabled: bool = setting("ENABLED", "`false` pauses it", read.boolean, default=True)
    problem: str = ""


NEEDS_SOMEBODY = tuple(kind for kind in NoticeKind if kind is not NoticeKind.SCAN_FINISHED)
"""What a channel is for unless it is set otherwise."""


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """A channel for notices. `problem` says why it cannot be used, "" if nothing is wrong so far.

    `digest`: when the daily summary is sent, in the time zone of `Settings`; None: never.
    """

    id: str
    url: str = setting(
        "URL",
        "where notices go: an address of Apprise, such as `mailto://…` or `ntfy://…`",
        default="",
        in_file="a file that holds the address",
    )
    on: tuple[NoticeKind, ...] = setting(
        "ON",
        f"which notices: {', '.join(f'`{kind}`' for kind in NoticeKind)}, `all` or `none`",
        read.notice_kinds,
        default=NEEDS_SOMEBODY,
        shown="all but scan-finished",
    )
    digest: time | None = setting(
        "DIGEST",
        "when to send a summary of the day, such as `08:00`",
        read.time_of_day,
        default=None,
        shown="none",
    )
    enabled: bool = setting("ENABLED", "`false` switches it off", read.boolean, default=True)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The service on the web. "": the password or key is generated at the first start."""

    password: str = setting(
        "TIGERTAG_PASSWORD",
        "the dashboard's password",
        default="",
        shown="generated",
        in_file="a file that holds the password",
    )
    api_key: str = setting(
        "TIGERTAG_API_KEY",
        "REST's key",
        default="",
        shown="generated",
        in_file="a file that holds the key",
    )
    metrics_token: str = setting(
        "TIGERTAG_METRICS_TOKEN",
        "what Prometheus shows to read `/metrics`, and nothing else; REST's key works too",
        default="",
        in_file="a file that holds the token",
    )
    base_path: str = setting(
        "TIGERTAG_BASE_PATH",
        "the path the service lives under, such as `/tigertag`",
        read.base_path,
        default="",
    )
    trusted_proxies: int = setting(
        "TIGERTAG_TRUSTED_PROXIES",
        "how many proxies stand before it, whose `X-Forwarded-*` headers are believed",
        read.whole(0, 10),
        default=0,
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured. `workers` 0: one a core, and one more.

    `problems` are one-line warnings about settings that were not understood and so not used.
    """

    engines: tuple[EngineSettings, ...]
    libraries: tuple[LibrarySettings, ...]
    schedules: tuple[ScheduleSettings, ...]
    home: Path = setting(
        "TIGERTAG_HOME",
        "where the database, the models and the state live; give an absolute path",
        read.path,
        shown="./data",
    )
    db_url: str = setting(
        "DB_URL",
        "the database: `sqlite:///path` or `postgresql://user:password@host/name`",
        shown="SQLite in TIGERTAG_HOME",
        in_file="a file that holds DB_URL",
    )
    rules_file: Path | None = setting(
        "TIGERTAG_RULES", "a YAML file of default rules", read.path, default=None
    )
    lease_s: float = setting(
        "TIGERTAG_LEASE_S",
        "after how many seconds without a sign a worker counts as dead",
        read.number(0.1, 3600),
        default=10.0,
    )
    workers: int = setting(
        "TIGERTAG_WORKERS",
        "worker threads of a scan; 0: one a core, and one more",
        read.whole(0, 1024),
        default=0,
    )
    broker_url: str = setting(
        "TIGERTAG_BROKER_URL",
        "Redis or RabbitMQ, for scans on many machines: `redis://host/0`, `amqp://user:password@host/`",
        default="",
        in_file="a file that holds the address",
    )
    paid_at_once: int = setting(
        "TIGERTAG_PAID_AT_ONCE",
        "how many chunks may be asked about at paid services at once, on all machines together",
        read.whole(1, 1024),
        default=4,
    )
    hook_quiet_s: float = setting(
        "HOOK_QUIET_S",
        "how many seconds without more news a scan of what hooks or folders announce waits for",
        read.number(0, 600),
        default=60.0,
    )
    log_level: str = setting(
        "LOG_LEVEL",
        "DEBUG, INFO, WARNING, ERROR or CRITICAL",
        read.one_of(_LEVELS),
        default="INFO",
    )
    log_format: LogFormat = setting(
        "LOG_FORMAT",
        "`text`, or `json`: an object a line",
        read.one_of(get_args(LogFormat)),
        default="text",
    )
    host: str = setting("HOST", "the address that the server listens at", default="127.0.0.1")
    port: int = setting(
        "PORT", "the port that the server listens at", read.whole(1, 65535), default=5000
    )
    timezone: tzinfo = setting(
        "TZ",
        "the time zone of schedules and of the times shown, such as `Europe/Berlin`",
        read.timezone,
        default=UTC,
    )
    public_url: str = setting(
        "TIGERTAG_PUBLIC_URL",
        "the address of the dashboard for links in notices, such as `https://tags.example.org`",
        read.public_url,
        default="",
    )
    backup_at: time | None = setting(
        "BACKUP",
        "when a backup is made each night, on the clock of `TZ`; `off`: never",
        read.daily_or_off,
        default=time(2, 30),
        shown="02:30",
    )
    backup_folder: Path | None = setting(
        "BACKUP_FOLDER",
        "where backups are kept; best on another disk",
        read.path,
        default=None,
        shown="backups in TIGERTAG_HOME",
    )
    channels: tuple[ChannelSettings, ...] = ()
    keep_days: int = setting(
        "KEEP_DAYS",
        "how many days of history are kept: details of ended scans, events, the egress log; 0: all",
        read.whole(0, 36500),
        default=90,
    )
    web: WebSettings = field(default_factory=WebSettings)
    problems: tuple[str, ...] = ()


_SAMPLING: Mapping[str, Setting] = {
    "by": Setting(
        "FRAMES",
        "which frames of a video are looked at: of `scenes`, at an `interval`, or `keyframes`",
        read.one_of(get_args(SamplingMethod)),
    ),
    "interval_s": Setting(
        "FRAME_INTERVAL_S", "the seconds between two frames of `interval`", read.number(0.1, 3600)
    ),
    "scene_threshold": Setting(
        "SCENE_THRESHOLD", "how much changes from one shot to the next", read.number(1, 255)
    ),
    "exact": Setting(
        "SCENES_EXACT",
        "`true` finds shots by looking at every frame, which takes far longer",
        read.boolean,
    ),
    "max_frames": Setting(
        "MAX_FRAMES", "how many frames of a video are looked at", read.whole(1, 100)
    ),
}
SAMPLING: Mapping[str, Setting] = {
    name: replace(setting, default=getattr(Sampling(), name)) for name, setting in _SAMPLING.items()
}
"""The settings of `LibrarySettings.sampling`, by the fields of `Sampling`."""

_ONLY_FOR = {"interval_s": "interval", "scene_threshold": "scenes", "exact": "scenes"}


def settings_of(kind: type) -> dict[str, Setting]:
    """Return the settings of one of the types above, by the name of the field that keeps each."""
    return {
        each.name: each.metadata["setting"] for each in fields(kind) if "setting" in each.metadata
    }


def sampling_changes(library: str, now: Sampling, wanted: Sampling) -> list[str]:
    """Return the settings, `KEY=value`, with which the library chooses frames as `wanted`."""
    changes = []
    for name, setting in SAMPLING.items():
        value = getattr(wanted, name)
        if value != getattr(now, name) and _ONLY_FOR.get(name, wanted.by) == wanted.by:
            text = f"{value:g}" if isinstance(value, float) else str(value)
            changes.append(f"LIBRARY_{library.upper()}_{setting.key}={text}")
    return changes


PREFIXES: Mapping[str, tuple[Setting, ...]] = {
    "ENGINE": tuple(settings_of(EngineSettings).values()),
    "LIBRARY": (*settings_of(LibrarySettings).values(), *SAMPLING.values()),
    "SCHEDULE": tuple(settings_of(ScheduleSettings).values()),
    "NOTIFY": tuple(settings_of(ChannelSettings).values()),
}
"""What every engine and library has, besides its own options; every schedule and channel."""


def _reference() -> Iterator[Setting]:
    for setting in (*settings_of(Settings).values(), *settings_of(WebSettings).values()):
        yield setting
        if setting.in_file:
            yield Setting(f"{setting.key}_FILE", setting.in_file)
    for prefix, settings in PREFIXES.items():
        for setting in settings:
            key = f"{prefix}_<X>_{setting.key}"
            yield replace(setting, key=key)
            if setting.in_file:
                yield Setting(f"{key}_FILE", setting.in_file)


REFERENCE: tuple[Setting, ...] = tuple(_reference())
"""Every setting that is not a plugin's own option. A test holds the README's table to it."""

PROGRAM_KEYS: tuple[str, ...] = tuple(doc.key for doc in REFERENCE if "<X>" not in doc.key)
