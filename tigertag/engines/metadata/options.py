"""What the user sets."""

import re
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator

from tigertag.engines.metadata import facts
from tigertag.engines.metadata.places import PrivatePlace, parse
from tigertag.media.metadata import marks
from tigertag.text import did_you_mean

PLACES: Final = "places"
BLACK_AND_WHITE: Final = "black and white"
SEASONS: Final = "seasons"
YEARS: Final = "years"
PEOPLE: Final = "people"
ALL: Final = "all"
CHOICES: Final = (PLACES, *facts.FACTS, BLACK_AND_WHITE, SEASONS, YEARS, PEOPLE)
DEFAULT: Final = (PLACES, marks.SCREENSHOT, marks.PANORAMA, marks.DRONE)

_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{4})?([-_][A-Za-z]{2})?")


def _listed(value: object) -> object:
    """Read "places, live photo, time_lapse": what stands between two words does not matter."""
    if not isinstance(value, str):
        return value
    given = [part.strip() for part in value.split(",") if part.strip()]
    known = {_plain(name): name for name in (*CHOICES, ALL)}
    for name in given:
        if _plain(name) not in known:
            listed = ", ".join((*CHOICES, ALL))
            raise ValueError(f"{name!r} is none of {listed}{did_you_mean(name, CHOICES)}")
    return tuple(known[_plain(name)] for name in given)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.casefold())


def _private(value: object) -> object:
    return parse(value) if isinstance(value, str) else value


class Options(BaseModel):
    """The engine's own options; docs/engines/metadata.md explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    agrees_by: ClassVar[str] = (
        "use the same settings, and install the same versions of its places' packages"
    )

    tags: Annotated[tuple[str, ...], BeforeValidator(_listed)] = DEFAULT
    places: Literal["off", "country", "city"] = "city"
    language: str = "en"
    private_places: Annotated[tuple[PrivatePlace, ...], BeforeValidator(_private)] = ()

    @field_validator("language")
    @classmethod
    def _is_language(cls, language: str) -> str:
        if not _LANGUAGE.fullmatch(language):
            raise ValueError(f"{language!r} is no language code, such as en, de or pt-BR")
        return language.replace("-", "_")

    @property
    def chosen(self) -> frozenset[str]:
        """The names that become tags."""
        return frozenset(CHOICES if ALL in self.tags else self.tags)

    @property
    def level(self) -> Literal["off", "country", "city"]:
        """How exactly places are named."""
        return self.places if PLACES in self.chosen else "off"
