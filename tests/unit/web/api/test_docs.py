"""The OpenAPI document, and the page that shows it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.unit.web.api.asking import problem

Operation = dict[str, Any]


@pytest.fixture
def document(rest: FlaskClient) -> Any:
    answer = rest.get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.get_json()


def _operations(document: Any) -> Iterator[tuple[str, str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_document_and_the_page_need_the_key(rest: FlaskClient) -> None:
    for path in ("/api/openapi.json", "/api/docs", "/api/docs/start.js"):
        assert problem(rest.get(path, headers={"X-Api-Key": ""}), 401)


def test_the_document_is_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["components"]["securitySchemes"]["key"] == {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
    }


def test_the_document_names_every_route(rest: FlaskClient, document: Any) -> None:
    routed = {
        (re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in rest.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/")
    }
    assert {(path, method) for path, method, _operation in _operations(document)} == routed


def test_every_operation_is_explained(document: Any) -> None:
    for path, method, operation in _operations(document):
        where = f"{method} {path}"
        assert operation["summary"].endswith("."), where
        needs_key: Any = [{"key": []}] if operation["operationId"] != "announce" else None
        assert operation.get("security") == needs_key, where
        assert {"401", "422", "500", "503"} <= operation["responses"].keys(), where
        assert ("404" in operation["responses"]) or "{" not in path, where


def test_every_parameter_and_field_of_a_body_is_bounded(document: Any) -> None:
    schemas = document["components"]["schemas"]
    bodies = [schemas[name] for name in ("StartScan", "Block", "Rename", "Threshold")]
    fields = [field for body in bodies for field in body["properties"].values()]
    parameters = [
        parameter["schema"]
        for _path, _method, operation in _operations(document)
        for parameter in operation.get("parameters", ())
    ]
    for schema in [*fields, *parameters]:
        for one in schema.get("anyOf", [schema]):
            assert _bounded(one), one


def _bounded(schema: dict[str, Any]) -> bool:
    if "enum" in schema or "const" in schema:
        return True
    bounds = {"string": "maxLength", "integer": "maximum", "number": "maximum", "array": "maxItems"}
    return schema["type"] in ("boolean", "null") or bounds[schema["type"]] in schema


def test_every_parameter_is_explained(document: Any) -> None:
    for path, _method, operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (path, parameter["name"])


def test_the_document_knows_the_path_that_the_service_lives_under(rest: FlaskClient) -> None:
    answer = rest.get("/api/openapi.json", base_url="http://localhost/tigertag")
    assert answer.get_json()["servers"] == [{"url": "/tigertag"}]


def test_the_page_has_no_script_or_style_in_it(rest: FlaskClient) -> None:
    page = rest.get("/api/docs").text
    assert re.findall(r"<script[^>]*>[^<]", page) == []
    assert "<style" not in page
    assert "style=" not in page


def test_what_the_page_loads_is_there(rest: FlaskClient) -> None:
    page = rest.get("/api/docs", base_url="http://localhost/tigertag").text
    loaded = re.findall(r'(?:src|href|data-document)="([^"]*)"', page)
    assert len(loaded) == 5
    for address in loaded:
        assert address.startswith("/tigertag/api/")
        answer = rest.get(address.removeprefix("/tigertag"))
        assert answer.status_code == 200, address
        answer.close()
