"""Which films a model has learned from."""

import pytest

from tigertag.errors import ModelError
from tigertag.genres import dataset
from tigertag.genres.dataset import Changed, KnownExample


def known(film: str, *genres: str, learned: bool = True) -> KnownExample:
    return KnownExample(film, (film, f"title:{film}"), f"hash of {film}", genres, learned)


@pytest.mark.parametrize("data", [b"", b"{", b"3", b'["a"]', b'[{"film": "a"}]', b"\xff"])
def test_a_list_that_is_broken_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="is broken; learn it again"):
        dataset.read_examples(data)


def test_a_list_is_read_as_it_was_written() -> None:
    some = [known("Amélie", "Komödie"), known("b", learned=False)]
    assert dataset.read_examples(dataset.dump_examples(some)) == some


def test_films_that_are_new_gone_and_corrected_are_counted() -> None:
    before = [known("a", "Drama"), known("b", "War"), known("c", "War")]
    after = [known("a", "Comedy"), known("b", "War"), known("d", "War"), known("e", "War")]
    assert dataset.changed(before, after) == Changed(new=2, gone=1, corrected=1)


def test_episodes_of_a_show_are_one_film() -> None:
    before = [known("show", "Drama"), known("show", "War")]
    assert dataset.changed(before, [known("show", "War", "Drama")]) == Changed(0, 0, 0)
