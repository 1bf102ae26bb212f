"""Edits as Plex takes them: in the query, additive, and for the whole section without ids."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.plex.holdings import Photo, Section

Pairs = list[tuple[str, str]]
_ADD = re.compile(r"tag\[\d+\]\.tag\.tag")


class Nonsense(ValueError):
    """No client of Plex sends this."""


@dataclass(slots=True)
class Edit:
    ids: frozenset[int] = frozenset()
    adds: list[str] = field(default_factory=list)
    removes: list[str] = field(default_factory=list)
    locked: bool | None = None

    def targets(self, section: Section) -> Sequence[Photo]:
        """The photos that the filter leaves: all of them when it names none."""
        photos = [one for one in section.photos.values() if not one.clip]
        return [one for one in photos if not self.ids or one.id in self.ids]

    def apply(self, photo: Photo) -> bool:
        """Change a photo; tell whether anything of it is different now."""
        before = (list(photo.tags), set(photo.locked))
        for word in self.removes:
            photo.remove(word)
        for word in self.adds:
            photo.add(word)
        if self.locked is not None:
            (photo.locked.add if self.locked else photo.locked.discard)("tag")
        return before != (photo.tags, photo.locked)


def pairs(query: str) -> Pairs:
    """The parts of a query, each decoded once."""
    parts = [one.partition("=") for one in query.split("&") if one]
    return [(unquote(name), unquote(value)) for name, _equals, value in parts]


def parsed(told: Pairs) -> Edit:
    """Read the parts of a query. Raises `Nonsense`."""
    edit = Edit()
    if dict(told).get("type") != "13":
        raise Nonsense("an edit of photos needs type=13")
    for name, value in told:
        if name == "id" and value:
            if not re.fullmatch(r"[0-9]+(,[0-9]+)*", value):
                raise Nonsense(f"ids are numbers with commas between, not {value!r}")
            edit.ids = frozenset(int(one) for one in value.split(","))
        elif name == "tag.locked" and value in ("0", "1"):
            edit.locked = value == "1"
        elif _ADD.fullmatch(name) and value:
            edit.adds.append(value)
        elif name == "tag[].tag.tag-":
            edit.removes += [unquote(one) for one in value.split(",")]
        elif name not in ("type", "id"):
            raise Nonsense(f"{name}={value} means nothing to Plex")
    return edit
