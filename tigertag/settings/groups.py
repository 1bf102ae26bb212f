"""The engines and libraries: `ENGINE_<X>_<ATTR>` and `LIBRARY_<X>_<ATTR>`."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar, get_args

from tigertag import bounds
from tigertag.contracts import Sampling, SamplingMethod
from tigertag.errors import SettingsError
from tigertag.settings import values as read
from tigertag.settings.shapes import EngineSettings, LibrarySettings

PREFIXES = ("ENGINE", "LIBRARY")
COMMON = frozenset({"NAME", "ENABLED"})
COMMON_OF_ENGINES = frozenset(
    {
        "PREFIX",
        "MIN_CONFIDENCE",
        "MAX_TAGS",
        "SECTIONS",
        "ORDER",
        "WHEN",
        "MONTHLY_LIMIT",
        "MONTHLY_COST_USD",
        "ON_LIMIT",
    }
)
COMMON_OF_LIBRARIES = frozenset(
    {
        "FRAMES",
        "FRAME_INTERVAL_S",
        "MAX_FRAMES",
        "SCENE_THRESHOLD",
        "SCENES_EXACT",
        "SKIP_TAGS",
    }
)
DEFAULT_ENGINE = EngineSettings("classifier", "tigertag.classifier", enabled=True, values={})

_VARIABLE = re.compile(r"([A-Z]+)_([A-Z0-9]+)_([A-Z0-9_]+)")
_CLOSE = 0.75
_NONE = "none"
_EVERY_ONE: tuple[str, ...] = ()

T = TypeVar("T")


def engines(environ: Mapping[str, str]) -> tuple[EngineSettings, ...]:
    """Return the configured engines, by id; the local classifier when there is none at all."""
    found = tuple(_engine(_Group("ENGINE", *one)) for one in _groups("ENGINE", environ))
    return found or (DEFAULT_ENGINE,)


def libraries(environ: Mapping[str, str]) -> tuple[LibrarySettings, ...]:
    """Return the configured libraries, by id."""
    return tuple(_library(_Group("LIBRARY", *one)) for one in _groups("LIBRARY", environ))


def misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each variable that looks like an engine's or a library's but is none.

    A variable that merely resembles one belongs to some other program, and is left alone, unless
    its attribute is one that every plugin has or its <X> is configured.
    """
    ours = {x for prefix in PREFIXES for x, _own in _groups(prefix, environ)}
    for key in sorted(environ):
        matched = _VARIABLE.fullmatch(key)
        if matched is None or matched[1] in PREFIXES:
            continue
        prefix, x, attribute = matched.groups()
        meant = get_close_matches(prefix, PREFIXES, n=1, cutoff=_CLOSE)
        if meant and (attribute in COMMON or x in ours):
            yield f"{key} is not a setting; did you mean '{meant[0]}_{x}_{attribute}'?"


