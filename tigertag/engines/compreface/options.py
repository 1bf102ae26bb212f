"""What can be set; docs/engines/compreface.md explains each."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

Port = Annotated[int, Field(ge=1, le=65535)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Options(BaseModel):
    """The engine's own options."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    api_key: Annotated[SecretStr, Field(min_length=1)]
    api_url: str = "http://localhost"
    api_port: Port = 8000
    faces_folder: Path = Path("faces")
    faces_config: Path = Path("faces.yaml")
    det_prob: Probability = 0.8

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr) -> SecretStr:
        if not (key.get_secret_value().isascii() and key.get_secret_value().isprintable()):
            raise ValueError("it must be the key as CompreFace shows it")
        return key

    @field_validator("api_url")
    @classmethod
    def _is_a_host(cls, url: str) -> str:
        parts = urlsplit(url)
        extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username
        if parts.scheme not in ("http", "https") or not parts.hostname or extra:
            raise ValueError("it must be a scheme and a host, such as http://nas")
        if "\\" in url or any(one.isspace() for one in url) or parts.port == 0:
            raise ValueError("it must be a scheme and a host, such as http://nas")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _agree_on_the_port(self) -> Self:
        told = urlsplit(self.api_url).port
        if told is not None and "api_port" in self.model_fields_set and told != self.api_port:
            raise ValueError("API_URL and API_PORT name two ports; leave one out")
        return self

    @property
    def port(self) -> int:
        return urlsplit(self.api_url).port or self.api_port

    @property
    def domain(self) -> str:
        """Scheme and host, without the port."""
        parts = urlsplit(self.api_url)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{parts.scheme}://{host}"

    @property
    def host(self) -> str:
        return urlsplit(self.api_url).hostname or ""

    @property
    def address(self) -> str:
        return f"{self.domain}:{self.port}"
