"""What the user sets: the options, and the prompt with its instructions and the answer's shape."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from tigertag.engines.http import ServiceOptions, checked_address
from tigertag.engines.openai.prices import shipped
from tigertag.errors import EngineError, os_reason
from tigertag.model import Kind

OPENAI: Final = "https://api.openai.com/v1"

KINDS: Final[Mapping[str, Kind]] = {
    "subjects": Kind.OBJECT,
    "activities": Kind.OBJECT,
    "setting": Kind.SCENE,
    "style": Kind.STYLE,
    "mood": Kind.STYLE,
}
MOST: Final[Mapping[str, int]] = {
    "subjects": 10,
    "activities": 5,
    "setting": 5,
    "style": 3,
    "mood": 3,
}
_INSTRUCTIONS: Final = """\
You tag a picture of somebody's private collection, so that its owner finds it again by searching.
Name only what is certainly there; what you would have to guess, leave out. Use short, everyday
words in the singular, one to three of them a tag, in lower case unless the language demands
otherwise: what a person would type into a search box. Be as specific as you are sure to be, and no
more. Never name a person or say who somebody might be; say woman, child or crowd instead."""

_SHAPE: Final = """\
Answer with one JSON object and nothing else. It has these five lists, any of which may be empty:
- subjects: the people, animals, things, buildings and food that are seen, at most 10
- activities: what is being done, at most 5
- setting: the place, the season, the time of day and the weather, at most 5
- style: how the picture was made, such as portrait, aerial view or black and white, at most 3
- mood: what it feels like, at most 3
Each entry is {"tag": "…", "confidence": 0.0}, where the confidence, from 0 to 1, says how sure you
are of it."""
_TASK: Final = "Tag this picture."
_VIDEO_TASK: Final = "Tag this video; these are frames of it, in their order."
_LONGEST: Final = 20_000


_ENTRY: Final = {
    "type": "object",
    "properties": {"tag": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["tag", "confidence"],
    "additionalProperties": False,
}
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {name: {"type": "array", "items": _ENTRY} for name in KINDS},
    "required": list(KINDS),
    "additionalProperties": False,
}

Mode = Literal["now", "batch"]
Detail = Literal["low", "high", "auto"]


class Options(ServiceOptions):
    """The engine's own options; docs/engines/openai.md explains each."""

    agrees_by: ClassVar[str] = (
        "set the same MODEL, DETAIL and prompt, and copy the prompt's file where it is one"
    )
    api_key: SecretStr = SecretStr("")
    base_url: str = ""
    model: str = ""
    mode: Mode = "now"
    detail: Detail = "low"
    prompt_file: Path | None = None
    language: Annotated[str, Field(pattern=r"^[^\W\d_][\w ()-]{1,39}$")] = "en"
    prices: Path | None = None

    @field_validator("api_key")
    @classmethod
    def _can_be_sent(cls, key: SecretStr) -> SecretStr:
        if re.search(r"[^!-~]", key.get_secret_value()):
            raise ValueError("it has a character that no key has")
        return key

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return checked_address(url, example="http://localhost:11434/v1") if url else ""

    @field_validator("model")
    @classmethod
    def _is_chosen(cls, model: str) -> str:
        if not model.strip():
            models = ", ".join(shipped())
            raise ValueError(f"should name a model that sees pictures; at OpenAI, one of {models}")
        return model.strip()

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        if self.is_openai and not self.api_key.get_secret_value():
            raise ValueError("API_KEY is not set, and must be unless BASE_URL names another server")
        return self

    @property
    def is_openai(self) -> bool:
        """Whether OpenAI itself is asked."""
        return self.address == OPENAI

    @property
    def address(self) -> str:
        """Where the API is; a server of one's own mostly has it under /v1."""
        if not self.base_url:
            return OPENAI
        return self.base_url if urlsplit(self.base_url).path else f"{self.base_url}/v1"


@dataclass(frozen=True)
class Prompt:
    """The instructions for one language, with those of the user's own if there is a file."""

    language: str
    file: Path | None = None

    @cached_property
    def text(self) -> str:
        """The instructions. Raises `EngineError` when the file cannot be read."""
        # The wording is part of the fingerprint, so of every answer that is stored.
        language = f"Write every tag in this language (its name or ISO 639 code): {self.language}."
        return f"{self._instructions()}\n{language}\n\n{_SHAPE}"

    @cached_property
    def digest(self) -> str:
        """What changes whenever another answer may come of it. Raises `EngineError`."""
        return sha256(f"{self.text}\n{json.dumps(SCHEMA)}".encode()).hexdigest()[:12]

    def task(self, frames: int) -> str:
        return _TASK if frames == 1 else _VIDEO_TASK

    def _instructions(self) -> str:
        if self.file is None:
            return _INSTRUCTIONS
        try:
            text = self.file.read_text("utf-8").strip()
        except OSError as exc:
            raise EngineError(f"The prompt {self.file} cannot be read ({os_reason(exc)}).") from exc
        except UnicodeDecodeError as exc:
            raise EngineError(f"The prompt {self.file} is no text in UTF-8.") from exc
        if not 0 < len(text) <= _LONGEST:
            raise EngineError(
                f"The prompt {self.file} has {len(text):,} characters; 1 to {_LONGEST:,} will do."
            )
        return text
