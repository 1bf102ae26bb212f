"""The service's face on the web."""

from tests.world import World
from tigertag.store import migrate
from tigertag.web.app import create_app


def test_healthz_needs_no_key_and_says_ok(world: World) -> None:
    answer = create_app(world.core, work=False).test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_healthz_fails_with_one_line_when_the_database_does(world: World) -> None:
    app = create_app(world.core, work=False)
    migrate.downgrade(world.store, "base")
    answer = app.test_client().get("/healthz")
    said = answer.get_json()
    assert (answer.status_code, said["status"]) == (503, "failing")
    assert "tigertag db upgrade" in said["message"]
