"""What the owner had stays visible, and so do TigerTag's tags, whatever a program reads first."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.exiftool import ExifTool
from tests.unit.libraries.folder.folders import PHOTO, FolderPlace
from tests.unit.media.pictures import halves
from tigertag.contracts import EditOutcome, NotRead
from tigertag.libraries.folder import sidecar
from tigertag.libraries.folder.editing import edit_tags
from tigertag.libraries.folder.xmp import Xmp, tags_of
from tigertag.model import Shown

NAMESPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:digiKam="http://www.digikam.org/ns/1.0/" '
    'xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/" '
    'xmlns:mediapro="http://ns.iview-multimedia.com/mediapro/1.0/" '
    'xmlns:acdsee="http://ns.acdsee.com/iptc/1.0/"'
)
VIENNA = {
    "dc:subject": ["Vienna"],
    "digiKam:TagsList": ["Places/Vienna"],
    "MicrosoftPhoto:LastKeywordXMP": ["Places/Vienna"],
    "lr:hierarchicalSubject": ["Places|Vienna"],
    "mediapro:CatalogSets": ["Places|Vienna"],
}
CATEGORIES = (
    '<Categories><Category Assigned="0">Places'
    '<Category Assigned="1">Vienna</Category></Category></Categories>'
)


def owners(lists: dict[str, list[str]], about: str = "", inner: str = "") -> str:
    properties = "".join(
        f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{entry}</rdf:li>' for entry in entries)}"
        f"</rdf:Bag></{name}>\n"
        for name, entries in lists.items()
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Owner">\n<rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'<rdf:Description rdf:about="" {NAMESPACES} {about}>\n{properties}{inner}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>\n"
    )


def escaped(text: str) -> str:
    for old, new in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(old, new)
    return text


def iptc(*words: str, charset: bytes = b"") -> bytes:
    """A JPEG with IPTC keywords in its APP13."""
    records = b"\x1c\x01\x5a" + struct.pack(">H", len(charset)) + charset if charset else b""
    for word in words:
        value = word.encode("utf-8" if charset else "latin-1")
        records += b"\x1c\x02\x19" + struct.pack(">H", len(value)) + value
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records
    segment = b"Photoshop 3.0\0" + block + b"\0" * (len(records) % 2)
    return PHOTO[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + PHOTO[2:]


def seen(place: FolderPlace, name: str) -> Shown:
    found = place.read(name)
    assert isinstance(found, Shown), found.reason
    return found


def words(shown: Shown | None) -> list[str]:
    assert shown is not None
    return [tag.name for tag in shown.tags]


def in_xmp(place: FolderPlace, name: str, *, sidecar: str = "") -> Xmp:
    return Xmp((place.root / (sidecar or f"{name}.xmp")).read_bytes())


def contents(place: FolderPlace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.root.iterdir()}


def goes_there_and_back(place: FolderPlace, name: str, *adds: str) -> EditOutcome:
    """Add tags, take them off again, and see that every file is as it was."""
    before = contents(place)
    added = place.send(name, adds=adds)
    after = contents(place)
    assert words(place.send(name, removes=adds).after) == words(seen(place, name))
    assert contents(place) == before
    place.send(name, adds=adds)
    assert contents(place) == after
    return added


# What is read.


@pytest.mark.parametrize(("name", "entries"), VIENNA.items(), ids=VIENNA)
def test_every_list_is_read(place: FolderPlace, name: str, entries: list[str]) -> None:
    place.add_photo("a.jpg")
    place.sidecar("a.jpg").write_text(owners({name: entries}))
    assert words(seen(place, "a.jpg")) == ["Vienna"]


def test_acdsees_list_is_read_as_an_attribute_and_as_an_element(place: FolderPlace) -> None:
    value = escaped(CATEGORIES)
    for name, text in (
        ("a.jpg", owners({}, f'acdsee:categories="{value}"')),
        ("b.jpg", owners({}, inner=f"<acdsee:categories>{value}</acdsee:categories>")),
    ):
        place.add_photo(name)
        place.sidecar(name).write_text(text)
        assert seen(place, name).paths == ("Places/Vienna",)
        assert words(seen(place, name)) == ["Vienna"]


@pytest.mark.parametrize("name", ["a.xmp", "a.XMP", "a.Xmp", "a.jpg.xmp", "a.jpg.XMP", "a.jpg.Xmp"])
def test_a_sidecar_of_any_name_is_read_written_and_watched(place: FolderPlace, name: str) -> None:
    place.add_photo("a.jpg")
    stamps = [place.item("a.jpg").stamp]
    (place.root / name).write_text(owners({"dc:subject": ["Anna"]}))
    stamps.append(place.item("a.jpg").stamp)
    assert words(seen(place, "a.jpg")) == ["Anna"]
    assert words(place.send("a.jpg", adds=("koala",)).after) == ["Anna", "koala"]
    stamps.append(place.item("a.jpg").stamp)
    assert place.names() == sorted(["a.jpg", name])
    assert len(set(stamps)) == 3
    assert seen(place, "a.jpg").stamp == stamps[-1]


def test_the_stamp_of_the_usual_sidecar_alone_is_what_it_always_was(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "mine")
    status = place.sidecar("a.jpg").stat()
    stamp = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"
    assert place.item("a.jpg").stamp == stamp


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp_in_the_file_is_read(place: FolderPlace, kind: str) -> None:
    name = f"a.{kind.lower()}"
    packet = owners({"lr:hierarchicalSubject": ["People|Anna"]}).encode()
    picture = halves()
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        picture.save(place.root / name, kind, pnginfo=info)
    elif kind == "TIFF":
        picture.save(place.root / name, kind, tiffinfo={700: packet})
    else:
        picture.save(place.root / name, kind, xmp=packet)
    assert (words(seen(place, name)), seen(place, name).paths) == (["Anna"], ("People/Anna",))


@pytest.mark.parametrize("charset", [b"", b"\x1b%G"])
def test_iptc_keywords_in_the_file_are_read(place: FolderPlace, charset: bytes) -> None:
    (place.root / "a.jpg").write_bytes(iptc("Änna", "Zoo", charset=charset))
    assert words(seen(place, "a.jpg")) == ["Änna", "Zoo"]


def test_xmp_that_is_parted_over_segments_is_read(place: FolderPlace) -> None:
    packet = owners({"dc:subject": ["Anna", "Zoo"]}).encode()
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + struct.pack(">I", len(packet))
    segments = b""
    for at in (300, 0):
        part = packet[at : at + 300] if at == 0 else packet[at:]
        body = head + struct.pack(">I", at) + part
        segments += b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    (place.root / "a.jpg").write_bytes(PHOTO[:2] + segments + PHOTO[2:])
    assert words(seen(place, "a.jpg")) == ["Anna", "Zoo"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
def test_reading_keywords_decodes_no_pixels(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    halves().save(place.root / f"a.{kind.lower()}", kind)
    decoded: list[object] = []
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: decoded.append(self))
    seen(place, f"a.{kind.lower()}")
    assert decoded == []


def test_windows_own_keywords_are_read(place: FolderPlace) -> None:
    exif = Image.Exif()
    exif[0x9C9E] = "Anna;Zoo day".encode("utf-16-le") + b"\0\0"
    halves().save(place.root / "a.jpg", exif=exif)
    assert words(seen(place, "a.jpg")) == ["Anna", "Zoo day"]


def test_broken_xmp_in_the_file_is_none(place: FolderPlace) -> None:
    halves().save(place.root / "a.jpg", xmp=b"<x:xmpmeta")
    assert words(place.send("a.jpg", adds=("koala",)).after) == ["koala"]


def test_a_broken_sidecar_of_its_name_fails_the_item_alone(place: FolderPlace) -> None:
    for name in ("a.jpg", "b.jpg"):
        place.add_photo(name)
    (place.root / "a.xmp").write_text("<x>")
    assert isinstance(place.read("a.jpg"), NotRead)
    assert place.send("a.jpg", adds=("koala",)).after is None
    assert words(place.send("b.jpg", adds=("koala",)).after) == ["koala"]


# What is written.


def test_all_lists_that_are_there_are_written_in_their_notation(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.sidecar("a.jpg").write_text(
        owners(VIENNA, f'xmp:Rating="4" acdsee:categories="{escaped(CATEGORIES)}"')
    )
    before = in_xmp(place, "a.jpg")
    goes_there_and_back(place, "a.jpg", "koala", "black & white")
    after = in_xmp(place, "a.jpg")
    assert after.rest == before.rest
    for found, entries in before.keywords.items():
        assert list(after.keywords[found]) == [*entries, "koala", "black & white"]


def test_a_new_hierarchy_holds_the_flat_words_too(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "Anna", "Holiday 2024")
    goes_there_and_back(place, "a.jpg", "koala")
    assert [list(entries) for entries in in_xmp(place, "a.jpg").keywords.values()] == [
        ["Anna", "Holiday 2024", "koala"]
    ] * 2


def test_no_hierarchy_is_made_where_a_tags_list_is(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.sidecar("a.jpg").write_text(owners({"digiKam:TagsList": ["Family/Anna"]}))
    goes_there_and_back(place, "a.jpg", "koala")
    found = {one.local: list(entries) for one, entries in in_xmp(place, "a.jpg").keywords.items()}
    assert found == {"subject": ["Anna", "koala"], "TagsList": ["Family/Anna", "koala"]}


def test_keywords_in_the_file_are_carried_over_and_never_taken_for_ours(
    place: FolderPlace,
) -> None:
    packet = owners({"digiKam:TagsList": ["Family/Anna"], "dc:subject": ["Anna"]}).encode()
    halves().save(place.root / "a.jpg", xmp=packet)
    goes_there_and_back(place, "a.jpg", "koala")
    found = {one.local: list(entries) for one, entries in in_xmp(place, "a.jpg").keywords.items()}
    assert found == {"subject": ["Anna", "koala"], "TagsList": ["Family/Anna", "koala"]}
    assert words(place.send("a.jpg", removes=("koala",)).after) == ["Anna"]


def test_what_was_carried_over_stays_when_the_file_has_lost_it(place: FolderPlace) -> None:
    (place.root / "a.jpg").write_bytes(iptc("Anna"))
    place.send("a.jpg", adds=("koala",))
    place.add_photo("a.jpg")
    assert words(place.send("a.jpg", removes=("koala",)).after) == ["Anna"]


def test_a_word_that_the_owner_added_to_a_list_of_ours_stays(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "Anna")
    place.send("a.jpg", adds=("koala",))
    sidecar = place.sidecar("a.jpg")
    head, ours, end = sidecar.read_text().rpartition("<rdf:li>koala</rdf:li>\n")
    sidecar.write_text(f"{head}{ours}<rdf:li>Bob</rdf:li>{end}")
    assert words(place.send("a.jpg", removes=("koala",)).after) == ["Anna", "Bob"]


def test_the_sidecar_that_is_there_is_edited_and_none_hides_it(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    base = place.root / "a.xmp"
    base.write_text(owners({"dc:subject": ["Anna"]}, 'xmp:Rating="5"'))
    (place.root / "a.cr2").write_bytes(b"raw")
    added = goes_there_and_back(place, "a.jpg", "koala")
    assert words(added.after) == ["Anna", "koala"]
    assert not place.sidecar("a.jpg").exists()
    assert in_xmp(place, "a.jpg", sidecar="a.xmp").rest == Xmp(base.read_bytes()).rest


def test_of_two_sidecars_the_one_that_is_read_first_is_written(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "Anna")
    base = place.root / "a.xmp"
    base.write_text(owners({"dc:subject": ["Zoe"]}))
    before = base.read_bytes()
    added = goes_there_and_back(place, "a.jpg", "koala")
    assert words(added.after) == ["Anna", "koala", "Zoe"]
    assert base.read_bytes() == before


@pytest.mark.parametrize("twin", ["a.heic", "a.MOV"])
def test_a_sidecar_of_two_photos_gets_the_words_of_neither_but_is_copied(
    place: FolderPlace, twin: str
) -> None:
    place.add_photo("a.jpg")
    place.add_photo(twin)
    base = place.root / "a.xmp"
    base.write_text(owners({"dc:subject": ["Anna"]}, 'xmp:Rating="5"'))
    before = base.read_bytes()
    added = goes_there_and_back(place, "a.jpg", "koala")
    assert words(added.after) == ["Anna", "koala"]
    assert added.after is not None
    assert added.after.rest == Xmp(before).rest == in_xmp(place, "a.jpg").rest
    assert base.read_bytes() == before
    assert words(seen(place, twin)) == ["Anna"]


def test_no_copy_is_made_for_a_word_that_is_there(place: FolderPlace) -> None:
    before = with_common(place)
    place.add_photo("a.heic")
    assert words(place.send("a.jpg", adds=("Anna",)).after) == ["Anna"]
    assert contents(place) == {"a.jpg": PHOTO, "a.heic": PHOTO, "a.xmp": before}


def test_a_copy_stays_when_its_original_has_changed(place: FolderPlace) -> None:
    for name in ("a.jpg", "a.heic"):
        place.add_photo(name)
    base = place.root / "a.xmp"
    base.write_text(owners({"dc:subject": ["Anna"]}, 'xmp:Rating="5"'))
    place.send("a.jpg", adds=("koala",))
    base.write_text(owners({}))
    assert words(place.send("a.jpg", removes=("koala",)).after) == ["Anna"]


def test_a_word_of_ours_that_also_stands_elsewhere_is_ours_no_more_when_it_is_removed(
    place: FolderPlace,
) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "koala")
    base = place.root / "a.xmp"
    base.write_text(owners({"dc:subject": ["Koala"]}))
    before = base.read_bytes()
    assert words(place.send("a.jpg", removes=("koala",)).after) == []
    assert base.read_bytes() == before
    assert words(seen(place, "a.jpg")) == ["Koala"]


def with_common(place: FolderPlace, *adds: str) -> bytes:
    """Make a photo with a `photo.xmp`, and put tags there; return what that held before."""
    place.add_photo("a.jpg")
    base = place.root / "a.xmp"
    base.write_text(owners({"dc:subject": ["Anna"]}, 'xmp:Rating="5"'))
    before = base.read_bytes()
    assert words(place.send("a.jpg", adds=adds).after) == ["Anna", *adds]
    return before


def test_a_copy_of_a_common_sidecar_leaves_out_what_was_written_for_the_twin(
    place: FolderPlace,
) -> None:
    before = with_common(place, "koala")
    place.add_photo("a.heic")
    assert words(seen(place, "a.heic")) == ["Anna"]
    added = goes_there_and_back(place, "a.heic", "bear")
    assert words(added.after) == ["Anna", "bear"]
    assert "koala" not in in_xmp(place, "a.heic").tags
    assert words(place.send("a.jpg", removes=("koala",)).after) == ["Anna"]
    assert words(place.send("a.heic", removes=("bear",)).after) == ["Anna"]
    assert contents(place) == {"a.jpg": PHOTO, "a.heic": PHOTO, "a.xmp": before}


def test_a_copy_holds_nothing_that_was_carried_over_from_the_twins_file(place: FolderPlace) -> None:
    with_common(place)
    (place.root / "a.jpg").write_bytes(iptc("Zoe"))
    place.send("a.jpg", adds=("koala",))
    place.add_photo("a.heic")
    assert "koala" in in_xmp(place, "a.jpg", sidecar="a.xmp").tags
    place.send("a.heic", adds=("bear",))
    assert in_xmp(place, "a.heic").tags == ("Anna", "bear")


def test_twins_may_have_the_same_tag_and_lose_only_their_own(place: FolderPlace) -> None:
    with_common(place, "koala")
    place.add_photo("a.heic")
    place.send("a.heic", adds=("koala",))
    for _again in range(2):
        assert words(place.send("a.heic", removes=("koala",)).after) == ["Anna"]
        assert words(seen(place, "a.jpg")) == ["Anna", "koala"]


def test_a_word_of_ours_goes_from_a_common_sidecar_that_is_hidden_by_now(
    place: FolderPlace,
) -> None:
    before = with_common(place, "koala")
    place.tag("a.jpg", "Anna")
    own = place.sidecar("a.jpg").read_bytes()
    after = place.send("a.jpg", removes=("koala",)).after
    assert words(after) == words(seen(place, "a.jpg")) == ["Anna"]
    assert contents(place) == {"a.jpg": PHOTO, "a.jpg.xmp": own, "a.xmp": before}


def test_an_undo_after_a_copy_was_made_takes_the_word_from_both(place: FolderPlace) -> None:
    before = with_common(place, "koala")
    place.add_photo("a.heic")
    place.send("a.jpg", adds=("bear",))
    after = place.send("a.jpg", removes=("koala",)).after
    assert words(after) == words(seen(place, "a.jpg")) == ["Anna", "bear"]
    place.send("a.jpg", removes=("bear",))
    assert contents(place) == {"a.jpg": PHOTO, "a.heic": PHOTO, "a.xmp": before}


def test_a_hidden_word_that_may_be_ours_is_not_told_as_removed(place: FolderPlace) -> None:
    place.add_photo("a.jpg")
    place.tag("a.jpg", "Anna")
    (place.root / "a.xmp").write_text(owners({"dc:subject": ["koala"]}))
    before = contents(place)
    outcome = place.send("a.jpg", removes=("koala",))
    assert outcome.after is None
    assert outcome.reason
    assert contents(place) == before


def test_a_listing_with_sidecars_of_all_names_opens_none(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_photo("a.jpg")
    for name in ("a.xmp", "a.jpg.XMP"):
        (place.root / name).write_text(owners({}))

    def fail(*_about: object, **_more: object) -> None:
        raise AssertionError("a listing opened a file")

    monkeypatch.setattr("os.open", fail)
    monkeypatch.setattr("builtins.open", fail)
    assert place.keys() == ["a.jpg"]


# As other programs see it.


def owner_of(place: FolderPlace, exiftool: ExifTool, kind: str) -> Path:
    """Make a photo with keywords, as programs of each kind leave it."""
    photo = place.root / "a.jpg"
    place.add_photo("a.jpg")
    flat = ["XMP-dc:Subject=Anna", "XMP-dc:Subject=Zoo"]
    if kind == "in the file":
        exiftool.write(photo, *flat, "IPTC:Keywords=Anna", "IPTC:Keywords=Zoo")
    elif kind == "Lightroom":
        exiftool.write(photo.with_suffix(".xmp"), *flat, "XMP-lr:HierarchicalSubject=People|Anna")
        exiftool.write(photo.with_suffix(".xmp"), "XMP-xmp:Rating=5", "XMP-dc:Description=At home")
    elif kind == "flat":
        exiftool.write(place.sidecar("a.jpg"), *flat)
    elif kind == "Immich":
        exiftool.write(place.sidecar("a.jpg"), "XMP-digiKam:TagsList=Family/Anna")
    elif kind == "digiKam in the file":
        exiftool.write(photo, *flat, "XMP-digiKam:TagsList=Family/Anna")
    return photo


KINDS = ["nothing", "in the file", "Lightroom", "flat", "Immich", "digiKam in the file"]


@pytest.mark.parametrize("kind", KINDS)
def test_immich_shows_what_it_did_and_our_tags(
    place: FolderPlace, exiftool: ExifTool, kind: str
) -> None:
    photo = owner_of(place, exiftool, kind)
    before = exiftool.immich(photo)
    goes_there_and_back(place, "a.jpg", "koala", "animal")
    after = exiftool.immich(photo)
    assert set(before) | {"koala", "animal"} <= set(after)
    place.send("a.jpg", removes=("koala", "animal"))
    assert exiftool.immich(photo) == before


def test_rating_and_description_stay_visible(place: FolderPlace, exiftool: ExifTool) -> None:
    photo = owner_of(place, exiftool, "Lightroom")
    place.send("a.jpg", adds=("koala",))
    shown = exiftool.read(photo.with_suffix(".xmp"), "Rating", "Description", "Warning")
    assert shown == {"XMP-xmp:Rating": ["5"], "XMP-dc:Description": ["At home"]}
    assert place.names() == ["a.jpg", "a.xmp"]


def test_what_another_program_has_rewritten_hides_nothing_after_an_undo(
    place: FolderPlace, exiftool: ExifTool
) -> None:
    photo = owner_of(place, exiftool, "in the file")
    place.send("a.jpg", adds=("koala",))
    exiftool.write(place.sidecar("a.jpg"), "XMP-xmp:Rating=3")
    after = place.send("a.jpg", removes=("koala",)).after
    assert after is not None
    assert replace(after, revision=None, stamp="") == replace(
        seen(place, "a.jpg"), revision=None, stamp=""
    )
    assert set(exiftool.immich(photo)) == {"Anna", "Zoo"}
    assert exiftool.read(place.sidecar("a.jpg"), "Rating") == {"XMP-xmp:Rating": ["3"]}


WORDS = st.sampled_from(["Anna", "anna", "Zoo", "a & b", "ä", "犬", "People", "Vienna", "1"])
PATHS = st.lists(WORDS, min_size=1, max_size=3)


@given(st.data())
def test_whatever_lists_there_are_nothing_is_hidden_and_all_can_be_taken_back(
    data: st.DataObject,
) -> None:
    bars = {name: "/" if "TagsList" in name or "Microsoft" in name else "|" for name in VIENNA}

    def some(name: str) -> list[str]:
        paths = data.draw(st.lists(PATHS, min_size=1, max_size=3, unique_by=tuple))
        return [escaped(p[-1] if name == "dc:subject" else bars[name].join(p)) for p in paths]

    def lists() -> str:
        names = data.draw(st.sets(st.sampled_from(sorted(VIENNA))))
        return owners({name: some(name) for name in sorted(names)})

    before, hidden = Xmp(lists().encode()), [Xmp(lists().encode()).keywords]
    after = edit_tags(before, adds=["koala", "bear"], removes=set(), hidden=hidden)
    had = {word.casefold() for word in (*before.tags, *tags_of(hidden))}
    for found, entries in after.keywords.items():
        assert list(entries)[-2:] == ["koala", "bear"]
        words = {word.casefold() for entry in entries for word in found.path_of(entry)}
        assert found in before.keywords or had <= words
    undone = edit_tags(after, adds=[], removes={"koala", "bear"}, hidden=hidden)
    assert undone.source == before.source


@pytest.mark.parametrize("name", ["%00", "..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", ".%2Fp.jpg"])
def test_a_mark_that_names_no_file_of_the_folder_opens_none(name: str) -> None:
    class Marked:
        added = (f"{name}/dog",)

    assert sidecar.words_for_others("/photos/p.png", Marked()) == {}  # type: ignore[arg-type]
