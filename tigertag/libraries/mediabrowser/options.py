"""What an Emby or Jellyfin library is told: `LIBRARY_<X>_URL`, `…_API_KEY`, `…_USER` …"""

import re
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

from tigertag.media.paths import Mapped, mapped
from tigertag.net.address import address, bare, listed

_KEY = re.compile(r"[A-Za-z0-9._~-]+")
_LEAST_OF_FILMS = 10_000_000


class Options(BaseModel):
    """The options of an Emby or Jellyfin library.

    `user`: a name or an id, through whose eyes the library is seen; none: the first administrator.
    `sections` are names or ids; none: all that hold photos, films or episodes. `path_map` says
    where the server's folders are on this machine. Files below `min_bytes` are passed over; None:
    10 MB for films and episodes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    url: str
    api_key: SecretStr
    user: str = ""
    sections: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    field: Literal["tag"] = "tag"
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
        return address(url, example="http://media:8096")

    @field_validator("api_key")
    @classmethod
    def _sendable(cls, key: SecretStr) -> SecretStr:
        if not _KEY.fullmatch(key.get_secret_value()):
            raise ValueError("it is no API key")
        return key

    @field_validator("user")
    @classmethod
    def _stripped(cls, user: str) -> str:
        return user.strip()

    def least_bytes(self, type: str) -> int:
        """The smallest file of an item of this type that is looked at."""
        if self.min_bytes is not None:
            return self.min_bytes
        return _LEAST_OF_FILMS if type in ("Movie", "Episode") else 0
