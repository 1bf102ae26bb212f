"""Items, tags and previews as the faces see them."""

import pytest

from tests.world import World
from tigertag.errors import Conflict, ItemGone, NotFound, RequestError
from tigertag.model import Rule, RuleAction
from tigertag.services import (
    browsing,
    effects,
    libraries,
    previews,
    rules,
    scan_status,
    thumbnails,
)


def names(world: World, **query: str) -> list[str]:
    return [card.item.title for card in browsing.items(world.core, **query).items]  # type: ignore[arg-type]


def item_id(world: World, title: str) -> int:
    (card,) = [one for one in browsing.items(world.core).items if one.item.title == title]
    return card.id


def added(world: World, scan_id: int) -> dict[str, list[str]]:
    changes = previews.changes(world.core, scan_id).items
    return {one.card.item.title: [add.name for add in one.adds] for one in changes}


@pytest.fixture
def pictures(world: World) -> World:
    for name, colour in (("a.png", "red"), ("b.png", "red"), ("c.png", "green")):
        world.picture(name, colour)
    return world


def test_a_cursor_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(RequestError, match="not a cursor"):
        browsing.items(world.core, cursor="1; DROP TABLE items")


def test_a_misspelt_library_is_answered_with_the_right_one(pictures: World) -> None:
    pictures.scan()
    with pytest.raises(NotFound, match="photos"):
        browsing.items(pictures.core, library="photo")


def test_items_come_by_parts_each_once(pictures: World) -> None:
    pictures.scan()
    first = browsing.items(pictures.core, limit=2)
    rest = browsing.items(pictures.core, limit=2, cursor=first.next)
    titles = [card.item.title for card in (*first.items, *rest.items)]
    assert (titles, rest.next) == (["a.png", "b.png", "c.png"], None)


def test_items_are_found_by_tag_and_by_a_part_of_their_name(pictures: World) -> None:
    tag = added(pictures, pictures.scan().scan.id)["c.png"][0]
    assert names(pictures, tag=tag.upper()) == ["c.png"]
    assert names(pictures, q="B.P") == ["b.png"]
    assert names(pictures, q="%") == []


def test_a_word_that_is_no_longer_decided_is_no_longer_found(pictures: World) -> None:
    tag = added(pictures, pictures.scan().scan.id)["c.png"][0]
    rules.add(pictures.core, Rule(RuleAction.DENY, tag))
    pictures.scan(mode="decide")
    assert names(pictures, tag=tag) == []


def test_words_are_counted_with_the_items_they_stand_on(pictures: World) -> None:
    pictures.scan()
    before = {one.name: (one.items, one.written) for one in browsing.tags(pictures.core).items}
    core = pictures.core
    pictures.scan("apply")
    after = {one.name: (one.items, one.written) for one in browsing.tags(core).items}
    assert set(before.values()) == {(2, 0), (1, 0)}
    assert set(after.values()) == {(2, 2), (1, 1)}


def test_an_item_tells_its_tags_answers_and_history(pictures: World) -> None:
    pictures.scan("apply")
    detail = browsing.item(pictures.core, item_id(pictures, "a.png"))
    assert [tag.because[0].engine for tag in detail.tags] == [pictures.engine.id]
    assert [one.current for one in detail.answers] == [True]
    assert [edit.state for edit in detail.edits] == ["verified"]
    assert {one.state for one in detail.standing} == {"ours"}


def test_a_thumbnail_is_a_small_jpeg_whose_etag_changes_with_the_picture(pictures: World) -> None:
    pictures.picture("a.png", "red", side_px=600)
    pictures.scan()
    number = item_id(pictures, "a.png")
    first = thumbnails.thumbnail(pictures.core, number, short_side_px=64)
    pictures.picture("a.png", "green", side_px=500)
    pictures.scan()
    second = thumbnails.thumbnail(pictures.core, number, short_side_px=64)
    assert first.jpeg[:2] == b"\xff\xd8"
    assert len({first.etag, second.etag}) == 2


