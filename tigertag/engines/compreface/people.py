"""The people to know: `faces.yaml`, read with line numbers, and their pictures in the folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b, sha256
from pathlib import Path, PurePosixPath
from typing import Literal

import yaml

from tigertag.errors import EngineError, ItemError, os_reason
from tigertag.media.picture import decode
from tigertag.model import UNKNOWN_FACE, Frame
from tigertag.text import did_you_mean, one_line, tidy

_MOST_FILE_BYTES = 256 * 1024
_MOST_PICTURE_BYTES = 100_000_000
_EXAMPLE = "faces: [{tag: Ada Lovelace, images: [{name: ada.jpg}]}]"

Severity = Literal["fatal", "wrong", "odd"]
"""fatal: nothing of the file may be used. wrong: a picture cannot be. odd: all can be used."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """What is wrong in a line of the file."""

    line: int
    text: str
    severity: Severity = "fatal"


@dataclass(frozen=True, slots=True)
class FacePicture:
    """A picture of a person; `name` is relative to the folder.

    `sha256` is "", and `problem` says why, where it cannot be read.
    """

    tag: str
    name: str
    line: int
    sha256: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """Who is named, by which pictures, and all that is wrong, by line."""

    tags: tuple[str, ...] = ()
    pictures: tuple[FacePicture, ...] = ()
    problems: tuple[FileProblem, ...] = ()

    @property
    def digest(self) -> str:
        """What recognition depends on: who there is, by which pictures; not their names."""
        facts = sorted((face.tag, face.sha256) for face in self.pictures if face.sha256)
        return blake2b(repr(facts).encode(), digest_size=16).hexdigest()


class Gallery:
    """`faces.yaml` and its folder. Thread-safe; an unchanged picture is hashed once."""

    def __init__(self, config: Path, folder: Path) -> None:
        self.config = config
        self.folder = folder

    def people(self) -> People:
        """Return who is to be known. Raises `EngineError` where nothing of it may be used."""
        people = self.look()
        fatal = [problem for problem in people.problems if problem.severity == "fatal"]
        if fatal:
            more = f" (and {len(fatal) - 1} more: tigertag faces check)" if fatal[1:] else ""
            raise EngineError(f"{self.describe(fatal[0])}{more} Nobody was added or removed.")
        return people

    def look(self) -> People:
        """Return all that is there and all that is wrong. Raises `EngineError` without a file."""
        try:
            named = read_people(self.config.read_bytes())
        except OSError as exc:
            raise EngineError(
                f"{self.config.absolute()} cannot be read ({os_reason(exc)}). To enrol nobody,"
                " write `faces: []` into it. See the engine's FACES_CONFIG."
            ) from exc
        if named.pictures and not self.folder.is_dir():
            raise EngineError(
                f"The folder of faces {self.folder.absolute()} is not there; nobody was added or"
                " removed. See the engine's FACES_FOLDER."
            )
        pictures = tuple(map(self._hashed, named.pictures))
        missing = [
            FileProblem(face.line, face.problem, "wrong") for face in pictures if face.problem
        ]
        problems = _by_line([*named.problems, *missing, *_shared(pictures)])
        return replace(named, pictures=pictures, problems=problems)

    def describe(self, problem: FileProblem) -> str:
        return f"{self.config.name}, line {problem.line}: {problem.text}"

    def load(self, picture: FacePicture, short_side_px: int) -> Frame:
        """Return the picture, upright. Raises `ItemError`, and `OSError`."""
        raw = self._path(picture.name).read_bytes()
        if sha256(raw).hexdigest() != picture.sha256:
            raise ItemError("the file has just changed; it is taken next time.", retryable=True)
        return decode(raw, short_side_px)

    def unreadable(self, short_side_px: int) -> Iterator[FileProblem]:
        """Decode each picture, and yield a problem for each that cannot be."""
        for picture in self.look().pictures:
            if picture.problem:
                continue
            try:
                self.load(picture, short_side_px)
            except (ItemError, OSError) as exc:
                yield FileProblem(picture.line, f"{picture.name}: {exc}", "wrong")

    def _hashed(self, picture: FacePicture) -> FacePicture:
        try:
            path = self._path(picture.name)
            stat = path.stat()
            if stat.st_size > _MOST_PICTURE_BYTES:
                raise OSError(f"it is larger than {_MOST_PICTURE_BYTES // 1_000_000} MB")
            return replace(picture, sha256=_sha256(path, stat.st_size, stat.st_mtime_ns))
        except FileNotFoundError:
            files = (self.folder / picture.name).parent.glob("*")
            names = [file.relative_to(self.folder).as_posix() for file in files]
            problem = f"{picture.name} is not there{did_you_mean(picture.name, names)}"
        except OSError as exc:
            problem = f"{picture.name} cannot be read ({os_reason(exc)})."
        return replace(picture, problem=problem)

    def _path(self, name: str) -> Path:
        """Return where a picture is. Raises `OSError` where that is not in the folder."""
        try:
            path = (self.folder / name).resolve(strict=True)
        except RuntimeError as exc:
            raise OSError("it is a link to itself") from exc
        if not path.is_relative_to(self.folder.resolve()):
            raise OSError("it leads out of the folder of faces")
        if not path.is_file():
            raise OSError("it is not a file")
        return path


@lru_cache(maxsize=65_536)
def _sha256(path: Path, _size_bytes: int, _mtime_ns: int) -> str:
    """Hash a file, which is read again once its size or time differs."""
    return sha256(path.read_bytes()).hexdigest()


def _by_line(problems: Sequence[FileProblem]) -> tuple[FileProblem, ...]:
    return tuple(sorted(problems, key=lambda problem: problem.line))


def _shared(pictures: Sequence[FacePicture]) -> Iterator[FileProblem]:
    """Yield a problem for each picture that is also somebody else's, under whatever name."""
    first: dict[str, FacePicture] = {}
    for picture in pictures:
        other = first.setdefault(picture.sha256, picture) if picture.sha256 else picture
        if other.tag != picture.tag and other.name != picture.name:
            yield FileProblem(
                picture.line,
                f"{picture.name} is the same picture as {other.name} in line {other.line}, which"
                f" is {other.tag}'s.",
            )


