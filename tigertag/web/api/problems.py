"""Errors as RFC 9457 problem details; a 422 explains each wrong parameter or field."""

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response
from pydantic import BaseModel, Field, ValidationError

from tigertag.model import RuleAction
from tigertag.text import did_you_mean, one_line, without_password
from tigertag.web.api.schemas import PATTERNS, UNKNOWN

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
    400: "The body is not JSON.",
    401: "There is no `X-Api-Key` header, or its key is wrong.",
    404: "Not found.",
    409: "Not possible now, or not in this state.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not sent as `application/json`.",
    422: "A parameter or a field is unknown, missing or wrong; `errors` names it.",
    500: "An error in TigerTag; its log says why.",
    502: "The library cannot be reached, or its answer is not usable.",
    503: "The database cannot be used now.",
}


class FieldProblem(BaseModel):
    """The error of one parameter, or of one field of the body."""

    field: str = Field(description="Its name; `engines.0` is the first of `engines`.")
    detail: str


class Problem(BaseModel):
    """Why a request failed."""

    type: str = Field(description="Always `about:blank`: `status` is the kind of error.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One line: what happened, what to do.")
    errors: list[FieldProblem] | None = Field(
        default=None, description="Each wrong parameter or field (422)."
    )


def answer(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """Answer with the reason why a request failed."""
    problem = Problem(
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
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        str(status): {"description": _MEANINGS[status], "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def invalid(error: ValidationError) -> Response:
    """Answer 422: name each parameter or field that is unknown, missing or wrong."""
    errors = error.errors(include_url=False)
    return refused([problem for entry in errors for problem in _explained(entry)][:_MOST])


def refused(errors: list[FieldProblem]) -> Response:
    """Answer 422. `errors` holds one at least."""
    first, more = errors[0], len(errors) - 1
    rest = f" ({more} more in `errors`)" if more else ""
    return answer(422, f"`{first.field}` {first.detail}{rest}", errors=errors)


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
