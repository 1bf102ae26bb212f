"""Which items a query finds, as conditions on their rows."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select

from tigertag.query import Bound, Query, Term
from tigertag.store import problems, schema
from tigertag.store.problems import ProblemFilter

_items = schema.items
_tags = schema.tags
_SIGNS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Search:
    """A query, and what only the settings know of it.

    `sections`: the sections of each term that names some. `unsolved`: what counts as failed.
    """

    query: Query
    sections: Mapping[Term, tuple[int, ...]]
    unsolved: ProblemFilter


def conditions(search: Search) -> list[ColumnElement[bool]]:
    """Return what holds for each item that is found."""
    return [
        ~_holds(search, term) if term.excluded else _holds(search, term)
        for term in search.query.terms
    ]


def _holds(search: Search, term: Term) -> ColumnElement[bool]:
    match term.key:
        case "library" | "section":
            return _items.c.section_id.in_(search.sections[term])
        case "failed":
            return _items.c.id.in_(problems.having(search.unsolved))
        case "untagged":
            return ~exists().where(_tags.c.item_id == _items.c.id)
        case "type":
            return _items.c.media == term.media.value
        case "size":
            return _bounded(func.coalesce(_items.c.size_bytes, 0), term.bound)
        case "tag":
            return _tagged(term)
        case "name":
            return _named(term.value)
        case "folder":
            return _in_folder(term.value)
        case _:
            return or_(_tagged(term), _named(term.value))


def _bounded(column: Any, bound: Bound | None) -> ColumnElement[bool]:
    assert bound is not None
    return _SIGNS[bound.sign](column, bound.number)


def _tagged(term: Term) -> ColumnElement[bool]:
    tagged = select(_tags.c.item_id).where(_tags.c.word == term.value.casefold())
    if term.bound is not None:
        tagged = tagged.where(_bounded(_tags.c.confidence, term.bound))
    return _items.c.id.in_(tagged)


def _named(text: str) -> ColumnElement[bool]:
    return _items.c.sought.contains(text.casefold(), autoescape=True)


def _in_folder(folder: str) -> ColumnElement[bool]:
    """`sought` is the title, a line's end, and the key; a key of a folder is a path."""
    path = folder.casefold().strip("/") + "/"
    starts = (_items.c.sought.contains(before + path, autoescape=True) for before in ("\n", "/"))
    return or_(*starts)
