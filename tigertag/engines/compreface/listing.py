"""Whose faces to know: `faces.yaml`, read with line numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import yaml

from tigertag.model import UNKNOWN_FACE
from tigertag.text import did_you_mean, one_line, tidy

_MOST_BYTES = 256 * 1024
_EXAMPLE = "faces: [{tag: Ada Lovelace, images: [{name: ada.jpg}]}]"

Weight = Literal["fatal", "wrong", "odd"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in a line of the file. "fatal": nothing of the file may be used."""

    line: int
    text: str
    weight: Weight = "fatal"


@dataclass(frozen=True, slots=True)
class Named:
    """A picture as the file names it, relative to the folder."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Person:
    tag: str
    line: int
    pictures: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """What the file says, and what is wrong with it."""

    people: tuple[Person, ...]
    findings: tuple[Finding, ...]


def listed(raw: bytes) -> Listing:
    """Read the file's bytes. Never raises: what is wrong is a finding."""
    reading = _Reading()
    try:
        people = reading.people(_composed(raw))
    except _Unreadable as exc:
        return Listing((), (exc.finding,))
    found = sorted(reading.findings, key=lambda one: one.line)
    return Listing(people, tuple(found))


def is_name(name: str) -> bool:
    """Whether CompreFace can have somebody of this name, and him alone.

    The name is part of an address there: nothing, "." and ".." would lead to somebody else, or to
    everybody, also between slashes, which a proxy on the way may unquote.
    """
    return all(part.strip(" .") for part in name.split("/"))


class _Unreadable(Exception):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.finding = Finding(line, text)


class _Loader(yaml.SafeLoader):
    """Composes nodes; it makes no objects of them. A node stands in one place only."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _Unreadable(mark.line + 1, "anchors and their aliases are not taken here.")
        return super().compose_node(parent, index)


def _composed(raw: bytes) -> yaml.Node:
    if len(raw) > _MOST_BYTES:
        raise _Unreadable(1, f"the file is larger than {_MOST_BYTES // 1024} KiB.")
    try:
        node = yaml.compose(raw.decode("utf-8-sig"), Loader=_Loader)
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        raise _Unreadable(line, "the file is not text in UTF-8.") from exc
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = mark.line + 1 if mark else 1
        raise _Unreadable(line, f"this is not YAML: {one_line(exc.problem or 'broken')}.") from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise _Unreadable(1, "this is not YAML that can be read.") from exc
    if node is None:
        raise _Unreadable(1, "the file is empty; `faces: []` says that nobody is to be known.")
    return node


class _Reading:
    """Goes through the nodes and gathers what is wrong."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._tags: dict[str, int] = {}
        self._names: dict[str, tuple[str, int]] = {}

    def people(self, root: yaml.Node) -> tuple[Person, ...]:
        fields = self._fields(root, ("faces",), f"the file must be like {_EXAMPLE}")
        if fields is None:
            return ()
        if "faces" not in fields:
            self._find(root, f"there is no `faces:`; the file must be like {_EXAMPLE}.")
            return ()
        entries = self._entries(fields["faces"], "`faces` must be a list; [] says nobody")
        return tuple(one for one in map(self._person, entries) if one is not None)

    def _person(self, node: yaml.Node) -> Person | None:
        fields = self._fields(node, ("tag", "images"), "a person must have `tag` and `images`")
        if fields is None:
            return None
        tag = self._tag(node, fields.get("tag"))
        if tag is None:
            return None
        images = fields.get("images")
        entries = [] if images is None else self._entries(images, "`images` must be a list")
        pictures = [one for one in (self._picture(entry, tag) for entry in entries) if one]
        if not entries:
            self._find(node, f"{tag} has no images yet, and will not be known.", "odd")
        return Person(tag, _line(node), tuple(pictures))

    def _tag(self, node: yaml.Node, said: yaml.Node | None) -> str | None:
        tag = tidy(_text(said) or "")
        if said is None or not is_name(tag):
            self._find(said or node, "`tag` must say who it is.")
            return None
        if tag.casefold() == UNKNOWN_FACE:
            self._find(said, f"{UNKNOWN_FACE!r} is what the faces of nobody known are called.")
            return None
        first = self._tags.setdefault(tag.casefold(), _line(said))
        if first != _line(said):
            self._find(said, f"{tag} is named in line {first} already; put the images together.")
            return None
        return tag

    def _picture(self, node: yaml.Node, tag: str) -> Named | None:
        fields = self._fields(node, ("name",), "an image must be like {name: ada.jpg}")
        if fields is None:
            return None
        name = _text(fields.get("name"))
        if not name:
            self._find(fields.get("name", node), "`name` must be a file in the folder of faces.")
            return None
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or not name.isprintable():
            self._find(fields["name"], f"{name!r} must lie in the folder of faces.")
            return None
        return self._once(Named(str(path), _line(fields["name"])), fields["name"], tag)

    def _once(self, picture: Named, node: yaml.Node, tag: str) -> Named | None:
        owner, line = self._names.setdefault(picture.name, (tag, picture.line))
        if owner != tag:
            self._find(node, f"{picture.name} is {owner}'s picture in line {line} already.")
        elif line != picture.line:
            self._find(node, f"{picture.name} is in line {line} already.", "odd")
            return None
        return picture

    def _fields(
        self, node: yaml.Node, known: Sequence[str], wanted: str
    ) -> dict[str, yaml.Node] | None:
        if not isinstance(node, yaml.MappingNode):
            self._find(node, f"{wanted}.")
            return None
        found: dict[str, yaml.Node] = {}
        given = {_text(key) for key, _value in node.value}
        unset = [name for name in known if name not in given]
        for key, value in node.value:
            name = _text(key) or ""
            if name not in known:
                meant = did_you_mean(name, known, likely=unset)
                self._find(key, f"{name!r} is not known here{meant}")
            elif name in found:
                self._find(key, f"{name!r} is said twice.")
            found[name] = value
        return found

    def _entries(self, node: yaml.Node, wanted: str) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._find(node, f"{wanted}.")
        return []

    def _find(self, node: yaml.Node, text: str, weight: Weight = "fatal") -> None:
        self.findings.append(Finding(_line(node), text, weight))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _text(node: yaml.Node | None) -> str | None:
    """Return what stands there, as it is written: 007 and yes are names like others."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
        return None
    return str(node.value)
