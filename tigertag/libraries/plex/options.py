"""What a Plex library is told: `LIBRARY_<X>_URL`, `…_TOKEN`, `…_SECTIONS`, `…_PATH_MAP` …"""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from tigertag.libraries.plex.kinds import EPISODE, FILM, Kind, RollUp
from tigertag.media.paths import Mapped, mapped
from tigertag.net.address import address, bare, is_sendable, listed

_LEAST_OF_FILMS = 10_000_000


class Options(BaseModel):
    """The options of a Plex library.

    `sections` are titles or ids; none: all sections of photos, films and shows. `field`: where tags
    go on films and shows. `footage`: what is looked at of a film. `roll_up`: how far tags of
    episodes go up. `path_map` says where the server's folders are on this machine. Files below
    `min_bytes` are passed over; None: 10 MB for films and episodes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    url: str
    token: SecretStr
    sections: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    field: Literal["label", "genre", "collection"] = "label"
    footage: Literal["main", "trailer"] = "main"
    roll_up: RollUp = "none"
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
        return address(url, example="http://plex:32400")

    @field_validator("token")
    @classmethod
    def _sendable(cls, token: SecretStr) -> SecretStr:
        if not is_sendable(token.get_secret_value()):
            raise ValueError("it is no token of Plex")
        return token

    @property
    def trailers(self) -> bool:
        return self.footage == "trailer"

    def least_bytes(self, kind: Kind) -> int:
        """The smallest file of an item of this type that is looked at."""
        if self.min_bytes is not None:
            return self.min_bytes
        return _LEAST_OF_FILMS if kind in (FILM, EPISODE) else 0
