"""A film that engines looked at, without any film: what they said, and what it looks like."""

from dataclasses import dataclass, field

import numpy as np

from tests.world import World
from tigertag.contracts import Source
from tigertag.errors import Unreadable
from tigertag.model import Answer, Box, Frame, Kind, Label
from tigertag.store import answers, browse
from tigertag.store.answers import AnswerRow


@dataclass
class Reel:
    """Stands for `media.video.still`: grey, the darker the later. Counts what it is asked."""

    asked: list[float | None] = field(default_factory=list)
    broken: bool = False

    def still(self, source: Source, *, short_side_px: int, at_s: float | None = None) -> Frame:
        self.asked.append(at_s)
        if self.broken:
            raise Unreadable("The video is cut short.")
        grey = max(0, 200 - round(at_s or 0.0))
        return Frame(np.full((short_side_px, short_side_px * 2, 3), grey, np.uint8), at_s)


def face(name: str, confidence: float, at_s: float, *, left: float = 0.2) -> Label:
    box = Box(left, 0.3, left + 0.1, 0.5)
    return Label(name, confidence, kind=Kind.FACE, box=box, at_s=at_s)


def listed(world: World) -> int:
    """Let a film be listed that nothing was said of yet; return its id."""
    (world.photos / "film.mp4").write_bytes(b"no film at all")
    world.scan()
    with world.store.read() as db:
        return browse.newest_items(db, limit=1)[0]


def said(
    world: World,
    item_id: int,
    *labels: Label,
    frames: tuple[float, ...] = (),
    engine: str = "colour",
) -> None:
    """Let the engine have said this of the film as it is now."""
    answer = Answer(engine, f"{engine}-1", f"{engine}-model", labels, frames=frames)
    with world.store.write() as db:
        revision = browse.item(db, item_id).item.revision
        row = AnswerRow(item_id, revision, 0, answer, world.sampling.name)
        answers.keep(db, [row])
