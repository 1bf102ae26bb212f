"""faces.yaml and its folder: what is refused, in which line, and with what advice."""

import os
from pathlib import Path

import pytest

from tests.compreface import drawn
from tigertag.engines.compreface.people import Gallery, People, read_people
from tigertag.errors import EngineError

ADA = drawn("ada", kind="PNG")


def found(text: str | bytes) -> list[tuple[int, str, str]]:
    raw = text.encode() if isinstance(text, str) else text
    return [(one.line, one.severity, one.text) for one in read_people(raw).problems]


def images(*names: str) -> str:
    lines = "".join(f"  - name: {name}\n" for name in names)
    return f"faces:\n- tag: Ada\n  images:\n{lines}"


@pytest.mark.parametrize(
    ("text", "line", "advice"),
    [
        ("", 1, "`faces: []`"),
        ("# nobody\n", 1, "`faces: []`"),
        ("faces:\n", 1, "must be a list"),
        ("- tag: Ada\n", 1, "must be like faces:"),
        ("{}", 1, "there is no `faces:`"),
        ("faec: []\n", 1, "did you mean 'faces'?"),
        ("faces: []\nfaces: []\n", 2, "given twice"),
        ("faces:\n- Ada\n", 2, "a person must have `tag` and `images`"),
        ("faces:\n- images: []\n", 2, "`tag` must be the name of a person"),
        ("faces:\n- tag:\n  images: []\n", 2, "`tag` must be the name of a person"),
        ("faces:\n- tag: ..\n  images: []\n", 2, "`tag` must be the name of a person"),
        ("faces:\n- tag: Ada/..\n  images: []\n", 2, "`tag` must be the name of a person"),
        ("faces:\n- tag: [Ada]\n  images: []\n", 2, "`tag` must be the name of a person"),
        ("faces:\n- tag: Unknown Face\n  images: []\n", 2, "unknown people"),
        ("faces:\n- tga: Ada\n", 2, "did you mean 'tag'?"),
        ("faces:\n- tag: Ada\n  images: a.jpg\n", 3, "`images` must be a list"),
        ("faces:\n- tag: Ada\n  images: [a.jpg]\n", 3, "{name: ada.jpg}"),
        ("faces:\n- tag: Ada\n  images: [{file: a.jpg}]\n", 3, "'file' is not known"),
        ("faces:\n- tag: Ada\n  images: [{name: }]\n", 3, "must be a file"),
        (images("../a.jpg"), 4, "must lie in the folder"),
        (images("/etc/passwd"), 4, "must lie in the folder"),
        (images("c:\\a.jpg"), 4, "must lie in the folder"),
        (images('"a\\0.jpg"'), 4, "must lie in the folder"),
        ("faces:\n- tag: Ada\n  images: &a []\n- tag: Al\n  images: *a\n", 5, "anchors"),
        ("faces:\n- tag: Ada\n images: []\n", 3, "not YAML"),
        ("faces: [\n", 2, "not YAML"),
        ("faces: []\n---\nfaces: []\n", 2, "not YAML"),
        ("\tfaces: []\n", 1, "not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, advice: str) -> None:
    fatal = [one for one in found(text) if one[1] == "fatal"]
    assert fatal[0][0] == line
    assert advice in fatal[0][2]


def test_somebody_named_twice_is_told_with_the_first_line() -> None:
    text = "faces:\n- {tag: Ada, images: [{name: a.jpg}]}\n- {tag: ada, images: [{name: b.jpg}]}\n"
    assert found(text)[0][::2] == (3, "ada is named in line 2 already; put the images together.")


def test_a_picture_of_two_people_is_told() -> None:
    text = "faces:\n- {tag: Ada, images: [{name: a.jpg}]}\n- {tag: Al, images: [{name: ./a.jpg}]}\n"
    assert found(text) == [(3, "fatal", "a.jpg is Ada's picture in line 2 already.")]


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = "faces:\n- tga: Ada\n- tag: Al\n  images: [{nmae: a.jpg}]\n"
    assert [line for line, weight, _ in found(text) if weight == "fatal"] == [2, 2, 4, 4]


def test_somebody_without_pictures_is_only_odd() -> None:
    assert [one[:2] for one in found("faces:\n- tag: Ada\n  images: []\n- tag: Al\n")] == [
        (2, "odd"),
        (4, "odd"),
    ]


def test_a_file_that_is_too_large_or_too_deep_is_refused() -> None:
    assert "larger than" in found(b"#" * 300_000)[0][2]
    assert "not YAML" in found("[" * 500)[0][2]


def test_a_file_that_is_no_text_is_told_with_its_line() -> None:
    assert found(b"faces:\n- tag: \xff\n")[0] == (2, "fatal", "the file is not text in UTF-8.")


def test_an_object_of_pythons_is_never_made(tmp_path: Path) -> None:
    made = tmp_path / "made"
    read_people(f"faces: !!python/object/apply:os.mkdir ['{made}']".encode())
    assert not made.exists()


def test_words_are_taken_as_they_are_written() -> None:
    text = 'faces:\n- {tag: 007, images: [{name: 1.0}]}\n- {tag: yes, images: [{name: "é.jpg"}]}\n'
    people = read_people(text.encode())
    assert [(one.tag, one.name) for one in people.pictures] == [
        ("007", "1.0"),
        ("yes", "é.jpg"),
    ]


def test_the_file_that_comes_with_it_names_nobody_and_is_all_right() -> None:
    shipped = (Path(__file__).parents[4] / "faces.yaml").read_bytes()
    assert read_people(shipped) == People()


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "Ada.png").write_bytes(ADA)
    return Gallery(tmp_path / "faces.yaml", tmp_path / "faces")


def told(gallery: Gallery, text: str) -> list[str]:
    gallery.config.write_text(text, encoding="utf-8")
    findings = [*gallery.look().problems, *gallery.unreadable(100)]
    return [gallery.describe(one) for one in findings]


def test_a_file_of_another_case_is_suggested(gallery: Gallery) -> None:
    assert told(gallery, images("ada.PNG")) == [
        "faces.yaml, line 4: ada.PNG is not there; did you mean 'Ada.png'?"
    ]


def test_a_link_that_leads_out_of_the_folder_is_not_followed(gallery: Gallery) -> None:
    (gallery.folder / "out.png").symlink_to(gallery.config)
    (gallery.folder / "loop.png").symlink_to("loop.png")
    findings = told(gallery, images("out.png", "loop.png"))
    assert "leads out of the folder" in findings[0]
    assert len(findings) == 2


def test_a_folder_or_a_pipe_is_no_picture(gallery: Gallery) -> None:
    (gallery.folder / "album").mkdir()
    os.mkfifo(gallery.folder / "pipe")
    assert [one.partition("read ")[2] for one in told(gallery, images("album", "pipe"))] == [
        "(it is not a file).",
        "(it is not a file).",
    ]


def test_a_file_that_is_no_picture_is_told(gallery: Gallery) -> None:
    (gallery.folder / "notes.txt").write_text("Ada", encoding="utf-8")
    assert "not a picture" in told(gallery, images("notes.txt"))[0]


def test_the_same_picture_of_two_people_under_two_names_is_told(gallery: Gallery) -> None:
    (gallery.folder / "al.png").write_bytes(ADA)
    text = (
        "faces:\n- {tag: Ada, images: [{name: Ada.png}]}\n- {tag: Al, images: [{name: al.png}]}\n"
    )
    assert told(gallery, text)[0].startswith("faces.yaml, line 3: al.png is the same picture as")
    with pytest.raises(EngineError):
        gallery.people()


def test_a_picture_that_stays_the_same_is_read_once(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(gallery, images("Ada.png"))
    before = gallery.people().digest
    monkeypatch.setattr("tigertag.engines.compreface.people.sha256", None)
    assert gallery.people().digest == before


def test_of_several_faults_the_first_is_told_and_the_rest_are_counted(gallery: Gallery) -> None:
    gallery.config.write_text("faces:\n- tga: Ada\n- Al\n", encoding="utf-8")
    with pytest.raises(EngineError, match=r"line 2: .* \(and 2 more: tigertag faces check\)"):
        gallery.people()
