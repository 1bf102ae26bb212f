"""What a folder library is told: `LIBRARY_<X>_PATH`, `…_SECTIONS`, `…_EXCLUDE`, `…_MIN_BYTES`."""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator


def _listed(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _patterns(value: object) -> object:
    """Split at line ends and commas, but for commas after a backslash."""
    if isinstance(value, str):
        parts = re.findall(r"(?:\\.|[^\\,\n]|\\$)+", value.replace("\r", ""), re.MULTILINE)
        return [part.lstrip() for part in parts if part.strip()]
    return value


def _given(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("it is empty; give the folder's path")
    return value


class Options(BaseModel):
    """The options of a folder library.

    `sections` are sub-folders, relative to `path`; none: the whole folder is one section.
    Photos and videos below `min_bytes` are passed over. `exclude`: patterns as gitignore has them,
    relative to `path`, after those of `choosing.DEFAULTS`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[Path, BeforeValidator(_given)]
    sections: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    min_bytes: int = Field(default=0, ge=0)
    exclude: Annotated[tuple[str, ...], BeforeValidator(_patterns)] = ()

    @field_validator("sections")
    @classmethod
    def _apart(cls, sections: tuple[str, ...]) -> tuple[str, ...]:
        paths = [_inside(section) for section in sections]
        for number, path in enumerate(paths):
            for other in paths[:number]:
                if path.is_relative_to(other) or other.is_relative_to(path):
                    raise ValueError(f"'{other}' and '{path}' overlap; name one of them")
        return tuple(str(path) for path in paths)


def _inside(section: str) -> PurePosixPath:
    path = PurePosixPath(section)
    if path.is_absolute() or ".." in path.parts or "\0" in section:
        raise ValueError(
            f"'{section}' is not a sub-folder; give its path below PATH, as in 2024/May"
        )
    return path
