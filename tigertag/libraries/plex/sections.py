"""The sections of a server that TigerTag can go through."""

from collections.abc import Sequence

from tigertag.libraries.mediaserver.sections import wanted
from tigertag.libraries.plex.faults import Wording
from tigertag.libraries.plex.kinds import SECTIONS
from tigertag.libraries.plex.server import Server
from tigertag.model import Section


class Sections:
    """The sections of photos, films and shows; what is in each is remembered. Thread-safe."""

    def __init__(self, library: str, wanted: Sequence[str], wording: Wording) -> None:
        self._library = library
        self._wanted = wanted
        self._wording = wording
        self._types: dict[str, str] = {}

    def all(self, server: Server) -> list[Section]:
        """Return those that are wanted. Raises `LibraryError` where one of them is not there."""
        return wanted(self._wanted, self._found(server), self._wording)

    def type_of(self, server: Server, section: Section) -> str:
        """Return what is in a section: photo, movie or show. Raises `LibraryError`."""
        if section.id not in self._types:
            self._found(server)
        if section.id not in self._types:
            raise self._wording.section_gone(section.title)
        return self._types[section.id]

    def _found(self, server: Server) -> list[Section]:
        root = server.query("/library/sections")
        there = [one for one in root.findall("Directory") if one.get("type") in SECTIONS]
        self._types = {one.get("key", ""): one.get("type", "") for one in there}
        return [Section(self._library, one.get("key", ""), one.get("title", "")) for one in there]
