"""What the environment says, as frozen types. No secret shows in their repr."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, tzinfo
from pathlib import Path

from tigertag.contracts import Sampling
from tigertag.text import looks_secret, without_password

SKIP_TAGS = ("ai-generated", "auto-tagged", "vision-analyzed")
"""What other taggers put on what they have been at."""


def hidden(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values as they may be shown."""
    return {
        key: "***" if looks_secret(key) else without_password(value)
        for key, value in values.items()
    }


@dataclass(frozen=True, slots=True, repr=False)
class PluginSettings:
    """One configured engine or library.

    `values` are its own options, by lower-case name, as strings; `problem` is the one line that
    says why it cannot be used, "" when nothing is wrong so far.
    """

    id: str
    name: str
    enabled: bool
    values: Mapping[str, str]
    problem: str = ""

    def __repr__(self) -> str:
        shown = {one.name: getattr(self, one.name) for one in fields(self)}
        shown["values"] = hidden(self.values)
        inside = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__}({inside})"


@dataclass(frozen=True, slots=True, repr=False)
class EngineSettings(PluginSettings):
    """A configured engine, with what every engine has.

    None: the engine's own default. `sections` are ids or titles; empty means all of them.
    """

    prefix: str = ""
    min_confidence: float | None = None
    max_tags: int | None = None
    sections: tuple[str, ...] = ()
    order: int = 100
    only_uncertain: bool = False
    monthly_limit: int | None = None
    monthly_cost_usd: float | None = None
    waits_for_budget: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class LibrarySettings(PluginSettings):
    """A configured library, with what every library has.

    `skip_tags`: items that bear one of these are left as they are.
    """

    sampling: Sampling = field(default_factory=Sampling)
    skip_tags: tuple[str, ...] = SKIP_TAGS


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The service's face on the web. "": the password or key is generated at the first start."""

    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    base_path: str = ""
    trusted_proxies: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured. `workers` 0: one a core, and one more.

    `problems` are one-line warnings about settings that were not understood and so not used.
    """

    engines: tuple[EngineSettings, ...]
    libraries: tuple[LibrarySettings, ...]
    home: Path
    db_url: str = field(repr=False)
    rules_file: Path | None = None
    lease_s: float = 10.0
    workers: int = 0
    log_level: str = "INFO"
    host: str = "127.0.0.1"
    port: int = 5000
    timezone: tzinfo = UTC
    web: WebSettings = field(default_factory=WebSettings)
    problems: tuple[str, ...] = ()
