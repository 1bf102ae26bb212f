"""The page of an error: one line, and a way back."""

from flask import render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import escape

from tigertag.errors import StoreError
from tigertag.web import sign_in


def error_page(status: int, title: str, detail: str) -> ResponseReturnValue:
    """Return the page that says what went wrong; to htmx, which shows it itself, the line alone."""
    if request.headers.get("HX-Request"):
        return str(escape(detail or title)), status
    frame = "base.html" if _is_in() else "public.html"
    page = render_template("error.html", frame=frame, status=status, title=title, detail=detail)
    return page, status


def _is_in() -> bool:
    """Whether the page may use what only those who signed in get."""
    try:
        return sign_in.is_in()
    except StoreError:
        return False
