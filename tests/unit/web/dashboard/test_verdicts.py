"""What the user says of tags, on an item's page."""

from tests.unit.web.dashboard.member import Member
from tests.world import World


def test_a_wrong_tag_goes_and_an_added_one_comes_with_the_next_scan(
    world: World, member: Member, previewed: int
) -> None:
    assert "Wrong here" in member.page("/items/1")
    member.post("/items/1/verdicts", name="red", field="tag", verdict="no")
    member.post("/items/1/verdicts", name="Holiday", verdict="yes")
    assert "Belongs here" in member.page("/items/1")
    world.scan("apply")
    assert world.tags("rose.png") == {"Holiday"}
    assert "you said so" in member.page("/items/1")
