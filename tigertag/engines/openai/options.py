"""The engine's own options."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from tigertag.engines.http import checked_address
from tigertag.engines.openai.prices import shipped

OPENAI: Final = "https://api.openai.com/v1"

Mode = Literal["now", "batch"]
Detail = Literal["low", "high", "auto"]


class Options(BaseModel):
    """The engine's own options; docs/engines/openai.md explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

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
        return checked_address(url, "http://localhost:11434/v1") if url else ""

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
