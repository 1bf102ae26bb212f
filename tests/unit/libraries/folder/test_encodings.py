"""Sidecars in other encodings than UTF-8, and sidecars that are broken in any way."""

import codecs

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exiftool import ExifTool
from tests.unit.libraries.folder.folders import FolderPlace
from tests.unit.libraries.folder.test_xmp import document, edited, hierarchy, subject
from tigertag.contracts import NotRead
from tigertag.errors import Unreadable
from tigertag.libraries.folder.editing import check, edit_tags
from tigertag.libraries.folder.xml import XmlError
from tigertag.libraries.folder.xmp import Xmp
from tigertag.model import Shown

TEXT = document(subject("Änna", "🐨") + hierarchy("People|Änna")).decode()
MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("name", MARKS)
def test_a_sidecar_is_edited_in_its_own_encoding_and_restored_to_the_byte(
    name: str, marked: bool
) -> None:
    mark = MARKS[name] if marked else b""
    before = mark + TEXT.encode(name)
    after = edited(before, adds=("koala", "犬"))
    assert after.source.startswith(mark)
    assert after.source[len(mark) :].decode(name).count("<r:li>koala</r:li>") == 2
    assert after.tags == ("Änna", "🐨", "koala", "犬")
    assert edited(after.source, removes=("koala", "犬")).source == before


@pytest.mark.parametrize("says", ["utf-8", "UTF-16", "utf-32"])
def test_its_bytes_count_and_not_what_it_says_of_itself(says: str) -> None:
    declared = f'<?xml version="1.0" encoding="{says}"?>' + TEXT
    for name in ("utf-8", "utf-16-le"):
        source = MARKS[name] + declared.encode(name)
        assert edited(source, adds=("koala",)).tags == ("Änna", "🐨", "koala")


def test_exiftool_reads_what_was_written_in_utf_16(place: FolderPlace, exiftool: ExifTool) -> None:
    place.add_photo("a.jpg")
    place.sidecar("a.jpg").write_bytes(TEXT.replace("🐨", "Öl").encode("utf-16-le"))
    assert place.send("a.jpg", adds=("koala", "animal")).after is not None
    found = exiftool.read(place.sidecar("a.jpg"), "XMP-dc:Subject")
    assert found == {"XMP-dc:Subject": ["Änna", "Öl", "koala", "animal"]}


BROKEN = {
    "an odd number of bytes": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le") + b"\n",
    "cut short": TEXT.encode("utf-16-le")[:600],
    "a lone surrogate": TEXT.encode("utf-16-le").replace("🐨".encode("utf-16-le")[:2], b"a\0"),
    "the other way round": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-le"),
    "NULs at its end": TEXT.encode() + b"\0\0",
    "only a mark": codecs.BOM_UTF16_LE,
    "nothing but NULs": bytes(4096),
    "latin-1": b'<?xml version="1.0" encoding="latin-1"?>' + TEXT.encode("utf-8"),
    "a bomb": b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]>' + TEXT.encode(),
    "a bomb in UTF-16": ('<!DOCTYPE a [<!ENTITY b "c">]>' + TEXT).encode("utf-16-le"),
    "too many elements": b"<a>" + b"<a/>" * 500_001 + b"</a>",
    "UTF-32 beyond Unicode": "<a>".encode("utf-32-le") + b"\xff\xff\xff\x7f",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_sidecar_is_one_failed_item_and_left_untouched(
    place: FolderPlace, content: bytes
) -> None:
    for name in ("a.jpg", "b.jpg"):
        place.add_photo(name)
    place.sidecar("a.jpg").write_bytes(content)
    edits = [place.edit(name, adds=("cat",)) for name in ("a.jpg", "b.jpg")]
    broken, whole = place.library.read_tags([edit.item for edit in edits])
    assert isinstance(broken, NotRead)
    assert "\n" not in broken.reason
    assert isinstance(whole, Shown)
    assert [outcome.after is None for outcome in place.library.send(edits)] == [True, False]
    assert place.sidecar("a.jpg").read_bytes() == content


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(MARKS)),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4),
    st.floats(0, 1),
)
def test_however_it_is_broken_it_is_read_or_refused(
    name: str, changes: list[tuple[float, int]], end: float
) -> None:
    source = bytearray(MARKS[name] + TEXT.encode(name))
    for place, byte in changes:
        source[int(place * len(source))] = byte
    content = bytes(source[: int(end * len(source))] if end < 0.5 else source)
    try:
        xmp = Xmp(content)
        after = edit_tags(xmp, adds=["koala"], removes={"Änna"})
    except (XmlError, Unreadable):
        return
    assert "koala" in after.tags
    assert after.rest == xmp.rest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("keep me -->", "keep me not -->"),
        ("<?keep me?>", ""),
        ('"4"', '"5"'),
        ("<raw>", "<roh>"),
        ("<r:li>koala", "<r:li>bear"),
        ("<r:li>🐨</r:li>", ""),
        ("</r:RDF>", ""),
    ],
)
def test_what_would_change_more_than_was_meant_is_refused(old: str, new: str) -> None:
    xmp = Xmp(TEXT.encode())
    after = edit_tags(xmp, adds=["koala"]).source
    lists = {
        "http://purl.org/dc/elements/1.1/ subject": ["Änna", "🐨", "koala"],
        "http://ns.adobe.com/lightroom/1.0/ hierarchicalSubject": ["People|Änna", "koala"],
    }
    check(xmp.source, after, lists)
    with pytest.raises(XmlError):
        check(xmp.source, after.decode().replace(old, new).encode(), lists)
