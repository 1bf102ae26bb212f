from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.engines.engine_contract import EngineContract, LocalBench
from tests.unit.engines.metadata.stated import HERE, engine, engine_with, labels
from tigertag.contracts import PluginState, PluginStateInMemory
from tigertag.engines.metadata import geonames, naming
from tigertag.engines.metadata.options import DEFAULT, Options
from tigertag.errors import ModelError
from tigertag.media.metadata import marks
from tigertag.model import Kind, Media, Metadata


class TestContract(EngineContract):
    @pytest.fixture
    def bench(self) -> LocalBench:
        return LocalBench(engine)


def chosen(tags: str) -> frozenset[str]:
    return Options.model_validate({"tags": tags}).chosen


def test_tags_are_read_however_their_words_are_joined() -> None:
    assert chosen("Live_Photo, time lapse,black-and-white,") == {
        "live photo",
        "time-lapse",
        "black and white",
    }


def test_all_chooses_every_tag() -> None:
    assert chosen("all") > {*DEFAULT, "seasons", "years", "night"}


def test_a_tag_that_there_is_not_is_refused_with_a_hint() -> None:
    with pytest.raises(ValidationError, match="panorama"):
        chosen("panorma")


@pytest.mark.parametrize("language", ["german", "d", "", "../de"])
def test_a_language_that_is_no_code_is_refused(language: str) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"language": language})


def test_what_is_not_chosen_is_said_and_withheld() -> None:
    withheld = engine(tags="panorama").capabilities.withheld
    assert "selfie" in withheld
    assert "panorama" not in withheld
    front = Metadata(marks=frozenset({marks.FRONT_CAMERA}))
    assert "selfie" in labels(front, tags="panorama")


@pytest.mark.parametrize(("tags", "named"), [("people", ["Ann", "Bo"]), ("selfie", [])])
def test_people_are_named_only_where_that_is_chosen(tags: str, named: list[str]) -> None:
    family = Metadata(people=("Ann", "Bo"))
    given = labels(family, tags=tags).values()
    assert [label.name for label in given if label.kind is Kind.FACE] == named
    assert engine(tags=tags).fingerprint != engine(tags="years").fingerprint


@pytest.mark.parametrize(("tags", "side_px"), [("places", 0), ("black and white", 128)])
def test_pixels_are_asked_for_only_where_a_tag_stands_on_them(tags: str, side_px: int) -> None:
    able = engine(tags=tags).capabilities
    assert (able.short_side_px, able.metadata, able.local) == (side_px, True, True)
    assert able.media == {Media.PHOTO, Media.VIDEO}


def private(state: PluginState, places: str = "48.2,16.37,500") -> str:
    """The fingerprint of an engine with private places."""
    made = engine_with(state, private_places=places)
    made.take_key()
    return made.fingerprint


def test_one_installation_has_one_fingerprint_for_its_private_places() -> None:
    state = PluginStateInMemory()
    assert private(state) == private(state) != private(state, "48.2,16.37,501")


def test_private_places_cannot_be_tried_out_with_another_installation() -> None:
    assert private(PluginStateInMemory()) != private(PluginStateInMemory())


def test_without_private_places_no_key_is_kept() -> None:
    state = PluginStateInMemory()
    engine_with(state).take_key()
    assert state.under("") == {}


def test_without_the_data_of_places_it_says_so_and_all_else_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(geonames, "version", lambda: "")
    assert "tigertag[places]" in engine().capabilities.notice
    assert engine().fingerprint == engine(places="off").fingerprint
    assert labels(HERE) == {}
    assert not engine(places="off").capabilities.notice


def test_data_of_places_that_are_broken_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Any:
        raise ValueError("no JSON")

    monkeypatch.setattr(naming, "_places", load)
    monkeypatch.setattr(geonames, "version", lambda: "1.6.6")
    with pytest.raises(ModelError, match="PLACES=off"):
        engine().open()
