"""One name for each genre, whatever servers and lists call it."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

import yaml

from tigertag.errors import RequestError, os_reason
from tigertag.text import one_line, tidy

_BETWEEN = re.compile(r"\s*[&/,;+|]\s*|\s+(?:and|und|et|y|e|en)\s+", re.IGNORECASE)
_MOST_BYTES = 256 * 1024
_LIKE = "it must be like `Film-Noir: [Noir, Black Film]`"


@dataclass(frozen=True, slots=True)
class Recognised:
    """The genres that words mean, by their canonical names, in the list's order.

    `unknown`: words that are no genre here. `spellings`: how a genre is written where a word means
    it and no other; its own name goes before narrower words.
    """

    genres: tuple[str, ...]
    unknown: tuple[str, ...]
    spellings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GenreNames:
    """The canonical list, and what each known word, folded, means."""

    names: tuple[str, ...]
    meanings: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls, extra: Path | None = None) -> "GenreNames":
        """Return the shipped list with the additions of the user's file.

        That is YAML like `Film-Noir: [Noir, Black Film]`: a name that is not in the list is a new
        genre, and a word's meaning there goes before that in the list. Raises `RequestError`.
        """
        shipped = files(__package__).joinpath("genres.yaml").read_text("utf-8")
        names = cls((), {})._with(_parsed(shipped, source="genres.yaml"))
        return names if extra is None else names._with(_read(extra))

    def recognise(self, words: Iterable[str]) -> Recognised:
        genres: set[str] = set()
        unknown: dict[str, None] = {}
        spellings: dict[str, str] = {}
        for word in map(one_line, words):
            meant = self._meant(word)
            genres.update(meant)
            if word and not meant:
                unknown[word] = None
            if len(meant) == 1 and (meant[0] not in spellings or folded(word) == folded(meant[0])):
                spellings[meant[0]] = word
        ordered = tuple(name for name in self.names if name in genres)
        return Recognised(ordered, tuple(unknown), spellings)

    def _meant(self, word: str) -> tuple[str, ...]:
        whole = self.meanings.get(folded(word))
        if whole is not None:
            return whole
        parts = [self.meanings.get(folded(part), ()) for part in _BETWEEN.split(word)]
        return tuple(dict.fromkeys(name for part in parts for name in part)) if all(parts) else ()

    def _with(self, words_of: Mapping[str, tuple[str, ...]]) -> "GenreNames":
        canonical = {folded(name): name for name in self.names}
        named = {canonical.get(folded(name), name): words for name, words in words_of.items()}
        added: dict[str, tuple[str, ...]] = {}
        for name, words in named.items():
            for word in dict.fromkeys(map(folded, words)):
                added[word] = (*added.get(word, ()), name)
        own = {folded(name): (name,) for name in named}
        names = tuple(dict.fromkeys((*self.names, *named)))
        return GenreNames(names, {**self.meanings, **added, **own})


def folded(word: str) -> str:
    """Return a word without case, accents, blanks and signs."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in plain if char.isalnum())


def _read(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Return each genre's words. Raises `RequestError`."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
    except OSError as exc:
        reason = os_reason(exc)
        raise RequestError(f"The genres in {path} cannot be read: {reason}.") from exc
    if len(raw) > _MOST_BYTES:
        raise RequestError(f"The genres in {path} are more than {_MOST_BYTES // 1024} KiB.")
    try:
        return _parsed(raw.decode("utf-8-sig"), source=str(path))
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        raise RequestError(f"{path}, line {line}: this is not text in UTF-8.") from exc


def _parsed(text: str, *, source: str) -> Mapping[str, tuple[str, ...]]:
    """Return each genre's words. Raises `RequestError` that names the source and a line."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = mark.line + 1 if mark else 1
        reason = one_line(exc.problem or "broken")
        raise RequestError(f"{source}, line {line}: this is not YAML: {reason}.") from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise RequestError(f"{source} is not YAML that can be read; {_LIKE}.") from exc
    if root is None:
        raise RequestError(f"{source} is empty; {_LIKE}.")
    return _genres(root, source)


class _Loader(yaml.SafeLoader):
    """Composes nodes; it makes no objects of them. A node stands in one place only."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(None, None, "anchors are not taken here", mark)
        return super().compose_node(parent, index)


def _genres(root: yaml.Node, source: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(root, yaml.MappingNode):
        _refuse(root, source, _LIKE)
    genres: dict[str, tuple[str, ...]] = {}
    for key, value in root.value:
        name = _word(key, source)
        if name in genres:
            _refuse(key, source, f"{name!r} is said twice")
        genres[name] = _words(value, source)
    return genres


def _words(node: yaml.Node, source: str) -> tuple[str, ...]:
    if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
        return ()
    if not isinstance(node, yaml.SequenceNode):
        _refuse(node, source, f"a genre has a list of words; {_LIKE}")
    return tuple(_word(item, source) for item in node.value)


def _word(node: yaml.Node, source: str) -> str:
    """Return what stands there, as it is written: 007 and yes are words like others."""
    word = tidy(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if not any(char.isalnum() for char in word):
        _refuse(node, source, f"a word is missing; {_LIKE}")
    return word


def _refuse(node: yaml.Node, source: str, reason: str) -> NoReturn:
    raise RequestError(f"{source}, line {node.start_mark.line + 1}: {reason}.")
