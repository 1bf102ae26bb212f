"""The one mapping from exceptions to answers: RFC 9457 problem details for REST, else a page."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from flask import Flask, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import escape
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from tigertag import errors
from tigertag.errors import StoreError, TigerTagError
from tigertag.model import RuleAction
from tigertag.text import did_you_mean, one_line, without_password
from tigertag.web import guard
from tigertag.web.api.schemas import PATTERNS, UNKNOWN

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_MOST = 20
_QUOTED = re.compile(r"'([^']*)'")
_SHOULD = re.compile(r"^(Input|Value|String|List|Dictionary) should ")
_FIXED = {
    "missing": "is missing",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "model_attributes_type": "must be an object",
    "string_unicode": "must be text in Unicode; half of a surrogate pair is none",
}
_MEANINGS = {
    400: "The request is not valid.",
    401: "Sign in, or send the key in the header X-Api-Key.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    409: "Not possible now, or not in this state.",
    413: "The body is too large; the maximum is 64 KiB.",
    415: "Send the body as JSON, with Content-Type: application/json.",
    422: "A parameter or a field is unknown, missing or wrong; `errors` names it.",
    429: "Too many wrong secrets came from this address; `Retry-After` says how long to wait.",
    500: "TigerTag failed to do this. Nothing else is affected; see the log for the reason.",
    502: "The library cannot be reached, or its answer is not usable.",
    503: "The database cannot be used now.",
}
# The first class that an exception is an instance of decides.
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


def register(app: Flask) -> None:
    """Answer every exception of a view."""
    app.register_error_handler(TigerTagError, _expected)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _unexpected)


def status_of(error: TigerTagError) -> int:
    """The HTTP status of an exception."""
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
    return _answer(error.code, own or _default(error), headers)


def _default(error: HTTPException) -> str:
    if isinstance(error, MethodNotAllowed):
        methods = ", ".join(sorted(error.valid_methods or ()))
        return f"{request.method} is not allowed here; use {methods}."
    return _MEANINGS.get(error.code or 0) or error.description or error.name


def _unexpected(error: Exception) -> ResponseReturnValue:
    logger.error("%s %s failed", request.method, request.url_rule, exc_info=error)
    return _answer(500, _MEANINGS[500], [])


def _answer(status: int, detail: str, headers: Iterable[tuple[str, str]]) -> Response:
    if request.path == "/api" or request.path.startswith("/api/"):
        return problem_details(status, detail, headers=headers)
    response = make_response(_page(status, one_line(detail)), status)
    response.headers.extend(list(headers))
    return response


def _page(status: int, detail: str) -> str:
    title = HTTPStatus(status).phrase
    if request.headers.get("HX-Request"):
        # htmx shows this line in the page that is open.
        return str(escape(detail or title))
    try:
        frame = "base.html" if guard.is_signed_in() else "public.html"
    except StoreError:
        frame = "public.html"
    return render_template("error.html", frame=frame, status=status, title=title, detail=detail)


class FieldProblem(BaseModel):
    """The error of one parameter, or of one field of the body."""

    field: str = Field(description="Its name; `engines.0` is the first of `engines`.")
    detail: str


class ProblemDetails(BaseModel):
    """Why a request failed."""

    type: str = Field(description="Always `about:blank`: `status` is the kind of error.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One line: what happened, what to do.")
    errors: list[FieldProblem] | None = Field(
        default=None, description="Each wrong parameter or field (422)."
    )


def problem_details(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """Answer with the reason why a request failed."""
    problem = ProblemDetails(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=one_line(without_password(detail)),
        errors=list(errors) or None,
    )
    text = problem.model_dump_json(exclude_none=True)
    return Response(text, status, headers=list(headers), content_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[Any, Any]:
    """Describe these problems as an operation's responses."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    return {
        str(status): {"description": _MEANINGS[status], "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def validation_failed(error: ValidationError) -> Response:
    """Answer 422: name each parameter or field that is unknown, missing or wrong."""
    errors = error.errors(include_url=False)
    return refused([problem for entry in errors for problem in _explained(entry)][:_MOST])


def refused(errors: list[FieldProblem]) -> Response:
    """Answer 422. `errors` holds one at least."""
    first, more = errors[0], len(errors) - 1
    rest = f" ({more} more in `errors`)" if more else ""
    return problem_details(422, f"`{first.field}` {first.detail}{rest}", errors=errors)


def _explained(entry: Any) -> Iterator[FieldProblem]:
    field, context = _field(entry["loc"]), entry.get("ctx", {})
    if entry["type"] == UNKNOWN:
        for name, hint in context["hints"].items():
            yield FieldProblem(field=".".join(filter(None, (field, name))), detail=hint)
    elif entry["type"] in ("union_tag_invalid", "union_tag_not_found"):
        yield FieldProblem(field=context["discriminator"].strip("'"), detail=_tag(context))
    else:
        yield FieldProblem(field=field or "body", detail=_words(entry, context))


def _field(place: tuple[Any, ...]) -> str:
    """The path of a field, without the kind of rule that pydantic puts first."""
    inner = place[1:] if place and place[0] in set(RuleAction) else place
    return ".".join(str(part) for part in inner)


def _words(entry: Any, context: Any) -> str:
    kind: str = entry["type"]
    if kind == "string_pattern_mismatch":
        return PATTERNS[context["pattern"]]
    if kind in ("literal_error", "enum"):
        return _one_of(context["expected"], entry["input"])
    return _FIXED.get(kind) or _SHOULD.sub("must ", str(entry["msg"]))


def _tag(context: Any) -> str:
    if "expected_tags" not in context:
        return "is missing"
    return _one_of(context["expected_tags"], context["tag"])


def _one_of(expected: str, given: Any) -> str:
    known = _QUOTED.findall(expected)
    hint = did_you_mean(given, known).removesuffix(".") if isinstance(given, str) else ""
    return f"must be one of {', '.join(known)}{hint}"
