"""What is refused before anything is done."""

import json
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.unit.web.api.asking import got, post, problem, wrong

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}


def _sent(rest: FlaskClient, data: str | bytes, **headers: str) -> Any:
    return rest.post("/api/v1/scans", data=data, headers=JSON | headers)


@pytest.fixture(autouse=True)
def _nothing_is_started(rest: FlaskClient) -> Any:
    yield
    assert got(rest, "scans") == {"items": [], "next": None}


def test_a_body_that_is_no_json_is_refused(rest: FlaskClient) -> None:
    assert "not JSON" in problem(_sent(rest, '{"library": '), 400)


def test_an_empty_body_is_refused(rest: FlaskClient) -> None:
    assert "not JSON" in problem(_sent(rest, ""), 400)


def test_a_body_that_is_not_utf8_is_refused(rest: FlaskClient) -> None:
    assert "UTF-8" in problem(_sent(rest, b'{"library": "\xff\xfe"}'), 400)


def test_a_body_that_is_nested_without_end_is_refused(rest: FlaskClient) -> None:
    assert "nested" in problem(_sent(rest, "[" * 60_000), 400)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1" * 5000])
def test_a_number_that_json_does_not_have_is_refused(rest: FlaskClient, number: str) -> None:
    answer = _sent(rest, f'{{"library": "photos", "section": {number}}}')
    assert problem(answer, 400)


def test_a_body_over_64_kib_is_refused(rest: FlaskClient) -> None:
    body = json.dumps({"library": "x" * 65_536})
    assert "64 KiB" in problem(_sent(rest, body), 413)


def test_a_body_that_does_not_tell_its_length_is_refused_over_64_kib(rest: FlaskClient) -> None:
    body = BytesIO(b'{"library": "photos"}' + b" " * 65_536)
    answer = rest.post(
        "/api/v1/scans",
        input_stream=body,
        headers=JSON,
        environ_base={"wsgi.input_terminated": True},
    )
    assert problem(answer, 413)


def test_a_body_over_64_kib_is_refused_where_none_is_wanted(rest: FlaskClient) -> None:
    assert problem(rest.post("/api/v1/scans/1/undo", data="x" * 65_537), 413)


def test_a_form_is_refused(rest: FlaskClient) -> None:
    answer = rest.post("/api/v1/scans", data={"library": "photos"})
    assert "application/json" in problem(answer, 415)


def test_no_body_at_all_is_refused(rest: FlaskClient) -> None:
    assert "application/json" in problem(post(rest, "scans"), 415)


@pytest.mark.parametrize("body", [[], "photos", '{"library": "photos"}', 5, None])
def test_a_body_that_is_no_object_is_refused(rest: FlaskClient, body: Any) -> None:
    assert wrong(_sent(rest, json.dumps(body))) == {"body": "must be an object"}


def test_an_unknown_field_is_named_with_the_one_that_was_meant(rest: FlaskClient) -> None:
    errors = wrong(post(rest, "scans", {"library": "photos", "sektion": "photos"}))
    assert "did you mean 'section'?" in errors["sektion"]


def test_every_field_that_is_wrong_is_named(rest: FlaskClient) -> None:
    errors = wrong(post(rest, "scans", {"engines": ["colour", 5], "mode": "forse"}))
    assert errors["library"] == "is missing"
    assert errors["engines.1"] == "must be a valid string"
    assert "did you mean 'force'?" in errors["mode"]


def test_a_field_without_a_name_is_refused(rest: FlaskClient) -> None:
    errors = wrong(post(rest, "scans", {"library": "photos", "\ud800\x00": 1}))
    assert "is unknown" in errors["(unnamed)"]


def test_very_many_unknown_fields_are_not_all_named(rest: FlaskClient) -> None:
    assert len(wrong(post(rest, "scans", {f"field{n}": n for n in range(3000)}))) == 20


@pytest.mark.parametrize("text", ["\x00", "pho\x00tos", "\ud800", "x" * 513])
def test_text_that_no_database_keeps_is_refused(rest: FlaskClient, text: str) -> None:
    assert list(wrong(post(rest, "scans", {"library": text}))) == ["library"]


def test_half_a_surrogate_pair_in_utf8_is_refused(rest: FlaskClient) -> None:
    assert list(wrong(_sent(rest, b'{"library": "\xed\xa0\x80"}'))) == ["library"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=ten",
        "limit=1_0",
        "limit=1.0",
        "limit=%201",
        "limit=" + "9" * 5000,
        "limit=",
        "cursor=abc",
        "cursor=-1",
        "cursor=9999999999",
        "q=%00",
        "tag=" + "x" * 513,
    ],
)
def test_a_parameter_out_of_bounds_is_refused(rest: FlaskClient, query: str) -> None:
    errors = wrong(rest.get(f"/api/v1/items?{query}"))
    assert list(errors) == [query.partition("=")[0]]


def test_an_unknown_parameter_is_named_with_the_one_that_was_meant(rest: FlaskClient) -> None:
    errors = wrong(rest.get("/api/v1/items?libary=photos"))
    assert "did you mean 'library'?" in errors["libary"]


def test_a_parameter_that_is_given_twice_is_refused(rest: FlaskClient) -> None:
    assert wrong(rest.get("/api/v1/items?q=a&q=b")) == {"q": "is given twice"}


@pytest.mark.parametrize("path", ["items/2147483648", "scans/99999999999999999999", "rules/0"])
def test_an_id_out_of_32_bit_is_refused(rest: FlaskClient, path: str) -> None:
    assert list(wrong(rest.get(f"/api/v1/{path}")))


@pytest.mark.parametrize(
    "path", ["items/-1", "scans/one", "items/1.0", "nothing", "rules/" + "9" * 5000]
)
def test_a_path_that_leads_nowhere_is_not_found(rest: FlaskClient, path: str) -> None:
    assert problem(rest.get(f"/api/v1/{path}"), 404) == "There is nothing at this address."


def test_a_method_that_does_nothing_is_refused_with_those_that_do(rest: FlaskClient) -> None:
    answer = rest.put("/api/v1/scans")
    assert "use GET, HEAD, OPTIONS, POST" in problem(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize("path", ["scans", "items/1", "nothing", "items?limit=x"])
def test_without_the_key_nothing_is_told(rest: FlaskClient, path: str) -> None:
    answer = rest.get(f"/api/v1/{path}", headers={"X-Api-Key": ""})
    assert "X-Api-Key" in problem(answer, 401)


def test_a_wrong_key_is_not_repeated(rest: FlaskClient) -> None:
    answer = rest.get("/api/v1/scans", headers={"X-Api-Key": "wrong-key"})
    assert "wrong-key" not in problem(answer, 401)
