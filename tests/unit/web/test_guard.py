"""Who is let in, and what every answer bears."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.web.conftest import API_KEY, PASSWORD
from tests.world import World
from tigertag.settings import WebSettings
from tigertag.web import state
from tigertag.web.app import create_app

PUBLIC = {"/healthz", "/sign-in"}


def token(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found
    return found[1]


def sign_in(client: FlaskClient, password: str = PASSWORD, **fields: str) -> TestResponse:
    page = client.get("/sign-in")
    data = {"csrf_token": token(page), "password": password, **fields}
    return client.post("/sign-in", data=data)


def paths(app: Flask) -> list[str]:
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    return [re.sub(r"<[^>]+>", "1", rule) for rule in rules]


def test_a_stranger_gets_nothing_but_the_sign_in(app: Flask, stranger: FlaskClient) -> None:
    answered = {path: stranger.get(path).status_code for path in paths(app)}
    assert {path for path, status in answered.items() if status == 200} <= PUBLIC
    assert set(answered.values()) <= {200, 302, 401, 404, 405}


@pytest.mark.parametrize("path", ["/nowhere", "/api/v2/scans", "/.env"])
def test_what_there_is_not_is_not_found_before_one_signs_in(
    stranger: FlaskClient, path: str
) -> None:
    assert {stranger.get(path).status_code, stranger.post(path).status_code} == {404}


def test_a_stranger_changes_nothing(app: Flask, stranger: FlaskClient) -> None:
    for path in paths(app):
        for method in ("post", "put", "delete", "patch"):
            assert getattr(stranger, method)(path).status_code in (400, 401, 404, 405), path


def test_only_public_files_are_served_to_strangers(stranger: FlaskClient) -> None:
    assert stranger.get("/static/tigertag.css").status_code == 302
    assert stranger.get("/static/public/../tigertag.css").status_code in (302, 404)


def test_the_password_opens_the_dashboard(stranger: FlaskClient) -> None:
    assert sign_in(stranger).status_code == 302
    assert stranger.get("/").status_code == 200


def test_a_wrong_password_says_so_and_opens_nothing(stranger: FlaskClient) -> None:
    answer = sign_in(stranger, "wrong horse")
    assert (answer.status_code, "not the password" in answer.text) == (403, True)
    assert stranger.get("/").status_code == 302


def test_after_five_wrong_ones_it_asks_for_patience(stranger: FlaskClient) -> None:
    for _ in range(5):
        sign_in(stranger, "wrong horse")
    answer = sign_in(stranger)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 60


def test_a_form_without_its_token_is_refused(stranger: FlaskClient) -> None:
    assert stranger.post("/sign-in", data={"password": PASSWORD}).status_code == 400


def test_signing_out_ends_it(stranger: FlaskClient) -> None:
    sign_in(stranger)
    page = stranger.get("/")
    stranger.post("/sign-out", data={"csrf_token": token(page)})
    assert stranger.get("/").status_code == 302


def test_a_cookie_that_was_kept_is_worth_nothing_after_signing_out(
    app: Flask, stranger: FlaskClient
) -> None:
    sign_in(stranger)
    cookie = stranger.get_cookie("tigertag")
    assert cookie is not None
    stranger.post("/sign-out", data={"csrf_token": token(stranger.get("/"))})
    other = app.test_client()
    other.set_cookie("tigertag", cookie.value)
    assert other.get("/").status_code == 302


def test_an_answer_that_is_late_does_not_bring_the_cookie_back(stranger: FlaskClient) -> None:
    sign_in(stranger)
    stranger.get("/")
    assert "Set-Cookie" not in stranger.get("/items").headers


def test_a_form_stays_good_while_other_pages_send_to_the_sign_in(stranger: FlaskClient) -> None:
    form = {"csrf_token": token(stranger.get("/sign-in")), "password": PASSWORD}
    stranger.get("/scans")
    assert stranger.post("/sign-in", data=form).status_code == 302


def test_a_link_signs_in_once(app: Flask, stranger: FlaskClient) -> None:
    link = state.of(app).accounts.link()
    assert sign_in(stranger, "", link=link).status_code == 302
    assert stranger.get("/").status_code == 200
    assert sign_in(app.test_client(), "", link=link).status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "\t//x",
        "/\r\nX-A: b",
    ],
)
def test_signing_in_leads_to_no_other_site(stranger: FlaskClient, target: str) -> None:
    assert sign_in(stranger, next=target).headers["Location"] == "/"


def test_signing_in_leads_to_where_one_wanted_to_go(stranger: FlaskClient) -> None:
    assert stranger.get("/scans").headers["Location"].endswith("?next=%2Fscans")
    assert sign_in(stranger, next="/scans").headers["Location"] == "/scans"


def test_a_session_from_before_a_new_password_is_over(world: World) -> None:
    first = create_app(world.core, WebSettings(PASSWORD, API_KEY), work=False).test_client()
    sign_in(first)
    other = create_app(world.core, WebSettings("another horse", API_KEY), work=False).test_client()
    cookie = first.get_cookie("tigertag")
    assert cookie is not None
    other.set_cookie("tigertag", cookie.value)
    assert other.get("/").status_code == 302


def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: FlaskClient) -> None:
    cookie = sign_in(stranger).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_never_leaves_it(stranger: FlaskClient) -> None:
    page = stranger.get("/sign-in", base_url="https://localhost")
    assert "Secure" in page.headers["Set-Cookie"]


def test_a_session_is_no_key_and_a_key_is_no_session(app: Flask, stranger: FlaskClient) -> None:
    sign_in(stranger)
    assert stranger.get("/api/v1/scans").status_code == 401
    headers = {"X-Api-Key": API_KEY}
    assert app.test_client().get("/", headers=headers).status_code == 302
    assert app.test_client().get("/api/v1/scans", headers=headers).status_code == 200


def test_a_wrong_key_is_answered_with_a_problem_that_does_not_repeat_it(
    stranger: FlaskClient,
) -> None:
    answer = stranger.get("/api/v1/scans", headers={"X-Api-Key": "guess" * 4})
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert "guess" not in answer.text


def test_every_answer_forbids_framing_sniffing_and_foreign_scripts(stranger: FlaskClient) -> None:
    for path in ("/sign-in", "/healthz", "/nowhere", "/api/v1/scans", "/static/public/none"):
        headers = stranger.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"


def test_under_a_base_path_every_link_bears_it(world: World) -> None:
    web = WebSettings(PASSWORD, API_KEY, base_path="/tigertag")
    client = create_app(world.core, web, work=False).test_client()
    page = client.get("/tigertag/sign-in")
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text)
    assert links
    assert all(link.startswith("/tigertag/") for link in links)
    assert client.get("/healthz").status_code == 200
    assert client.get("/").headers["Location"].startswith("/tigertag/sign-in")


def test_forwarded_headers_are_believed_of_trusted_proxies_alone(world: World) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}

    def cookie(proxies: int) -> str:
        web = WebSettings(PASSWORD, API_KEY, trusted_proxies=proxies)
        client = create_app(world.core, web, work=False).test_client()
        return client.get("/sign-in", headers=headers).headers["Set-Cookie"]

    assert "Secure" not in cookie(0)
    assert "Secure" in cookie(1)
