from pathlib import Path

import pytest

from tigertag import concepts
from tigertag.errors import ModelError
from tigertag.inference.classification import Classes, imagenet, read_labels


def read(folder: Path, data: bytes) -> Classes:
    (folder / "labels.txt").write_bytes(data)
    return read_labels(folder / "labels.txt", concepts.load())


@pytest.mark.parametrize(
    ("data", "outputs"),
    [
        (b"", "is empty"),
        (b"robin\n\nwren\n", "line 2: there is no name"),
        (b"n02121620\t \n", "line 1: there is no name"),
        (b"caf\xe9\n", "not text in UTF-8"),
    ],
)
def test_a_file_that_holds_no_labels_is_refused(tmp_path: Path, data: bytes, outputs: str) -> None:
    with pytest.raises(ModelError, match=outputs):
        read(tmp_path, data)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.txt cannot be read"):
        read_labels(tmp_path / "absent.txt", concepts.load())


def test_a_line_is_a_name_or_a_concept_and_a_name(tmp_path: Path) -> None:
    result = read(tmp_path, "\ufeffn02121620\tpuss\r\nblue tit\n\n".encode())
    assert result == Classes(("puss", "blue tit"), ("n02121620", None))
    assert not result.all_concepts


def test_an_id_that_the_tree_does_not_know_is_no_concept(tmp_path: Path) -> None:
    assert read(tmp_path, b"n99999999\tyeti\n") == Classes(("yeti",), (None,))


def test_imagenet_has_a_thousand_classes_in_its_order() -> None:
    classes = imagenet(concepts.load())
    assert len(classes.names) == len(classes.concepts) == 1000
    assert classes.concepts[285] == "n02124075"
    assert classes.names[285] == "Egyptian cat"
    assert classes.all_concepts
