"""How one value of the environment is read."""

import re
from collections.abc import Mapping
from pathlib import Path

from tigertag.errors import SettingsError, os_reason

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_SECRET_WORDS = frozenset({"KEY", "APIKEY", "SECRET", "TOKEN", "PASSWORD"})
_FILE = "_FILE"


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what is set, without blanks and one matching pair of quotes around each value.

    An empty value counts as not set: that is how compose files hand on a variable that is not
    there.
    """
    found = {key: _unquoted(value.strip()) for key, value in environ.items()}
    return {key: value for key, value in found.items() if value}


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def secret_of(attribute: str) -> str | None:
    """Return the attribute whose value this one names a file of; None when it is no such one.

    Only a secret comes as a file: `API_KEY_FILE` is one, `PROMPT_FILE` is an option of its own.
    """
    base = attribute.removesuffix(_FILE)
    return base if base != attribute and base.split("_")[-1] in _SECRET_WORDS else None


def from_file(key: str, path: str) -> str:
    """Return what the file at `path`, which `key` names, holds. Raises `SettingsError`."""
    try:
        value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as exc:
        raise SettingsError(f"{key}: {path!r} cannot be read ({os_reason(exc)}).") from exc
    except ValueError as exc:
        raise SettingsError(f"{key}: {path!r} is not a text file in UTF-8.") from exc
    if not value:
        raise SettingsError(f"{key}: {path!r} is empty.")
    return value


def boolean(key: str, value: str) -> bool:
    """Return the value as a bool. Raises `SettingsError`."""
    word = value.casefold()
    if word not in _TRUE | _FALSE:
        raise SettingsError(
            f"{key}: {value!r} is neither true nor false (true/false, yes/no, on/off, 1/0)."
        )
    return word in _TRUE


def number(key: str, value: str, *, least: float, most: float = float("inf")) -> float:
    """Return the value as a number in [least, most]. Raises `SettingsError`."""
    try:
        found = float(value)
    except ValueError:
        found = float("nan")
    if least <= found <= most and found != float("inf"):
        return found
    limits = f"from {least:g} to {most:g}" if most != float("inf") else f"of at least {least:g}"
    raise SettingsError(f"{key}: {value!r} is not a number {limits}.")


def whole(key: str, value: str, *, least: int | None = None, most: int | None = None) -> int:
    """Return the value as an int in [least, most]. Raises `SettingsError`."""
    found = int(value) if re.fullmatch(r"[+-]?[0-9]{1,9}", value) else None
    low = found is not None and least is not None and found < least
    high = found is not None and most is not None and found > most
    if found is not None and not low and not high:
        return found
    limits = "" if least is None else f" of at least {least}"
    limits += "" if most is None else f" and at most {most}"
    raise SettingsError(f"{key}: {value!r} is not a whole number{limits}.")


def words(value: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated list, without blanks around them."""
    return tuple(word for part in value.split(",") if (word := part.strip()))
