"""Somebody who signed in, and what they click."""

import re
from dataclasses import dataclass

from flask import Flask
from werkzeug.test import TestResponse

from tests.unit.web.conftest import PASSWORD

HTMX = {"HX-Request": "true"}


@dataclass
class Member:
    """A browser without scripts, signed in."""

    app: Flask

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        self._token = self._token_of(self.client.get("/sign-in").text)
        self.client.post("/sign-in", data={"csrf_token": self._token, "password": PASSWORD})
        self._token = self._token_of(self.client.get("/rules").text)

    def _token_of(self, page: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found
        return found[1]

    def get(self, path: str, *, htmx: bool = False) -> TestResponse:
        return self.client.get(path, headers=HTMX if htmx else {})

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, **fields: str) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self._token, **fields})

    def post_by_htmx(self, path: str, **fields: str) -> TestResponse:
        data = {"csrf_token": self._token, **fields}
        return self.client.post(path, data=data, headers=HTMX)
