"""Errors as RFC 9457 problem details."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response
from pydantic import BaseModel, Field

from tigertag.text import one_line, without_password

MEDIA_TYPE = "application/problem+json"

_MEANINGS = {
    400: "The body is not JSON.",
    401: "There is no `X-Api-Key` header, or its key is wrong.",
    404: "There is no such thing.",
    409: "This cannot be done now, or not in this state.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not sent as `application/json`.",
    422: "A parameter or a field is unknown, missing or wrong; `errors` names it.",
    500: "TigerTag failed at this; its log says why.",
    502: "The library cannot be reached, or gave no usable answer.",
    503: "The database cannot be used now.",
}


class FieldProblem(BaseModel):
    """What is wrong with one parameter, or one field of the body."""

    field: str = Field(description="Its name; `engines.0` is the first of `engines`.")
    detail: str


class Problem(BaseModel):
    """Why a request was not done."""

    type: str = Field(description="Always `about:blank`: the status says what kind it is.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One line: what happened, what to do.")
    errors: list[FieldProblem] | None = Field(
        default=None, description="What is wrong with which parameter or field (422)."
    )


def answer(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """Make the answer that says why a request was not done."""
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
    schema: Mapping[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        str(status): {"description": _MEANINGS[status], "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }
