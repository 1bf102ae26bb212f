"""Sections among those that the libraries showed last."""

from tigertag.core import Core
from tigertag.errors import NotFound
from tigertag.model import Section
from tigertag.services import libraries
from tigertag.services.views import SectionView
from tigertag.text import did_you_mean


def every(core: Core) -> list[SectionView]:
    return [view for library in libraries.listed(core) for view in library.sections]


def found(core: Core, library: str, section: str) -> SectionView:
    """Return the section as it was last seen. Raises `NotFound`."""
    known = {view.section.path: view for view in every(core)}
    path = f"{library}/{section}"
    if path not in known:
        raise NotFound(f"There is no section {path!r}{did_you_mean(path, known)}")
    return known[path]


def titled(core: Core, path: str) -> str:
    """Return what people call the section of a path; the path when it is not known."""
    for view in every(core):
        if view.section.path == path:
            return named(view.section)
    return path


def named(section: Section) -> str:
    """Library and title: what people call a section."""
    return f"{section.library} · {section.title or section.id}"
