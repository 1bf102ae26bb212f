"""The arguments of a browser's request, and the sections that they may name."""

from flask import render_template, request

from tigertag.errors import NotFound, RequestError
from tigertag.model import Section
from tigertag.services import libraries
from tigertag.services.views import SectionView
from tigertag.text import did_you_mean
from tigertag.web import state

_LONGEST = 512
_LARGEST_ID = 2**31 - 1


def by_htmx() -> bool:
    """Whether htmx asks, for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def render_list(name: str, **context: object) -> str:
    """Render the page of a list; for htmx with a cursor only the next part of the list."""
    part = by_htmx() and cursor()
    return render_template(f"_{name}.html" if part else f"{name}.html", **context)


def has(name: str) -> bool:
    """Whether the query has this field, even if it is empty."""
    return name in request.args


def sent(name: str) -> bool:
    """Whether the form or the query has this field, even if it is empty."""
    return name in request.values


def text(name: str) -> str:
    """Return a field of the form or the query; "" if it is missing. Raises `RequestError`."""
    value = request.values.get(name, "").replace("\0", "").strip()
    if len(value) > _LONGEST:
        raise RequestError(f"{name} has {_LONGEST} characters at most.")
    return value


def cursor() -> str | None:
    return text("cursor") or None


def number(name: str) -> int:
    """Return a field that holds an id. Raises `RequestError`."""
    value = text(name)
    if not (value.isascii() and value.isdigit() and int(value[:12]) <= _LARGEST_ID):
        raise RequestError(f"{name} must be a number, not {value[:40]!r}.")
    return int(value)


def library_and_section() -> tuple[str, str]:
    """Return both parts of the field `in`, which is "library/section"; "" means all."""
    library, _slash, section = text("in").partition("/")
    return library, section


def all_sections() -> list[SectionView]:
    """Return the last known sections of all libraries."""
    return [view for library in libraries.listed(state.core()) for view in library.sections]


def find_section(library: str, section: str) -> SectionView:
    """Return a section by its ids. Raises `NotFound`."""
    views = {view.section.path: view for view in all_sections()}
    path = f"{library}/{section}"
    if path not in views:
        raise NotFound(f"There is no section {path!r}{did_you_mean(path, views)}")
    return views[path]


def section_name(section: Section) -> str:
    """Return library and title, such as "home · Holidays"."""
    return f"{section.library} · {section.title or section.id}"
