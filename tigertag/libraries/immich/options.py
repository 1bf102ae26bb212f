"""The settings of a library on Immich: `LIBRARY_<X>_URL`, `…_API_KEY`, `…_ALBUMS`, …"""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from tigertag.libraries.mediaserver.options import ServerOptions, comma_separated

_API_KEY = re.compile(r"[A-Za-z0-9._~-]+")
_PAGES = re.compile(
    r"(?<!/)/(api|auth|photos|albums|explore|people|search|tags|places|map|favorites|archive|locked"
    r"|trash|sharing|share|link|memory|folders|partners|utilities|workflows|user-settings|admin)"
    r"(/.*)?$"
)
"""The API, or a page of the web app, with what is below it; no host of such a name."""


class ImmichOptions(ServerOptions):
    """The options of an Immich library, besides those of `ServerOptions`.

    `albums` are names or ids: each is a section of its own. `tag_parent`: the tag below which all
    of TigerTag's are. `include_archived`: scan what its owner has archived, too. `people`: hand on
    the names that Immich knows faces by.
    """

    example: ClassVar[str] = "http://immich:2283"

    api_key: SecretStr
    albums: Annotated[tuple[str, ...], BeforeValidator(comma_separated)] = ()
    tag_parent: str = ""
    include_archived: bool = False
    people: bool = False
    field: Literal["tag"] = "tag"

    @field_validator("url")
    @classmethod
    def _without_page(cls, url: str) -> str:
        """Take the address of the API, or of any page of the web app, as people copy it."""
        return _PAGES.sub("", url)

    @field_validator("api_key")
    @classmethod
    def _sendable(cls, key: SecretStr) -> SecretStr:
        stripped = key.get_secret_value().strip()
        if not _API_KEY.fullmatch(stripped):
            # The message of a ValueError is withheld for a secret: it may hold it.
            raise PydanticCustomError(
                "no_api_key", "it is no API key of Immich's: letters and digits, without blanks"
            )
        return SecretStr(stripped)

    @field_validator("tag_parent")
    @classmethod
    def _stripped(cls, tag_parent: str) -> str:
        return tag_parent.strip().strip("/")
