"""Tags of what is in a group → tags of the group."""

from tigertag.model import Evidence, Kind, Label, Tag
from tigertag.policy import rolled_up


def tag(name: str, confidence: float = 0.8, kind: Kind = Kind.OBJECT) -> Tag:
    label = Label(name, confidence, kind=kind)
    return Tag(name, confidence, kind=kind, because=(Evidence("engine", "m", label),))


def test_a_word_of_fewer_than_half_stays_down() -> None:
    assert rolled_up([[tag("cat")], [], []]) == ()


def test_a_word_of_half_goes_up_with_its_mean() -> None:
    (up,) = rolled_up([[tag("cat", 0.9)], [tag("Cat", 0.5)], [], []])
    assert (up.name, round(up.confidence, 3), up.kind) == ("cat", 0.7, Kind.OBJECT)


def test_a_genre_and_an_object_of_one_name_are_counted_apart() -> None:
    objects, genre = [[tag("Music")]] * 2, [tag("Music", kind=Kind.GENRE)]
    (up,) = rolled_up([genre, *objects, []])
    assert (up.kind, up.because[0].model) == (Kind.OBJECT, "on 2 of 4 in it")


def test_both_go_up_where_both_are_common() -> None:
    both = [tag("Music", kind=Kind.GENRE), tag("Music")]
    up = rolled_up([both, both])
    assert {(one.kind, one.because[0].label.kind) for one in up} == {
        (Kind.GENRE, Kind.GENRE),
        (Kind.OBJECT, Kind.OBJECT),
    }
