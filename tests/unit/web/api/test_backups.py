"""Backups over REST: listed, made by the service, downloaded, verified."""

import io
from contextlib import closing
from zipfile import ZipFile

import pytest
from flask.testing import FlaskClient

from tests.unit.web.api.asking import got, post, problem
from tests.world import World
from tigertag.services import backups


def test_one_is_made_listed_and_downloaded(rest: FlaskClient, world: World) -> None:
    answer = post(rest, "backups")
    assert (answer.status_code, answer.get_json()["is_running"]) == (202, True)
    backups.run_due(world.core)
    shown = got(rest, "backups")
    (one,) = shown["items"]
    assert (shown["is_running"], one["kind"], one["problem"]) == (False, "manual", "")
    with closing(rest.get(f"/api/v1/backups/{one['name']}")) as archive:
        assert archive.content_type == "application/zip"
        assert "manifest.json" in ZipFile(io.BytesIO(archive.data)).namelist()


def test_a_damaged_one_is_found(rest: FlaskClient, world: World) -> None:
    name = backups.make(world.core).name
    assert post(rest, f"backups/{name}/verify").get_json()["problem"] == ""
    path = world.core.backups / name
    path.write_bytes(path.read_bytes()[:-50])
    assert "cut off" in post(rest, f"backups/{name}/verify").get_json()["problem"]


@pytest.mark.parametrize("name", ["tigertag.db", "..%2Ftigertag.db", "session.key"])
def test_nothing_else_is_handed_out(rest: FlaskClient, name: str) -> None:
    problem(rest.get(f"/api/v1/backups/{name}"), 404)


def test_who_is_not_signed_in_gets_none(rest: FlaskClient, world: World) -> None:
    name = backups.make(world.core).name
    del rest.environ_base["HTTP_X_API_KEY"]
    problem(rest.get(f"/api/v1/backups/{name}"), 401)