def test_a_thumbnail_of_what_is_gone_says_so(pictures: World) -> None:
    pictures.scan()
    number = item_id(pictures, "a.png")
    (pictures.photos / "a.png").unlink()
    with pytest.raises(ItemGone):
        thumbnails.thumbnail(pictures.core, number)


def test_a_word_struck_for_an_item_is_not_written_to_it(pictures: World) -> None:
    scan = pictures.scan().scan.id
    (tag,) = added(pictures, scan)["a.png"]
    number = item_id(pictures, "a.png")
    assert previews.block(pictures.core, scan, number, tag, where="item").items == 1
    pictures.apply(scan)
    assert (pictures.tags("a.png"), pictures.tags("b.png")) == (set(), {tag})
    assert [row.name for row in rules.tombstones(pictures.core)] == [tag]


def test_a_word_struck_for_the_section_goes_from_all_of_the_preview(pictures: World) -> None:
    scan = pictures.scan().scan.id
    (tag,) = added(pictures, scan)["a.png"]
    number = item_id(pictures, "a.png")
    assert previews.block(pictures.core, scan, number, tag, where="section").items == 2
    assert set(added(pictures, scan)) == {"c.png"}
    assert scan_status.status(pictures.core, scan).adds == 1
    pictures.apply(scan)
    assert (pictures.tags("a.png"), len(pictures.tags("c.png"))) == (set(), 1)
    (row,) = rules.listed(pictures.core)
    assert row.rule.section == "photos/."


@pytest.mark.parametrize("where", ["section", "everywhere"])
def test_a_block_that_is_taken_back_gives_the_words_back_to_the_preview(
    pictures: World, where: str
) -> None:
    scan = pictures.scan().scan.id
    before = (added(pictures, scan), scan_status.status(pictures.core, scan).adds)
    (tag,) = before[0]["a.png"]
    struck = previews.block(pictures.core, scan, item_id(pictures, "a.png"), tag, where=where)
    assert struck.rule_id is not None
    rules.remove(pictures.core, struck.rule_id)
    assert (added(pictures, scan), scan_status.status(pictures.core, scan).adds) == before
    pictures.apply(scan)
    assert pictures.tags("a.png") == {tag}
    assert pictures.scan().scan.unchanged == 3


def test_a_block_for_one_item_that_is_lifted_gives_its_word_back_to_the_preview(
    pictures: World,
) -> None:
    scan = pictures.scan().scan.id
    before = added(pictures, scan)
    (tag,) = before["a.png"]
    previews.block(pictures.core, scan, item_id(pictures, "a.png"), tag, where="item")
    (row,) = rules.tombstones(pictures.core)
    rules.lift(pictures.core, [row.id])
    assert added(pictures, scan) == before


def test_of_two_blocks_the_one_that_stays_goes_on_blocking(pictures: World) -> None:
    scan = pictures.scan().scan.id
    number = item_id(pictures, "a.png")
    (tag,) = added(pictures, scan)["a.png"]
    previews.block(pictures.core, scan, number, tag, where="item")
    struck = previews.block(
        pictures.core, scan, item_id(pictures, "b.png"), tag, where="everywhere"
    )
    assert struck.rule_id is not None
    rules.remove(pictures.core, struck.rule_id)
    assert set(added(pictures, scan)) == {"b.png", "c.png"}


def test_what_an_applied_preview_left_out_stays_out_of_it(pictures: World) -> None:
    scan = pictures.scan().scan.id
    (tag,) = added(pictures, scan)["a.png"]
    number = item_id(pictures, "a.png")
    struck = previews.block(pictures.core, scan, number, tag, where="everywhere")
    pictures.apply(scan)
    assert struck.rule_id is not None
    rules.remove(pictures.core, struck.rule_id)
    assert set(added(pictures, scan)) == {"c.png"}


