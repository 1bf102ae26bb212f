"""Films and episodes that are scanned."""

from dataclasses import dataclass, replace
from pathlib import Path

from tests.colours import COLOURS, ColourEngine
from tests.plex import PlexServer
from tests.unit.libraries.plex.films import film
from tests.unit.libraries.plex.plexes import PlexPlace
from tests.unit.libraries.scanned import Scanned
from tigertag.contracts import Capabilities, Sampling
from tigertag.model import Media
from tigertag.services.scan_status import Status

FILMS = {name: film(rgb) for name, rgb in COLOURS.items()}


@dataclass
class Watching(ColourEngine):
    """Looks at videos, too."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, media=frozenset({Media.PHOTO, Media.VIDEO}))


class Cinema(Scanned, PlexPlace):
    """A Plex server with one-coloured films or episodes, and a core that scans it."""

    def __init__(self, plex: PlexServer, home: Path, *, kind: str, **options: str) -> None:
        super().__init__(plex, kind=kind, **options)
        self.begin(home, engine=Watching(), sampling=Sampling(by="keyframes"))

    def show_film(self, name: str, colour: str) -> None:
        self.keys[name] = self.plex.add(
            self.section, name, self.kind, FILMS[colour], parent=self.parent
        )

    def scan(self, write: str = "apply") -> Status:
        return super().scan(write)
