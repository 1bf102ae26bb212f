"""The settings of a Plex library: `LIBRARY_<X>_URL`, `…_TOKEN`, `…_SECTIONS`, `…_PATH_MAP` …"""

import re
from typing import ClassVar, Literal

from pydantic import SecretStr, field_validator

from tigertag.libraries.mediaserver.options import ServerOptions
from tigertag.libraries.plex.items import EPISODE, FILM, ItemType, RollUp

_SENDABLE = re.compile(r"[!-~]+")


class Options(ServerOptions):
    """The options of a Plex library, besides those of `ServerOptions`.

    `field`: where tags go on films and shows; `genre_field`: where genres go, None: there, too.
    `footage`: what is looked at of a film. `roll_up`: how far tags of episodes go up.
    """

    example: ClassVar[str] = "http://plex:32400"

    token: SecretStr
    field: Literal["label", "genre", "collection"] = "label"
    genre_field: Literal["label", "genre", "collection"] | None = None
    footage: Literal["main", "trailer"] = "main"
    roll_up: RollUp = "none"

    @field_validator("token")
    @classmethod
    def _sendable(cls, token: SecretStr) -> SecretStr:
        if not _SENDABLE.fullmatch(token.get_secret_value()):
            raise ValueError("it is no token of Plex")
        return token

    @property
    def trailers(self) -> bool:
        return self.footage == "trailer"

    def min_bytes_for(self, type: ItemType) -> int:
        """The smallest file of an item of this type that is scanned."""
        return self.min_bytes_of(film=type in (FILM, EPISODE))
