"""The name by which a server knows this program."""

import socket
from hashlib import blake2b


def device(library: str) -> str:
    """Return the same name for a library on a host; it does not tell which host that is."""
    told = f"{library} {socket.gethostname()}"
    return f"tigertag-{blake2b(told.encode(), digest_size=16).hexdigest()}"
