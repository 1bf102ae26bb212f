"""The sections of a server that TigerTag can go through."""

from collections.abc import Sequence

from tigertag.libraries.plex.faults import Wording
from tigertag.libraries.plex.kinds import SECTIONS
from tigertag.libraries.plex.server import Server
from tigertag.model import Section
from tigertag.wording import did_you_mean


class Sections:
    """The sections of photos, films and shows; what is in each is remembered. Thread-safe."""

    def __init__(self, library: str, wanted: Sequence[str], wording: Wording) -> None:
        self._library = library
        self._wanted = wanted
        self._wording = wording
        self._types: dict[str, str] = {}

    def all(self, server: Server) -> list[Section]:
        """Return those that are wanted. Raises `LibraryError` where one of them is not there."""
        found = self._found(server)
        named = dict.fromkeys(self._named(name, found) for name in self._wanted)
        return list(named) if self._wanted else found

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

    def _named(self, name: str, found: Sequence[Section]) -> Section:
        for section in found:
            if name.casefold() in (section.id, section.title.casefold()):
                return section
        titles = [section.title for section in found]
        raise self._wording.no_section(name, did_you_mean(name, titles), ", ".join(titles))
