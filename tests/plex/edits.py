"""Edits as Plex takes them: in the query, additive, and for the whole section without ids."""

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.plex.holdings import FIELDS, NUMBERS, Entry, Section

Pairs = list[tuple[str, str]]
_ADD = re.compile(r"(\w+)\[\d+\]\.tag\.tag")
_REMOVE = re.compile(r"(\w+)\[\]\.tag\.tag-")
_LOCK = re.compile(r"(\w+)\.locked")
_KINDS = {str(number): name for name, number in NUMBERS.items()}


class Nonsense(ValueError):
    """No client of Plex sends this."""


@dataclass(slots=True)
class Edit:
    """`adds` and `removes`: fields and words."""

    kind: str = "photo"
    ids: frozenset[int] = frozenset()
    adds: list[tuple[str, str]] = field(default_factory=list)
    removes: list[tuple[str, str]] = field(default_factory=list)
    locks: dict[str, bool] = field(default_factory=dict)

    def targets(self, section: Section) -> Sequence[Entry]:
        """The items that the filter leaves: all of the type when it names none."""
        there = section.entries
        others = [one for one in self.ids if one in there and there[one].kind != self.kind]
        if others:
            raise Nonsense(f"{others} are edited as {self.kind}, which they are not")
        return [one for one in section.of_kind(self.kind) if not self.ids or one.id in self.ids]

    def apply(self, entry: Entry) -> bool:
        """Change an item; tell whether anything of it is different now."""
        before = (deepcopy(entry.tags), set(entry.locked))
        for name, word in self.removes:
            entry.remove(name, word)
        for name, word in self.adds:
            entry.add(name, word)
        for name, locked in self.locks.items():
            (entry.locked.add if locked else entry.locked.discard)(name)
        return before != (entry.tags, entry.locked)


def pairs(query: str) -> Pairs:
    """The parts of a query, each decoded once."""
    parts = [one.partition("=") for one in query.split("&") if one]
    return [(unquote(name), unquote(value)) for name, _equals, value in parts]


def parsed(told: Pairs) -> Edit:
    """Read the parts of a query. Raises `Nonsense`."""
    edit = Edit(_KINDS.get(dict(told).get("type", ""), ""))
    if not edit.kind:
        raise Nonsense("an edit needs the type of its items")
    for name, value in told:
        if name == "id" and value:
            edit.ids = _ids(value)
        elif (found := _LOCK.fullmatch(name)) and value in ("0", "1"):
            edit.locks[_field(edit, found[1])] = value == "1"
        elif (found := _ADD.fullmatch(name)) and value:
            edit.adds.append((_field(edit, found[1]), value))
        elif found := _REMOVE.fullmatch(name):
            edit.removes += [(_field(edit, found[1]), unquote(one)) for one in value.split(",")]
        elif name not in ("type", "id"):
            raise Nonsense(f"{name}={value} means nothing to Plex")
    return edit


def _ids(value: str) -> frozenset[int]:
    if not re.fullmatch(r"[0-9]+(,[0-9]+)*", value):
        raise Nonsense(f"ids are numbers with commas between, not {value!r}")
    return frozenset(int(one) for one in value.split(","))


def _field(edit: Edit, name: str) -> str:
    """The field, if items of the type have one of this name."""
    if name not in FIELDS[edit.kind]:
        raise Nonsense(f"{edit.kind} has no {name}")
    return name
