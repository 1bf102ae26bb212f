"""What any library behind a media server is told: `LIBRARY_<X>_URL`, `…_SECTIONS` …"""

from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from tigertag.libraries.mediaserver.address import address, bare, listed
from tigertag.libraries.mediaserver.paths import Mapped, mapped
from tigertag.model import Item

_LEAST_OF_FILMS = 10_000_000


class ServerOptions(BaseModel):
    """Where a server is, what of it is looked at, and where its files are.

    `sections` are titles or ids; none: all that TigerTag can go through. `path_map` says where the
    server's folders are on this machine. Files below `min_bytes` are passed over; None: 10 MB for
    films and episodes. `example` is an address that would be right.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    example: ClassVar[str]

    url: str
    sections: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    path_map: Annotated[tuple[Mapped, ...], BeforeValidator(mapped)] = ()
    min_bytes: int | None = Field(default=None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("url"), str):
            return given | {"url": bare(given["url"])}
        return given

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        return address(url, example=cls.example)

    def leaves_out(self, item: Item) -> bool:
        """Whether an item is smaller than `min_bytes` says."""
        least, size_bytes = self.min_bytes, item.size_bytes
        return least is not None and size_bytes is not None and size_bytes < least

    def least_bytes_of(self, *, film: bool) -> int:
        """The smallest file of an item that is looked at. `film`: it is one, or an episode."""
        if self.min_bytes is not None:
            return self.min_bytes
        return _LEAST_OF_FILMS if film else 0
