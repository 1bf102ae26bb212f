"""The parts that requests and answers are made of, and the limits of each input."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tigertag import model
from tigertag.text import did_you_mean, tidy

T = TypeVar("T")

UNKNOWN = "unknown_fields"
LARGEST_ID = 2**31 - 1
MOST_ITEMS = 200
_MOST_NAMED = 20

# Databases store no NUL. ECMAScript, Python and Rust read each of these patterns alike.
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
Token = Annotated[str, StringConstraints(max_length=512)]
Sentence = Annotated[str, StringConstraints(max_length=4000, pattern=_TEXT)]
Word = Annotated[str, StringConstraints(max_length=200, pattern=_WORD)]
ShortWord = Annotated[str, StringConstraints(max_length=64, pattern=_WORD)]
WordButStar = Annotated[str, StringConstraints(max_length=200, pattern=_WORD_BUT_STAR)]
Name = Annotated[str, StringConstraints(max_length=64, pattern=_NAME)]
SectionPath = Annotated[str, StringConstraints(max_length=600, pattern=_SECTION_PATH)]
Cursor = Annotated[str, StringConstraints(max_length=9, pattern=_CURSOR)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Milliseconds = Annotated[int, Field(ge=0, le=LARGEST_ID)]


def digits(value: object) -> object:
    """Refuse what is no whole number, such as "1.0" or " 1"."""
    if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
        raise PydanticCustomError("whole", "must be a whole number")
    return value


def _flag(value: object) -> object:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise PydanticCustomError("flag", "must be true or false")
        return value == "true"
    return value


def _whole(value: object) -> object:
    """Literals, unlike other fields, take no number from a text."""
    given = digits(value)
    return int(given[:9]) if isinstance(given, str) else given


Days = Annotated[Literal[1, 7, 30], BeforeValidator(_whole)]
GivenId = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(digits)]
Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS), BeforeValidator(digits)]
Flag = Annotated[bool, BeforeValidator(_flag)]


class Input(BaseModel):
    """Parameters or a body. Unknown names are refused, with a "did you mean"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = [name for name in data if name not in cls.model_fields]
            if unknown:
                unset = {
                    name: field for name, field in cls.model_fields.items() if name not in data
                }
                required = [name for name, field in unset.items() if field.is_required()]
                raise _unknown(unknown, list(cls.model_fields), likely=required or list(unset))
        return data


def _unknown(
    names: Iterable[str], fields: list[str], *, likely: Collection[str]
) -> PydanticCustomError:
    shown = [tidy(name) or "(unnamed)" for name in islice(names, _MOST_NAMED)]
    known = f" Known: {', '.join(fields)}." if fields else " This request takes none."
    hints = {
        name: f"is unknown{did_you_mean(name, fields, likely=likely)}{known}" for name in shown
    }
    return PydanticCustomError(UNKNOWN, "is unknown", {"hints": hints})


class Body(Input):
    """A JSON body. It is read strictly: "5" is no number."""

    model_config = ConfigDict(strict=True)


class OptionalBody(Body):
    """A JSON body that may be missing, which is the same as an empty object."""

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

    def arguments(self) -> dict[str, Any]:
        """The arguments of a service that lists."""
        return {**self.model_dump(), "cursor": self.cursor or None}


class SectionPaging(Paging):
    """Which part of a list, of which library or section."""

    library: Text = Field(default="", description="Only of this library: its id.")
    section: Text = Field(default="", description="Only of this section: its id or title.")


class Shape(BaseModel):
    """A part of an answer, read from the attributes of what a service returns. Times are UTC."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_serialization_defaults_required=True
    )


def from_path(*path: str, description: str | None = None) -> Any:
    """A field that is read from another attribute: `from_path("section", "id")` is `section.id`."""
    return Field(validation_alias=AliasPath(*path), description=description)


class ShapeList(Shape, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None = Field(
        default=None, description="The `cursor` of the next part; null at the end."
    )

    @model_validator(mode="before")
    @classmethod
    def _wrap(cls, view: Any) -> Any:
        """Take a bare sequence, which is a list in one part, like a `Page`."""
        return {"items": list(view)} if isinstance(view, list | tuple) else view

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name the schema in the OpenAPI document, such as `ItemList`."""
        return f"{params[0].__name__}List"


class TagName(Shape):
    """A tag's spelling, and the field it is written to on the server."""

    field: model.Field
    name: str


class ScoredTag(TagName):
    """A tag, with the confidence of the most confident engine."""

    confidence: float = Field(description="0 to 1.")


def _fact(*path: str, description: str | None = None) -> Any:
    """A field of an item, read from its card or from a view that has the card."""
    either = AliasChoices(AliasPath(*path), AliasPath("card", *path))
    return Field(validation_alias=either, description=description)


class ItemFacts(Shape):
    """A photo or video, or a group of them: a season or a show."""

    id: int = _fact("id")
    library: str = _fact("section", "library")
    section: str = _fact("section", "id", description="The section's id.")
    section_title: str = _fact("section", "title")
    key: str = _fact("item", "key", description="The library's own name for it: path, rating key.")
    title: str = _fact("item", "title")
    media: model.Media = _fact(
        "item", "media", description="group: a season or show; its tags come from its items."
    )
    size_bytes: int | None = _fact(
        "item", "size_bytes", description="Null if the library does not report it."
    )
    gone: bool = _fact("gone", description="The library's last listing did not contain it.")


class ItemShape(ItemFacts):
    """An item, with the tags that were decided last."""

    tags: list[ScoredTag] = Field(description="Most confident first.")
