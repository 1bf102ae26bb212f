"""What a Plex library is told: `LIBRARY_<X>_URL`, `…_TOKEN`, `…_SECTIONS`, `…_PATH_MAP` …"""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from tigertag.libraries.plex.paths import Mapped

_TOKEN = re.compile(r"[!-~]+")


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _mapped(value: object) -> object:
    if isinstance(value, str):
        return tuple(Mapped.parsed(part.strip()) for part in value.split(",") if part.strip())
    return value


class Options(BaseModel):
    """The options of a Plex library.

    `sections` are titles or ids; none: all photo sections. `path_map` says where the server's
    folders are on this machine. Pictures below `min_bytes` are passed over.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    url: str
    token: SecretStr
    sections: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    field: Literal["tag"] = "tag"
    path_map: Annotated[tuple[Mapped, ...], BeforeValidator(_mapped)] = ()
    min_bytes: int = Field(default=0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        """Cut a query off the address before it can show up in a message: it may hold a token."""
        if isinstance(given, dict) and isinstance(given.get("url"), str):
            return given | {"url": re.split(r"[?#]", given["url"], maxsplit=1)[0]}
        return given

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        url = url if "://" in url else f"http://{url}"
        parts = urlsplit(url)
        try:
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = None
        if not usable or re.search(r"\s", url):
            raise ValueError("give the server's address, as in http://plex:32400")
        return re.sub(r"(/web(/index\.html)?)?/*$", "", url)

    @field_validator("token")
    @classmethod
    def _sendable(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("it is no token of Plex")
        return token
