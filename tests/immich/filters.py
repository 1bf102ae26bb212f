"""The `filter` of Immich 3.2, which takes only the fields and the operators that it knows."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tests.immich.holdings import Asset, Json, moment_of
from tests.immich.refusals import invalid

if TYPE_CHECKING:
    from tests.immich.state import State

Fits = Callable[[Asset], bool]
_FIELDS: dict[str, Callable[[Asset], Any]] = {
    "id": lambda one: one.id,
    "libraryId": lambda one: one.library,
    "type": lambda one: one.kind,
    "visibility": lambda one: one.visibility,
    "isFavorite": lambda one: one.favorite,
    "isOffline": lambda one: one.offline,
    "isMotion": lambda one: one.live_video is not None,
    "hasTags": lambda one: bool(one.tags),
    "createdAt": lambda one: one.made,
    "updatedAt": lambda one: one.updated,
    "takenAt": lambda one: one.taken,
    "trashedAt": lambda one: one.trashed,
}
_DATES = {"createdAt", "updatedAt", "takenAt", "trashedAt"}
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda held, wanted: held == wanted,
    "ne": lambda held, wanted: held != wanted,
    "in": lambda held, wanted: held in wanted,
    "notIn": lambda held, wanted: held not in wanted,
    "gt": lambda held, wanted: held is not None and held > wanted,
    "gte": lambda held, wanted: held is not None and held >= wanted,
    "lt": lambda held, wanted: held is not None and held < wanted,
    "lte": lambda held, wanted: held is not None and held <= wanted,
}


def fitting(server: "State", wanted: Json) -> Iterator[Fits]:
    """Yield a test for each condition. What is in the trash is among it, unless one says no."""
    for name, conditions in wanted.items():
        if name in ("tagIds", "albumIds"):
            yield from _held(server, name, conditions)
            continue
        if name not in _FIELDS:
            raise _unknown(["filter"], name)
        for operator, value in conditions.items():
            if operator not in _OPERATORS:
                raise _unknown(["filter", name], operator)
            goal = moment_of(value) if name in _DATES and value is not None else value
            yield _test(_FIELDS[name], _OPERATORS[operator], goal)


def _test(field: Callable[[Asset], Any], fits: Callable[[Any, Any], bool], goal: Any) -> Fits:
    return lambda one: fits(field(one), goal)


def _held(server: "State", name: str, conditions: Json) -> Iterator[Fits]:
    """By tags, where one stands for those below too, or by albums."""
    for operator, ids in conditions.items():
        if operator not in ("any", "all", "none"):
            raise _unknown(["filter", name], operator)
        if name == "tagIds":
            groups = [_with_tags(server, server.closure(one)) for one in ids]
        else:
            groups = [set(server.albums[one].assets) for one in ids if one in server.albums]
        yield _held_test(operator, groups)


def _with_tags(server: "State", tags: set[str]) -> set[str]:
    return {one.id for one in server.assets.values() if not tags.isdisjoint(one.tags)}


def _held_test(operator: str, groups: list[set[str]]) -> Fits:
    if operator == "none":
        return lambda one: all(one.id not in group for group in groups)
    enough = any if operator == "any" else all
    return lambda one: enough(one.id in group for group in groups)


def _unknown(path: list[str | int], name: str) -> Exception:
    message = f'Unrecognized key: "{name}"'
    return invalid({"code": "unrecognized_keys", "keys": [name], "path": path, "message": message})
