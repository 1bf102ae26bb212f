"""Shared by the engines that send pictures to a service: options, threads, JPEGs and errors."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict


class ServiceOptions(BaseModel):
    """The options of an engine that asks a service. No error about them shows a value."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )


def checked_address(url: str, *, example: str) -> str:
    """Return the address of a service without a slash at its end. Raises `ValueError`."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    is_odd = "\\" in url or any(letter.isspace() for letter in url)
    if not fits or is_odd or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"should be an address such as {example}")
    return url.rstrip("/")
