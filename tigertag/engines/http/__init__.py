"""Shared by the engines that send pictures to a service: threads, limits, JPEGs and errors."""

from urllib.parse import urlsplit


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