def test_a_rule_for_another_section_holds_not_here(pictures: World) -> None:
    tag = added(pictures, pictures.scan().scan.id)["c.png"][0]
    with pictures.store.write() as db:
        rules.put(db, Rule(RuleAction.DENY, tag, section="photos/elsewhere"))
    pictures.scan()
    assert names(pictures, tag=tag) == ["c.png"]


def test_a_rule_for_a_section_or_engine_that_there_is_not_is_refused(pictures: World) -> None:
    with pytest.raises(NotFound, match="photos/photos"):
        rules.add(pictures.core, Rule(RuleAction.DENY, "red", section="photos/fotos"))
    with pytest.raises(NotFound, match="colour"):
        rules.add(pictures.core, Rule(RuleAction.DENY, "red", engine="color"))


def test_a_sections_title_does_for_a_rule(pictures: World) -> None:
    rules.add(pictures.core, Rule(RuleAction.DENY, "red", section="photos/photos"))
    (row,) = rules.listed(pictures.core)
    assert row.rule.section == "photos/."


def test_a_rules_number_is_never_given_to_another(pictures: World) -> None:
    first = rules.add(pictures.core, Rule(RuleAction.DENY, "red"))
    rules.remove(pictures.core, first)
    assert rules.add(pictures.core, Rule(RuleAction.DENY, "blue")) > first


def test_a_word_blocked_since_the_preview_is_not_written(pictures: World) -> None:
    scan = pictures.scan().scan.id
    (tag,) = added(pictures, scan)["a.png"]
    rules.add(pictures.core, Rule(RuleAction.DENY, tag))
    pictures.apply(scan)
    assert (pictures.tags("a.png"), len(pictures.tags("c.png"))) == (set(), 1)


def test_applying_does_no_more_than_the_preview_showed(pictures: World) -> None:
    pictures.scan("apply")
    (tag,) = pictures.tags("a.png")
    pictures.picture("d.png", "blue")
    scan = pictures.scan().scan.id
    rules.add(pictures.core, Rule(RuleAction.DENY, tag))
    pictures.apply(scan)
    assert pictures.tags("a.png") == {tag}


def test_only_a_word_that_the_preview_adds_can_be_struck(pictures: World) -> None:
    scan = pictures.scan().scan.id
    with pytest.raises(NotFound, match="would not add"):
        previews.block(pictures.core, scan, item_id(pictures, "a.png"), "zebra", where="item")


def test_nothing_is_struck_from_a_preview_that_was_applied(pictures: World) -> None:
    scan = pictures.scan().scan.id
    (tag,) = added(pictures, scan)["a.png"]
    pictures.apply(scan)
    with pytest.raises(Conflict, match="was applied"):
        previews.block(pictures.core, scan, item_id(pictures, "a.png"), tag, where="item")
    assert rules.tombstones(pictures.core) == []


def test_nothing_is_struck_from_a_preview_that_still_runs(pictures: World) -> None:
    scan = pictures.start()
    with pytest.raises(Conflict, match="wait for its end"):
        previews.block(pictures.core, scan, 1, "red", where="item")


def test_nothing_is_struck_from_what_was_written(pictures: World) -> None:
    scan = pictures.scan("apply").scan.id
    (tag,) = pictures.tags("a.png")
    with pytest.raises(Conflict, match="not a preview"):
        previews.block(pictures.core, scan, item_id(pictures, "a.png"), tag, where="item")


def test_the_effect_of_a_rule_is_told_without_changing_anything(pictures: World) -> None:
    (tag,) = added(pictures, pictures.scan().scan.id)["a.png"]
    effect = effects.effect(pictures.core, Rule(RuleAction.RENAME, tag, value="crimson"))
    assert (effect.bearing, effect.looked_at, effect.changed) == (2, 2, 2)
    assert effect.examples[0].after == ("crimson",)
    assert rules.listed(pictures.core) == []


