"""The page about hooks: an address is shown once, and revoked by a click."""

import re

from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.services import hooks

ADDRESS = re.compile(r"http://localhost(/api/v1/hooks/[\w-]{43})<")


def test_an_address_is_shown_once_and_works(world: World, member: Member) -> None:
    answer = member.post("/setup/hooks", name="Plex", **{"in": "photos"}, write="apply")
    found = ADDRESS.search(answer.text)
    assert found
    assert answer.headers["Cache-Control"] == "no-store"
    assert not ADDRESS.search(member.page("/setup/hooks"))
    stranger = member.app.test_client()
    assert stranger.post(found[1], json={"library": "photos"}).status_code == 200
    page = member.page("/setup/hooks")
    assert "1 announcement" in page
    assert "last called" in page
    (hook,) = hooks.listed(world.core)
    assert (hook.name, hook.library, hook.write) == ("Plex", "photos", "apply")


def test_a_hook_is_revoked_by_a_click(world: World, member: Member) -> None:
    new = hooks.add(world.core, "Sonarr")
    assert member.post(f"/setup/hooks/{new.hook.id}/revoke").status_code == 303
    assert "No hooks yet" in member.page("/setup/hooks")


def test_a_form_without_its_token_makes_and_revokes_nothing(world: World, member: Member) -> None:
    new = hooks.add(world.core, "Sonarr")
    for path in ("/setup/hooks", f"/setup/hooks/{new.hook.id}/revoke"):
        assert member.client.post(path, data={"name": "x"}).status_code == 400
    assert hooks.listed(world.core) == (new.hook,)
