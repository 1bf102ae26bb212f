"""What answers are made of."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tigertag import model
from tigertag.model import Media, TagRef
from tigertag.services.views import ItemCard, Named

NEXT = Field(description="The `cursor` of the next part; null at the end.")


class Shape(BaseModel):
    """A part of an answer. Times are ISO 8601 in UTC."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class TagName(Shape):
    """A tag's spelling, and where it goes on the server."""

    field: model.Field
    name: str

    @classmethod
    def of(cls, ref: TagRef) -> "TagName":
        return cls(field=ref.field, name=ref.name)


class SureTag(Shape):
    """A tag, and how sure the engine is that is surest of it."""

    field: model.Field
    name: str
    confidence: float = Field(description="0 to 1.")

    @classmethod
    def of(cls, named: Named) -> "SureTag":
        return cls(field=model.Field(named.field), name=named.name, confidence=named.confidence)


class ItemFacts(Shape):
    """A photo or video, or a group of them: a season or a show."""

    id: int
    library: str
    section: str = Field(description="The section's id.")
    section_title: str
    key: str = Field(description="What the library calls it: a path, a rating key.")
    title: str
    media: Media = Field(description="group: a season or a show; its tags come from what is in it.")
    size_bytes: int | None = Field(description="Null where the library does not tell.")
    gone: bool = Field(description="Its library did not show it at the last look.")


class Item(ItemFacts):
    """An item, and the tags that were last decided for it."""

    tags: list[SureTag] = Field(description="Surest first.")

    @classmethod
    def of(cls, card: ItemCard) -> "Item":
        return cls(**facts(card), tags=[SureTag.of(one) for one in card.tags])


def facts(card: ItemCard) -> dict[str, Any]:
    """The fields of `ItemFacts`."""
    item, section = card.item, card.section
    return {
        "id": card.id,
        "library": section.library,
        "section": section.id,
        "section_title": section.title,
        "key": item.key,
        "title": item.title,
        "media": item.media,
        "size_bytes": item.size_bytes,
        "gone": card.gone,
    }
