"""What can be set of Imagga."""

import unicodedata
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class Options(BaseModel):
    """The engine's own options; docs/engines/imagga.md explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    api_key: Annotated[SecretStr, Field(min_length=1)]
    api_secret: Annotated[SecretStr, Field(min_length=1)]
    api_url: str = "https://api.imagga.com/v2"
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})?$")] = "en"
    tagger: str = ""
    limit: Annotated[int, Field(ge=-1)] = 50

    @field_validator("api_url")
    @classmethod
    def _is_plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it must begin with http:// or https:// and name a host")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("it must hold no user, no '?' and no '#'")
        return url.rstrip("/")

    @field_validator("tagger")
    @classmethod
    def _is_a_name(cls, tagger: str) -> str:
        if tagger in (".", "..") or any(unicodedata.category(one) == "Cc" for one in tagger):
            raise ValueError("it must be the id of a tagger")
        return tagger

    @field_validator("limit")
    @classmethod
    def _is_something(cls, limit: int) -> int:
        if limit == 0:
            raise ValueError("it must be 1 or more, or -1 for all")
        return limit