def is_name(name: str) -> bool:
    """Whether CompreFace can have somebody of this name, and him alone.

    The name is part of an address there: nothing, "." and ".." would lead to somebody else, or to
    everybody, also between slashes, which a proxy on the way may unquote.
    """
    return all(part.strip(" .") for part in name.split("/"))


@lru_cache(maxsize=4)
def read_people(raw: bytes) -> People:
    """Read the file's bytes; its pictures are not looked at. What is wrong is a problem."""
    reader = _Reader()
    with reader.noting():
        reader.read(_composed(raw))
    return People(tuple(reader.tags), tuple(reader.pictures), _by_line(reader.problems))


class _Wrong(Exception):
    """What is wrong at a node, or in a line, so that no more of it can be read."""

    def __init__(self, where: yaml.Node | int, text: str) -> None:
        super().__init__(text)
        self.line = where if isinstance(where, int) else _line(where)


class _Loader(yaml.SafeLoader):
    """Composes nodes; it makes no objects of them. A node stands in one place only."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _Wrong(mark.line + 1, "anchors and their aliases are not supported here.")
        return super().compose_node(parent, index)


def _composed(raw: bytes) -> yaml.Node:
    if len(raw) > _MOST_FILE_BYTES:
        raise _Wrong(1, f"the file is larger than {_MOST_FILE_BYTES // 1024} KiB.")
    try:
        node = yaml.compose(raw.decode("utf-8-sig"), Loader=_Loader)
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        raise _Wrong(line, "the file is not text in UTF-8.") from exc
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = mark.line + 1 if mark else 1
        raise _Wrong(line, f"this is not YAML: {one_line(exc.problem or 'broken')}.") from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise _Wrong(1, "this is not YAML that can be read.") from exc
    if node is None:
        raise _Wrong(1, "the file is empty; to enrol nobody, write `faces: []`.")
    return node


class _Reader:
    """Goes through the nodes; gathers people, pictures and problems."""

    def __init__(self) -> None:
        self.tags: list[str] = []
        self.pictures: list[FacePicture] = []
        self.problems: list[FileProblem] = []
        self._line_of_tag: dict[str, int] = {}
        self._first_named: dict[str, FacePicture] = {}

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what is wrong, and go on."""
        try:
            yield
        except _Wrong as exc:
            self.problems.append(FileProblem(exc.line, str(exc)))

    def read(self, root: yaml.Node) -> None:
        fields = self._fields(root, ("faces",), f"the file must be like {_EXAMPLE}.")
        if "faces" not in fields:
            raise _Wrong(root, f"there is no `faces:`; the file must be like {_EXAMPLE}.")
        for person in _entries(fields["faces"], "`faces` must be a list; [] means nobody."):
            with self.noting():
                self._read_person(person)

    def _read_person(self, node: yaml.Node) -> None:
        fields = self._fields(node, ("tag", "images"), "a person must have `tag` and `images`.")
        tag = self._tag(fields.get("tag", node))
        self.tags.append(tag)
        images = fields.get("images")
        entries = [] if images is None else _entries(images, "`images` must be a list.")
        if not entries:
            self._add(node, f"{tag} has no images yet, and will not be recognised.", "odd")
        for entry in entries:
            with self.noting():
                self._read_picture(entry, tag)

    def _tag(self, node: yaml.Node) -> str:
        tag, line = tidy(_text(node) or ""), _line(node)
        if not is_name(tag):
            raise _Wrong(node, "`tag` must be the name of a person.")
        if tag.casefold() == UNKNOWN_FACE:
            raise _Wrong(node, f"{UNKNOWN_FACE!r} is reserved for faces of unknown people.")
        first = self._line_of_tag.setdefault(tag.casefold(), line)
        if first != line:
            raise _Wrong(node, f"{tag} is named in line {first} already; put the images together.")
        return tag

    def _read_picture(self, node: yaml.Node, tag: str) -> None:
        fields = self._fields(node, ("name",), "an image must be like {name: ada.jpg}.")
        node = fields.get("name", node)
        name = _text(node)
        if not name:
            raise _Wrong(node, "`name` must be a file in the folder of faces.")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or not name.isprintable():
            raise _Wrong(node, f"{name!r} must lie in the folder of faces.")
        picture = FacePicture(tag, str(path), _line(node))
        first = self._first_named.setdefault(picture.name, picture)
        if first.tag != tag:
            self._add(
                node, f"{picture.name} is {first.tag}'s picture in line {first.line} already."
            )
        elif first.line != picture.line:
            self._add(node, f"{picture.name} is in line {first.line} already.", "odd")
            return
        self.pictures.append(picture)

    def _fields(self, node: yaml.Node, known: Sequence[str], wanted: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise _Wrong(node, wanted)
        fields: dict[str, yaml.Node] = {}
        given = {_text(key) for key, _value in node.value}
        unset = [name for name in known if name not in given]
        for key, value in node.value:
            name = _text(key) or ""
            if name not in known:
                meant = did_you_mean(name, known, likely=unset)
                self._add(key, f"{name!r} is not known here{meant}")
            elif name in fields:
                self._add(key, f"{name!r} is given twice.")
            fields[name] = value
        return fields

    def _add(self, node: yaml.Node, text: str, severity: Severity = "fatal") -> None:
        self.problems.append(FileProblem(_line(node), text, severity))


def _entries(node: yaml.Node, wanted: str) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise _Wrong(node, wanted)
    return list(node.value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _text(node: yaml.Node) -> str | None:
    """Return the text as it is written: 007 and yes are names like others."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
        return None
    return str(node.value)
