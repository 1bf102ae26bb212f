"""REST's workers."""

from flask import Flask
from flask.testing import FlaskClient

from tests.unit.web.api.asking import got, post, problem
from tests.unit.web.api.conftest import KEY
from tests.workers import clustered, enter, running, take
from tests.world import World
from tigertag.settings import WebSettings
from tigertag.web.app import create_app


def cluster(world: World) -> FlaskClient:
    """Somebody who has the key, of a service with a broker."""
    app: Flask = create_app(clustered(world), WebSettings("correct horse", KEY), work=False)
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = KEY
    return client


def test_one_machine_has_no_workers(rest: FlaskClient) -> None:
    shown = got(rest, "workers")
    assert (shown["clustered"], shown["workers"], shown["queues"]) == (False, [], [])
    assert shown["problem"].startswith("One machine")


def test_workers_are_listed_with_what_they_are_at_and_what_waits(world: World) -> None:
    taken = running(world)
    enter(world, queues=["default"])
    take(world, taken)
    shown = got(cluster(world), "workers")
    (worker,) = shown["workers"]
    assert (worker["state"], worker["jobs"][0]["scan"]) == ("active", taken)
    assert shown["queues"] == []
    world.let_leases_run_out()
    (queue,) = got(cluster(world), "workers")["queues"]
    assert (queue["scan"], queue["queue"], queue["waiting"]) == (taken, "default", 1)
    assert (queue["workers"], queue["problem"]) == (1, "")


def test_a_worker_is_drained_and_goes_on(world: World) -> None:
    enter(world)
    rest = cluster(world)
    assert post(rest, "workers/otter/drain").get_json()["state"] == "draining"
    assert got(rest, "workers/otter")["state"] == "draining"
    assert post(rest, "workers/otter/resume").get_json()["state"] == "active"


def test_a_worker_that_there_is_not_is_a_problem(world: World) -> None:
    enter(world)
    rest = cluster(world)
    assert "did you mean 'otter'?" in problem(rest.get("/api/v1/workers/oter"), 404)
    for action in ("drain", "resume"):
        assert problem(post(rest, f"workers/badger/{action}"), 404)


def test_a_scan_says_that_it_waits_for_a_worker(world: World) -> None:
    scan_id = running(world)
    assert "No worker runs" in got(cluster(world), f"scans/{scan_id}")["waits"]["worker"]
