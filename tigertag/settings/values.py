"""How one value of the environment is read. A parser takes the variable's name and its value.

Each raises `SettingsError`, in one line that names the variable.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import time, tzinfo
from math import inf, isfinite
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tigertag import bounds, cron
from tigertag.errors import RequestError, SettingsError, os_reason
from tigertag.model import NoticeKind
from tigertag.text import did_you_mean

T = TypeVar("T")
Number = TypeVar("Number", int, float)
Parser = Callable[[str, str], T]

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_SECRET_WORDS = frozenset({"KEY", "APIKEY", "SECRET", "TOKEN", "PASSWORD"})
_FILE = "_FILE"


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what is set, without blanks and one matching pair of quotes around each value.

    An empty value counts as not set: that is how compose files hand on a variable that is not
    there.
    """
    values = {}
    for key, value in environ.items():
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        if value:
            values[key] = value
    return values


def secret_of(attribute: str) -> str | None:
    """Return the attribute whose value this one names a file of; None when it is no such one.

    Only a secret comes as a file: `API_KEY_FILE` is one, `PROMPT_FILE` is an option of its own.
    """
    base = attribute.removesuffix(_FILE)
    return base if base != attribute and base.split("_")[-1] in _SECRET_WORDS else None


def from_file(key: str, path: str) -> str:
    """Return what the file at `path`, which `key` names, holds."""
    try:
        value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as exc:
        raise SettingsError(f"{key}: {path!r} cannot be read ({os_reason(exc)}).") from exc
    except ValueError as exc:
        raise SettingsError(f"{key}: {path!r} is not a text file in UTF-8.") from exc
    if not value:
        raise SettingsError(f"{key}: {path!r} is empty.")
    return value


def text(_key: str, value: str) -> str:
    return value


def short_text(key: str, value: str) -> str:
    """A text that fits where the database keeps names."""
    if not bounds.fits(value, bounds.NAME):
        raise SettingsError(f"{key} is longer than {bounds.NAME} characters, or no text.")
    return value


def path(_key: str, value: str) -> Path:
    return Path(os.path.expanduser(value)).absolute()


def base_path(key: str, value: str) -> str:
    """A path of URLs: "/tigertag", "" for the root."""
    inside = value.strip("/")
    if not re.fullmatch(r"[A-Za-z0-9._~/-]*", inside):
        raise SettingsError(f"{key}: {value!r} is not a path such as /tigertag.")
    return f"/{inside}" if inside else ""


def timezone(key: str, value: str) -> tzinfo:
    try:
        return ZoneInfo(value.removeprefix(":"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise SettingsError(f"{key}: {value!r} is not a time zone such as Europe/Berlin.") from exc


def cron_line(key: str, value: str) -> str:
    try:
        return cron.parse(value).line
    except RequestError as exc:
        raise SettingsError(f"{key}: {exc}") from exc


def daily_or_off(key: str, value: str) -> time | None:
    """A time such as 02:30 on the clock of TZ; None for `off`."""
    if value.casefold() in _FALSE | {"none", "never"}:
        return None
    matched = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", value)
    if matched is None:
        raise SettingsError(f"{key}: {value!r} is neither a time such as 02:30 nor off.")
    return time(int(matched[1]), int(matched[2]))


def words(_key: str, value: str) -> tuple[str, ...]:
    """The parts of a comma-separated list, without blanks around them."""
    return tuple(word for part in value.split(",") if (word := part.strip()))


def words_or_none(key: str, value: str) -> tuple[str, ...]:
    """Such a list; the word "none" in it counts for nothing, so that it can be empty."""
    return tuple(word for word in words(key, value) if word.casefold() != "none")


def time_of_day(key: str, value: str) -> time:
    """A time such as 08:00, on the clock of TZ."""
    matched = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", value)
    if matched is None:
        raise SettingsError(f"{key}: {value!r} is not a time such as 08:00.")
    return time(int(matched[1]), int(matched[2]))


def notice_kinds(key: str, value: str) -> tuple[NoticeKind, ...]:
    """Kinds of notices in a comma-separated list; `all`: each of them, `none`: no one."""
    chosen: list[NoticeKind] = []
    for word in words_or_none(key, value):
        name = word.casefold().replace("_", "-").replace(" ", "-")
        if name not in ("all", *NoticeKind):
            raise SettingsError(
                f"{key}: {word!r} is no kind of notice{did_you_mean(name, NoticeKind)}"
                f" There are: {', '.join(NoticeKind)}, all, none."
            )
        chosen += NoticeKind if name == "all" else [NoticeKind(name)]
    return tuple(dict.fromkeys(chosen))


def public_url(key: str, value: str) -> str:
    """The address of a web page, without a slash at its end."""
    if not re.fullmatch(r"https?://[^\s/?#@]+[^\s?#@]*", value):
        raise SettingsError(f"{key}: {value!r} is not an address such as https://tags.example.org.")
    return value.rstrip("/")


def boolean(key: str, value: str) -> bool:
    word = value.casefold()
    if word not in _TRUE | _FALSE:
        raise SettingsError(
            f"{key}: {value!r} is neither true nor false (true/false, yes/no, on/off, 1/0)."
        )
    return word in _TRUE


def one_of(choices: Sequence[str]) -> Parser[str]:
    """One of these words, in any case of its letters."""

    def parse(key: str, value: str) -> str:
        for choice in choices:
            if choice.casefold() == value.casefold():
                return choice
        raise SettingsError(f"{key}: {value!r} is not one of {', '.join(choices)}.")

    return parse


def is_word(word: str, *, rather_than: str) -> Parser[bool]:
    """Whether it is the one word and not the other."""
    choose = one_of((rather_than, word))
    return lambda key, value: choose(key, value) == word


def number(least: float, most: float = inf) -> Parser[float]:
    """A number in [least, most]."""
    return _in_range(float, "a number", least, most)


def whole(least: float = -inf, most: float = inf) -> Parser[int]:
    """A whole number in [least, most], of nine digits at the most."""

    def convert(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", value):
            raise ValueError
        return int(value)

    return _in_range(convert, "a whole number", least, most)


def _in_range(
    convert: Callable[[str], Number], noun: str, least: float, most: float
) -> Parser[Number]:
    def parse(key: str, value: str) -> Number:
        with suppress(ValueError):
            parsed = convert(value)
            if isfinite(parsed) and least <= parsed <= most:
                return parsed
        limits = f" of at least {least:g}" if least > -inf else ""
        if most < inf:
            limits = f" from {least:g} to {most:g}"
        raise SettingsError(f"{key}: {value!r} is not {noun}{limits}.")

    return parse
