"""Addresses and lists as people write them into settings."""

import re
from urllib.parse import urlsplit

_SENDABLE = re.compile(r"[!-~]+")


def listed(value: object) -> object:
    """Read names with commas between, of an option."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def bare(url: str) -> str:
    """Cut a query off an address before it can show up in a message: it may hold a token."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


def address(url: str, *, example: str) -> str:
    """Return a server's address as people copy it, with a scheme, without slashes at its end.

    Raises `ValueError`; `example` shows what would be right.
    """
    url = url if "://" in url else f"http://{url}"
    parts = urlsplit(url)
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = None
    if not usable or re.search(r"\s", url):
        raise ValueError(f"give the server's address, as in {example}")
    return re.sub(r"(/web(/index\.html)?)?/*$", "", url)


def is_sendable(secret: str) -> bool:
    """Whether a header can bear it."""
    return _SENDABLE.fullmatch(secret) is not None