def _groups(prefix: str, environ: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for key, value in environ.items():
        matched = _VARIABLE.fullmatch(key)
        if matched and matched[1] == prefix:
            found[matched[2]][matched[3]] = value
    return sorted(found.items())


class _Group:
    """The variables of one plugin, taken out one by one; what is wrong with them is gathered."""

    def __init__(self, prefix: str, x: str, own: Mapping[str, str]) -> None:
        self.id = x.lower()
        self.problems: list[str] = []
        self._stem = f"{prefix}_{x}_"
        self._left = self._with_files(own)
        self.enabled = self.take("ENABLED", read.boolean, True)
        self.name = self.take("NAME", lambda _key, value: value, "")
        if len(self.id) > bounds.NAME:
            self.problems.append(f"{prefix}_<X>_NAME: <X> has {bounds.NAME} letters at most.")
        if not self.name:
            example = "tigertag.classifier" if prefix == "ENGINE" else "tigertag.folder"
            self.problems.append(f"{self._stem}NAME is not set; it may be {example!r}.")

    def take(self, attribute: str, parse: Callable[[str, str], T], default: T) -> T:
        """Return the parsed attribute; the default when it is not set or is a problem."""
        value = self._left.pop(attribute, None)
        if value is None:
            return default
        try:
            return parse(self._stem + attribute, value)
        except SettingsError as exc:
            self.problems.append(str(exc))
            return default

    def rest(self) -> dict[str, str]:
        """Return what no one has taken, by lower-case name."""
        return {attribute.lower(): value for attribute, value in self._left.items()}

    @property
    def problem(self) -> str:
        return " ".join(self.problems)

    def _with_files(self, own: Mapping[str, str]) -> dict[str, str]:
        left = dict(own)
        for attribute, path in own.items():
            secret = read.secret_of(attribute)
            if secret is None:
                continue
            del left[attribute]
            key = self._stem + attribute
            if secret in own:
                self.problems.append(f"{key} and {self._stem}{secret} are both set; keep one.")
                continue
            try:
                left[secret] = read.from_file(key, path)
            except SettingsError as exc:
                self.problems.append(str(exc))
        return left


def _engine(group: _Group) -> EngineSettings:
    prefix = group.take("PREFIX", _prefix, "")
    min_confidence = group.take("MIN_CONFIDENCE", _confidence, None)
    max_tags = group.take("MAX_TAGS", _count, None)
    sections = group.take("SECTIONS", _sections, _EVERY_ONE)
    order = group.take("ORDER", lambda key, value: read.whole(key, value), 100)
    only_uncertain = group.take("WHEN", _is("uncertain", rather_than="always"), False)
    monthly_limit = group.take("MONTHLY_LIMIT", lambda key, value: _whole(key, value), None)
    monthly_cost_usd = group.take("MONTHLY_COST_USD", _money, None)
    waits = group.take("ON_LIMIT", _is("wait", rather_than="end"), False)
    return EngineSettings(
        id=group.id,
        name=group.name,
        enabled=group.enabled,
        values=group.rest(),
        problem=group.problem,
        prefix=prefix,
        min_confidence=min_confidence,
        max_tags=max_tags,
        sections=sections,
        order=order,
        only_uncertain=only_uncertain,
        monthly_limit=monthly_limit,
        monthly_cost_usd=monthly_cost_usd,
        waits_for_budget=waits,
    )


def _library(group: _Group) -> LibrarySettings:
    usual = LibrarySettings(group.id, group.name, group.enabled, {})
    sampling = Sampling(
        group.take("FRAMES", _frames, usual.sampling.by),
        group.take("FRAME_INTERVAL_S", _interval, usual.sampling.interval_s),
        group.take("MAX_FRAMES", _most_frames, usual.sampling.max_frames),
        group.take("SCENE_THRESHOLD", _scene_threshold, usual.sampling.scene_threshold),
        group.take("SCENES_EXACT", read.boolean, usual.sampling.exact),
    )
    skip_tags = group.take("SKIP_TAGS", _sections, usual.skip_tags)
    return LibrarySettings(
        group.id,
        group.name,
        group.enabled,
        group.rest(),
        group.problem,
        sampling=sampling,
        skip_tags=tuple(word for word in skip_tags if word.casefold() != _NONE),
    )


def _prefix(key: str, value: str) -> str:
    if not bounds.fits(value, bounds.NAME):
        raise SettingsError(f"{key} is longer than {bounds.NAME} characters, or no text.")
    return value


def _frames(key: str, value: str) -> SamplingMethod:
    words: tuple[SamplingMethod, ...] = get_args(SamplingMethod)
    for word in words:
        if value.casefold() == word:
            return word
    raise SettingsError(f"{key}: {value!r} is none of {', '.join(words)}.")


def _interval(key: str, value: str) -> float:
    return read.number(key, value, least=0.1, most=3600)


def _most_frames(key: str, value: str) -> int:
    return read.whole(key, value, least=1, most=100)


def _scene_threshold(key: str, value: str) -> float:
    return read.number(key, value, least=1, most=255)


def _sections(_key: str, value: str) -> tuple[str, ...]:
    return read.words(value)


def _confidence(key: str, value: str) -> float | None:
    return read.number(key, value, least=0, most=1)


def _whole(key: str, value: str) -> int | None:
    return read.whole(key, value, least=0)


def _money(key: str, value: str) -> float | None:
    return read.number(key, value, least=0)


def _is(word: str, *, rather_than: str) -> Callable[[str, str], bool]:
    def parse(key: str, value: str) -> bool:
        if value.casefold() not in (word, rather_than):
            raise SettingsError(f"{key}: {value!r} is neither {rather_than} nor {word}.")
        return value.casefold() == word

    return parse


def _count(key: str, value: str) -> int | None:
    return read.whole(key, value, least=1)