def test_a_lower_threshold_shows_the_items_it_would_reach(pictures: World) -> None:
    rules.add(pictures.core, Rule(RuleAction.THRESHOLD, "*", value="1"))
    pictures.scan()
    tags = {one.name for one in browsing.tags(pictures.core).items}
    effect = effects.effect(pictures.core, Rule(RuleAction.THRESHOLD, "*", value="0.1"))
    assert (tags, effect.looked_at, effect.changed) == (set(), 3, 3)


def test_a_threshold_for_every_word_counts_the_items_that_have_any(pictures: World) -> None:
    pictures.scan()
    effect = effects.effect(pictures.core, Rule(RuleAction.THRESHOLD, "*", value="1"))
    assert (effect.bearing, effect.changed) == (3, 3)


def test_counts_of_an_ended_scan_are_kept(pictures: World) -> None:
    status = pictures.scan()
    again = scan_status.status(pictures.core, status.scan.id)
    assert (again.scan.summary != "", again.adds, again.done) == (True, status.adds, 3)


def test_a_library_that_cannot_be_reached_shows_what_was_scanned_of_it(pictures: World) -> None:
    pictures.scan()
    pictures.photos.rename(pictures.photos.with_name("away"))
    (view,) = libraries.listed(pictures.core)
    assert view.problem
    assert [(one.section.id, one.items) for one in view.sections] == [(".", 3)]


def test_a_search_leaves_out_what_has_an_excluded_tag(pictures: World) -> None:
    tags = added(pictures, pictures.scan().scan.id)
    red, green = tags["a.png"][0], tags["c.png"][0]
    assert names(pictures, q=f"{red} -name:b.png") == ["a.png"]
    assert names(pictures, q=f"-{red}") == ["c.png"]
    assert names(pictures, q=f"{red} {green}") == []
    assert names(pictures, q=f"tag:{red}>2%") == ["a.png", "b.png"]


def test_a_search_finds_what_is_in_the_library_though_it_is_not_decided_any_more(
    pictures: World,
) -> None:
    pictures.scan("apply")
    tag = browsing.counts(pictures.core, q="name:c.png").tags[0].name
    rules.add(pictures.core, Rule(RuleAction.DENY, tag))
    pictures.scan(mode="decide")
    found = browsing.counts(pictures.core, q=f"tag:{tag}")
    assert names(pictures, q=f"tag:{tag}") == ["c.png"]
    assert [(one.name, one.items, one.written) for one in found.tags] == [(tag, 1, 1)]
    assert names(pictures, q="untagged") == []


def test_items_whose_changes_only_a_preview_has_shown_are_pending(pictures: World) -> None:
    scan = pictures.scan().scan.id
    assert names(pictures, q="pending") == ["a.png", "b.png", "c.png"]
    pictures.apply(scan)
    assert names(pictures, q="pending") == []


def test_a_search_knows_folders_types_sizes_and_places(pictures: World) -> None:
    (pictures.photos / "2024/italy").mkdir(parents=True)
    pictures.picture("2024/italy/sea.png", "green")
    pictures.scan()
    assert names(pictures, q="folder:2024/Italy") == ["sea.png"]
    assert names(pictures, q="folder:2024/ital") == []
    assert names(pictures, q="type:video") == []
    assert names(pictures, q="size:<1b") == []
    assert len(names(pictures, q="library:photos size:>1b -folder:italy")) == 3
    with pytest.raises(RequestError, match="photos"):
        browsing.items(pictures.core, q="library:photo")


def test_what_a_search_finds_is_counted_with_its_tags(pictures: World) -> None:
    tags = added(pictures, pictures.scan().scan.id)
    found = browsing.counts(pictures.core)
    assert (found.items, found.is_more, found.counted) == (3, False, 3)
    counted = {one.name: (one.items, one.written) for one in found.tags}
    assert counted == {tags["a.png"][0]: (2, 0), tags["c.png"][0]: (1, 0)}
