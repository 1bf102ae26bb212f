"""What parameters and bodies are made of, and what they must keep to."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tigertag.text import did_you_mean, tidy

UNKNOWN = "unknown_fields"
LARGEST_ID = 2**31 - 1
MOST_ITEMS = 200
_MOST_NAMED = 20

# Databases keep no NUL. Each pattern is one that ECMAScript, Python and Rust read alike.
_TEXT = r"^[^\x00]*$"
_WORD = r"^[^\x00]*[^\s\x00-\x1f\x7f-\x9f][^\x00]*$"
_WORD_BUT_STAR = r"^[^\x00]*[^\s*\x00-\x1f\x7f-\x9f][^\x00]*$"
_NAME = r"^[A-Za-z0-9]*$"
_SECTION_PATH = r"^([A-Za-z0-9]+/[^\x00]+)?$"
_CURSOR = r"^[0-9]{0,9}$"

PATTERNS = {
    _TEXT: "must not hold a NUL character",
    _WORD: "must be a word, without a NUL character",
    _WORD_BUT_STAR: "must be a word; only a threshold may be for every word, `*`",
    _NAME: "must be an id: letters and digits",
    _SECTION_PATH: 'must be "library/section id"',
    _CURSOR: "must be a cursor, taken from `next` of the list before",
}

Text = Annotated[str, StringConstraints(max_length=512, pattern=_TEXT)]
Word = Annotated[str, StringConstraints(max_length=200, pattern=_WORD)]
WordButStar = Annotated[str, StringConstraints(max_length=200, pattern=_WORD_BUT_STAR)]
Name = Annotated[str, StringConstraints(max_length=64, pattern=_NAME)]
SectionPath = Annotated[str, StringConstraints(max_length=600, pattern=_SECTION_PATH)]
Cursor = Annotated[str, StringConstraints(max_length=9, pattern=_CURSOR)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Milliseconds = Annotated[int, Field(ge=0, le=LARGEST_ID)]


def _digits(value: object) -> object:
    if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
        raise PydanticCustomError("whole", "must be a whole number")
    return value


def _flag(value: object) -> object:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise PydanticCustomError("flag", "must be true or false")
        return value == "true"
    return value


Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS), BeforeValidator(_digits)]
Flag = Annotated[bool, BeforeValidator(_flag)]


class Input(BaseModel):
    """Parameters or a body. What it does not know is refused, with a "did you mean"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = [name for name in data if name not in cls.model_fields]
            if unknown:
                unset = {key: one for key, one in cls.model_fields.items() if key not in data}
                required = [key for key, one in unset.items() if one.is_required()]
                raise _unknown(unknown, cls.model_fields, likely=required or list(unset))
        return data


class Body(Input):
    """A JSON body: a number is a number, not text that looks like one."""

    model_config = ConfigDict(strict=True)


class OptionalBody(Body):
    """A JSON body that may be left out: then it says nothing."""

    model_config = ConfigDict(openapi_extra={"required": False})  # type: ignore[typeddict-unknown-key]

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        return {} if data is None else data


class NoFields(OptionalBody):
    """An empty object, or no body at all."""


class Nothing(Input):
    """No parameters."""


class Paging(Input):
    """Which part of a list."""

    cursor: Cursor = Field(
        default="", description="`next` of the list before; empty for the first part."
    )
    limit: Limit = Field(default=50, description="How many at most.")


def _unknown(
    names: Iterable[str], known: Iterable[str], *, likely: Collection[str]
) -> PydanticCustomError:
    """Say of each name that it is not known."""
    fields = list(known)
    shown = [tidy(name) or "(unnamed)" for name in islice(names, _MOST_NAMED)]
    hints = {name: _hint(name, fields, likely) for name in shown}
    return PydanticCustomError(UNKNOWN, "is unknown", {"hints": hints})


def _hint(name: str, known: list[str], likely: Collection[str]) -> str:
    has = f" It may be: {', '.join(known)}." if known else " None is taken here."
    return f"is unknown{did_you_mean(name, known, likely=likely)}{has}"
