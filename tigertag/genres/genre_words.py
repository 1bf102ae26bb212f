"""Files of genres and the words that mean them, read with line numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import yaml

from tigertag.errors import RequestError, os_reason
from tigertag.text import one_line, tidy

_MOST_BYTES = 256 * 1024
_LIKE = "it must be like `Film-Noir: [Noir, Black Film]`"


def read(path: Path) -> Mapping[str, tuple[str, ...]]:
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
        return parsed(raw.decode("utf-8-sig"), source=str(path))
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        raise RequestError(f"{path}, line {line}: this is not text in UTF-8.") from exc


def parsed(text: str, *, source: str) -> Mapping[str, tuple[str, ...]]:
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
    return tuple(_word(one, source) for one in node.value)


def _word(node: yaml.Node, source: str) -> str:
    """Return what stands there, as it is written: 007 and yes are words like others."""
    word = tidy(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if not any(one.isalnum() for one in word):
        _refuse(node, source, f"a word is missing; {_LIKE}")
    return word


def _refuse(node: yaml.Node, source: str, reason: str) -> NoReturn:
    raise RequestError(f"{source}, line {node.start_mark.line + 1}: {reason}.")
