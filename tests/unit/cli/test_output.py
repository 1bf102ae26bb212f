"""What commands call things."""

from datetime import UTC, datetime

import pytest

from tests.fake_library import FakeLibrary
from tests.world import World
from tigertag.cli.progress import report
from tigertag.cli.session import tag_text
from tigertag.contracts import Failed
from tigertag.model import Field, Section, TagRef
from tigertag.store.ledger import TombstoneRow

ID = "f137a2dd21bbc1b99aa5c0f6bf02a805"


def test_a_tag_says_where_it_goes_unless_that_is_where_tags_go() -> None:
    printed = [tag_text(TagRef(field, "animal")) for field in (Field.TAG, Field.LABEL, Field.GENRE)]
    assert printed == ["animal", "animal (label)", "animal (genre)"]


def test_a_section_is_called_by_its_title() -> None:
    assert Section("jf", ID, "Films").called == "jf/Films"
    assert Section("jf", ID, "").called == f"jf/{ID}"


def test_a_tag_that_was_taken_off_is_listed_with_the_items_title() -> None:
    row = TombstoneRow(1, "jf", ID, "Heat", "genre", "crime", datetime.now(UTC))
    assert (row.called, tag_text(TagRef(Field(row.field), row.name))) == ("Heat", "crime (genre)")


def test_what_failed_of_an_undo_is_not_said_to_be_tried_by_a_scan(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = world.library = FakeLibrary()
    shelf.put("a", "red")
    scan_id = world.scan("apply").scan.id
    del shelf.held["a"]
    status = world.undo(scan_id)
    with pytest.raises(SystemExit):
        report(world.core, status)
    output = capsys.readouterr().out
    assert f"`tigertag undo {scan_id}` tries them again." in output
    assert "The next scan" not in output


def test_what_failed_for_now_is_said_to_be_tried_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("red", "blue"):
        world.picture(f"{name}.png", name)
    world.engine.fails = {
        "red": Failed("", "Torn.", retryable=False),
        "blue": Failed("", "Busy.", retryable=True),
    }
    with pytest.raises(SystemExit):
        report(world.core, world.scan())
    output = capsys.readouterr().out
    assert "The next scan tries 1 of them again and skips 1 of them" in output
