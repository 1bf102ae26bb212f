"""What people type into the search."""

import pytest

from tigertag.errors import RequestError
from tigertag.query import Query, Term, parse


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("colour:red", 'no filter "colour:"'),
        ("lbrary:photos", "did you mean 'library'"),
        ("tag:", "tag:cat"),
        ("tag:cat>", "tag:cat>0.9"),
        ("tag:cat>1.5", "0 to 1"),
        ("tag:>0.5", "tag:cat"),
        ("size:10mb", "size:>10mb"),
        ("size:>10miles", "kb, mb or gb"),
        ("type:film", "photo, video or group"),
        (" ".join(f"word{n}" for n in range(21)), "20 parts"),
    ],
)
def test_a_wrong_part_is_named_with_what_would_be_right(text: str, names: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse(text)
    assert names in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "dog beach -person",
        '"living room"',
        "tag:cat>0.9",
        'tag:"living room">=90%',
        "folder:2024/italy type:video size:>10mb",
        "-size:<500kb",
        "untagged failed -pending",
        '"failed" tag:"failed"',
        "'5\" disk'",
        'name:"a:b" -"-x"',
        "IMG_0412.jpg",
    ],
)
def test_a_query_becomes_the_text_that_it_was_read_from(text: str) -> None:
    query = parse(text)
    assert parse(str(query)) == query
    assert str(query) == text


@pytest.mark.parametrize("text", ["", "  ", "-", '"', "- -", '""'])
def test_what_says_nothing_finds_everything(text: str) -> None:
    assert parse(text) == Query()


def test_a_quote_that_is_still_open_goes_to_the_end() -> None:
    assert parse('dog "living room').terms == (Term("", "dog"), Term("", "living room"))


def test_a_number_is_read_with_its_unit() -> None:
    (share, size) = [term.bound for term in parse("tag:cat>90% size:<=1.5mb").terms]
    assert share is not None
    assert size is not None
    assert (share.sign, share.number) == (">", 0.9)
    assert (size.sign, size.number) == ("<=", 1_500_000)


def test_a_part_is_taken_out_and_put_in() -> None:
    query = parse("dog -person")
    assert str(query.without(query.terms[0])) == "-person"
    assert str(query.with_term(Term("tag", "living room"))) == 'dog -person tag:"living room"'
