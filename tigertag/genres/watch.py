"""Who is told how far the work is."""

from typing import Protocol


class Watch(Protocol):
    """Told from one thread."""

    def began(self, total: int) -> None: ...

    def advanced(self, *, kept: bool) -> None:
        """Hear that one more was looked at. `kept`: what was seen of it is."""

    def said(self, line: str) -> None:
        """Hear what a user should know, in one line."""

    def working(self, what: str) -> None:
        """Hear what is being done once all is looked at; each may take many seconds."""
