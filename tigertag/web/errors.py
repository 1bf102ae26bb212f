"""The one mapping from exceptions to answers: problem details under /api, a page elsewhere."""

import logging
from collections.abc import Iterable
from http import HTTPStatus
from math import ceil

from flask import Flask, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from tigertag import errors
from tigertag.errors import TigerTagError
from tigertag.text import one_line
from tigertag.web import dashboard
from tigertag.web.api import problems

logger = logging.getLogger(__name__)

# The first that an exception is an instance of.
_STATUSES: tuple[tuple[type[TigerTagError], int], ...] = (
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Throttled, 429),
    (errors.RequestError, 422),
    (errors.PluginError, 409),
    (errors.ItemError, 404),
    (errors.LibraryError, 502),
    (errors.HttpError, 502),
    (errors.EngineError, 502),
    (errors.Unstorable, 422),
    (errors.StoreError, 503),
)
_WORDS = {
    400: "The request cannot be understood.",
    401: "Sign in, or send the key in the header X-Api-Key.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    413: "The body is too large; 64 KiB are the most.",
    415: "Send the body as JSON, with Content-Type: application/json.",
}
_FAILED = "TigerTag failed at this. Nothing else is affected; its log says why."


def register(app: Flask) -> None:
    """Answer every exception that a view raises."""
    app.register_error_handler(TigerTagError, _expected)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _unexpected)


def status_of(error: TigerTagError) -> int:
    """The HTTP status that says what happened."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def _expected(error: TigerTagError) -> ResponseReturnValue:
    status = status_of(error)
    if status >= 500:
        logger.warning("%s answers %d: %s", request.endpoint, status, one_line(str(error)))
    retry_after_s = getattr(error, "retry_after_s", None)
    headers = [] if retry_after_s is None else [("Retry-After", str(ceil(retry_after_s)))]
    return _answer(status, str(error), headers)


def _refused(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None:
        return error
    own = error.description if error.description != type(error).description else None
    headers = [pair for pair in error.get_headers() if pair[0].lower() != "content-type"]
    return _answer(error.code, own or _words(error), headers)


def _words(error: HTTPException) -> str:
    if isinstance(error, MethodNotAllowed):
        methods = ", ".join(sorted(error.valid_methods or ()))
        return f"{request.method} does nothing here; {methods} do."
    return _WORDS.get(error.code or 0) or error.description or error.name


def _unexpected(error: Exception) -> ResponseReturnValue:
    logger.error("%s %s failed", request.method, request.url_rule, exc_info=error)
    return _answer(500, _FAILED, [])


def _answer(status: int, detail: str, headers: Iterable[tuple[str, str]]) -> ResponseReturnValue:
    if request.path == "/api" or request.path.startswith("/api/"):
        return problems.answer(status, detail, headers=headers)
    title = HTTPStatus(status).phrase
    page = make_response(dashboard.error_page(status, title, one_line(detail)))
    page.headers.extend(list(headers))
    return page
