"""The routes of REST: their documentation, checks of requests, and answers."""

import inspect
import json
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from flask import Response, current_app, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from tigertag.text import one_line
from tigertag.web import errors
from tigertag.web.api.schemas import OptionalBody

PREFIX = "/api/v1"
LARGEST_BODY = 64 * 1024
SECURITY_SCHEME = "key"

Responses = type[BaseModel] | dict[Any, Any]
View = TypeVar("View", bound=Callable[..., Response])


class Routes:
    """The routes of one resource, in code and in the OpenAPI document."""

    def __init__(self, name: str, description: str) -> None:
        self.blueprint = APIBlueprint(
            f"api_{name}",
            __name__,
            url_prefix=PREFIX,
            abp_tags=[Tag(name=name, description=description)],
            abp_responses=errors.documented(401, 422, 500, 503),
        )
        self.blueprint.before_request(_check_request)

    def get(
        self, rule: str, responses: Responses, *refused: int, old_rule: str = ""
    ) -> Callable[[View], View]:
        """Route GET; `refused` are the other possible statuses, `old_rule` still works."""

        def decorate(view: View) -> View:
            if old_rule:
                old = {"operation_id": f"{view.__name__}_old", "endpoint": old_rule[1:]}
                self._route("get", old_rule, responses, refused, deprecated=True, **old)(view)
            return self._route("get", rule, responses, refused)(view)

        return decorate

    def post(
        self, rule: str, responses: Responses, *refused: int, needs_key: bool = True
    ) -> Callable[[View], View]:
        """Route POST; a view that needs no key has to check who asks: see `guard`."""
        more: dict[str, Any] = {} if needs_key else {"security": []}
        return self._route("post", rule, responses, refused, **more)

    def patch(self, rule: str, responses: Responses, *refused: int) -> Callable[[View], View]:
        return self._route("patch", rule, responses, refused)

    def delete(self, rule: str, *refused: int) -> Callable[[View], View]:
        return self._route("delete", rule, {204: None}, refused)

    def _route(
        self, method: str, rule: str, responses: Responses, refused: tuple[int, ...], **more: Any
    ) -> Callable[[View], View]:
        described = responses if isinstance(responses, dict) else {200: responses}

        def decorate(view: View) -> View:
            summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
            options: dict[str, Any] = {
                "operation_id": view.__name__,
                "security": [{SECURITY_SCHEME: []}],
                "summary": one_line(summary),
                "description": one_line(description) or None,
                "responses": {**described, **errors.documented(*refused)},
            }
            getattr(self.blueprint, method)(rule, **options | more)(view)
            return view

        return decorate


def sent(
    shape: type[BaseModel], view: object, status: int = 200, *, location: str = ""
) -> Response:
    """Answer with what a service returned, as JSON of this shape."""
    text = shape.model_validate(view).model_dump_json()
    response = Response(text, status, content_type="application/json")
    if location:
        response.headers["Location"] = location
    return response


def nothing() -> Response:
    """Answer 204."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def made(shape: type[BaseModel], description: str) -> dict[str, Any]:
    """Describe an answer with a `Location` header."""
    return {
        "description": description,
        "content": {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}
        },
        "headers": {"Location": {"description": "Its address.", "schema": {"type": "string"}}},
    }


def _check_request() -> Response | None:
    takes = current_app.view_functions[request.endpoint or ""].__annotations__
    if "raw" in takes:
        # The view reads its request itself.
        return None
    # One byte more: werkzeug silently cuts a body of unknown length off at this limit.
    request.max_content_length = LARGEST_BODY + 1
    if (request.content_length or 0) > LARGEST_BODY:
        raise RequestEntityTooLarge
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        return errors.refused(
            [errors.FieldProblem(field=name, detail="is given twice") for name in repeated]
        )
    body = takes.get("body")
    if body is None or (issubclass(body, OptionalBody) and not request.get_data()):
        return None
    return _check_body()


def _check_body() -> Response | None:
    if not request.is_json:
        raise UnsupportedMediaType
    data = request.get_data()
    if len(data) > LARGEST_BODY:
        raise RequestEntityTooLarge
    try:
        body = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise BadRequest(f"The body is not JSON: {_reason(exc)}.") from exc
    if not isinstance(body, dict):
        return errors.refused([errors.FieldProblem(field="body", detail="must be an object")])
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _reason(exc: Exception) -> str:
    if isinstance(exc, RecursionError):
        return "it is nested too deeply"
    return "it is not UTF-8" if isinstance(exc, UnicodeDecodeError) else str(exc)
