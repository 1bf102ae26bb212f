"""What an Emby or Jellyfin library is told: `LIBRARY_<X>_URL`, `…_API_KEY`, `…_USER` …"""

import re
from typing import ClassVar, Literal

from pydantic import SecretStr, field_validator

from tigertag.libraries.mediaserver.options import ServerOptions

_KEY = re.compile(r"[A-Za-z0-9._~-]+")


class Options(ServerOptions):
    """The options of an Emby or Jellyfin library, besides those of `ServerOptions`.

    `user`: a name or an id, through whose eyes the library is seen; none: the first administrator.
    """

    example: ClassVar[str] = "http://media:8096"

    api_key: SecretStr
    user: str = ""
    field: Literal["tag"] = "tag"

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
        return self.least_bytes_of(film=type in ("Movie", "Episode"))
