import pytest
from pydantic import ValidationError

from tigertag.libraries.folder import Options


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ("2024, 2024/May", "overlap"),
        ("2024,2024/", "overlap"),
        (".,2024", "overlap"),
        ("/etc", "not a sub-folder"),
        ("../other", "not a sub-folder"),
        ("2024/../../other", "not a sub-folder"),
    ],
)
def test_sections_that_overlap_or_lead_out_are_refused(sections: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Options.model_validate({"path": "/photos", "sections": sections})


@pytest.mark.parametrize(
    "wrong", [{"path": " "}, {}, {"path": "/p", "min_bytes": "-1"}, {"path": "/p", "paht": "/p"}]
)
def test_what_is_wrong_or_unknown_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)


def test_it_takes_the_text_of_environment_variables() -> None:
    options = Options.model_validate(
        {"path": "/photos", "sections": " 2024/, Family ,", "min_bytes": "1000"}
    )
    assert (options.sections, options.min_bytes) == (("2024", "Family"), 1000)


def test_sections_that_begin_alike_do_not_overlap() -> None:
    options = Options.model_validate({"path": "/photos", "sections": "2024,2024b"})
    assert options.sections == ("2024", "2024b")
