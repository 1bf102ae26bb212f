import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigertag.libraries.folder.editing import edit_tags
from tigertag.libraries.folder.xml import XmlError
from tigertag.libraries.folder.xmp import EMPTY, Xmp

HEAD = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\r\n<!-- by hand -->\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Owner\'s tool">\n'
    "  <r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n"
)
FIRST = (
    '    <r:Description r:about="uuid:1" xmlns:xmp="http://ns.adobe.com/xap/1.0/"\n'
    '       xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"\n'
    '       xmp:Rating = "4" photoshop:Instructions="line 1&#xA;line &quot;2&quot; > &#13;">\n'
    "     <!-- keep me --><?keep me?>\n"
    "     <xmp:Nested r:parseType='Resource'><xmp:a><![CDATA[<raw> & ]]></xmp:a></xmp:Nested>\n"
)
SECOND = (
    '    </r:Description>\n\t<r:Description r:about=""\n'
    '       xmlns:d="http://purl.org/dc/elements/1.1/" d:format="image/jpeg"/>\n'
)
TAIL = "  </r:RDF>\n</x:xmpmeta>\n" + " " * 200 + '\n<?xpacket end="w"?>\n'
DC = ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
LR = ' xmlns:lr="http://ns.adobe.com/lightroom/1.0/"'


def document(inner: str = "") -> bytes:
    return (HEAD + FIRST + inner + SECOND + TAIL).encode()


def subject(*entries: str, array: str = "Seq") -> str:
    items = "".join(f"\n        <r:li>{entry}</r:li>" for entry in entries)
    return f"     <dc:subject{DC}><r:{array}>{items}\n      </r:{array}></dc:subject>\n"


def hierarchy(*entries: str) -> str:
    items = "".join(f"<r:li>{entry}</r:li>" for entry in entries)
    return f"     <lr:hierarchicalSubject{LR}><r:Bag>{items}</r:Bag></lr:hierarchicalSubject>\n"


def edited(source: bytes, *, adds: tuple[str, ...] = (), removes: tuple[str, ...] = ()) -> Xmp:
    return edit_tags(Xmp(source), adds=adds, removes=removes)


def without_ours(xmp: Xmp) -> str:
    """Its text less the two properties, each with the white space before it."""
    pattern = r"\s*<(dc:subject|lr:hierarchicalSubject)\b.*?</\1>"
    return re.sub(pattern, "", xmp.source.decode(), flags=re.DOTALL)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"", "line 1"),
        (b"not xml", "line 1"),
        (document()[:-300], "line"),
        (b"<html><body/></html>", "no rdf:RDF"),
        (document() + b"\0\0", "line"),
        (document().replace(b"keep me -->", b"\xff\xfe -->"), "not valid UTF-8"),
        (document().replace(b"x:xmptk", b"unbound:xmptk"), "line 3"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + EMPTY.partition(b"\n")[2], "document type"),
        (b'<!DOCTYPE x SYSTEM "http://localhost/x.dtd">' + EMPTY, "line"),
        (b"<?xml version='1.0' encoding='latin-1'?>" + EMPTY.partition(b"\n")[2], "latin-1"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "too deeply"),
        (document().replace(b"d:format=", b"d:subject="), "attribute"),
        (document(f"<dc:subject{DC}><dc:what/></dc:subject>"), "no list"),
    ],
)
def test_what_is_no_xmp_that_it_knows_is_refused(source: bytes, says: str) -> None:
    with pytest.raises(XmlError, match=says) as caught:
        Xmp(source)
    assert "\n" not in str(caught.value)


def test_tags_are_words_and_the_last_words_of_paths() -> None:
    xmp = Xmp(document(subject("Cat", "a &amp; b", " ") + hierarchy("Animals|Pets|cat", "Sky")))
    assert xmp.tags == ("Cat", "a & b", "Sky")


@pytest.mark.parametrize("array", ["Bag", "Seq", "Alt"])
def test_tags_are_added_to_the_list_that_is_there(array: str) -> None:
    after = edited(document(subject("mine", array=array)), adds=("cat",))
    entry = f"\n        <r:li>mine</r:li>\n        <r:li>cat</r:li>\n      </r:{array}>"
    assert entry in after.source.decode()


def test_all_else_keeps_its_bytes() -> None:
    before = document()
    after = edited(before, adds=("cat",))
    assert after.tags == ("cat",)
    assert without_ours(after) == before.decode()


def test_removing_what_was_added_restores_every_byte() -> None:
    before = document()
    assert edited(edited(before, adds=("cat", "dog")).source, removes=("cat", "dog")).source == (
        before
    )


def test_a_removal_takes_the_exact_word_and_the_exact_path_alone() -> None:
    inner = subject("cat", "Cat", "cats") + hierarchy("cat", "Animals|cat", "catalogue")
    after = edited(document(inner), removes=("cat",))
    assert after.source == document(subject("Cat", "cats") + hierarchy("Animals|cat", "catalogue"))


def test_a_remark_among_the_tags_outlives_them() -> None:
    inner = f"<dc:subject{DC}><r:Bag><!-- why --><r:li>cat</r:li></r:Bag></dc:subject>"
    assert b"<!-- why -->" in edited(document(inner), removes=("cat",)).source


def test_a_tag_with_a_bar_is_no_path() -> None:
    after = edited(document(hierarchy("a|b")), adds=("c|d",))
    assert after.tags == ("b", "c|d")
    assert edited(after.source, removes=("c|d", "a|b")).tags == ("b",)


def test_a_tag_that_is_there_in_another_case_is_left() -> None:
    before = document(subject("Cat") + hierarchy("Animals|Dog"))
    assert edited(before, adds=("cat", "DOG")).source == before


def test_an_edit_may_change_the_case_of_a_tag() -> None:
    assert edited(document(subject("CAT")), adds=("cat",), removes=("CAT",)).tags == ("cat",)


def test_several_descriptions_are_read_and_cleaned_as_one() -> None:
    extra = f'<r:Description r:about="">{subject("cat", "dog")}</r:Description>'
    before = (HEAD + FIRST + subject("sky", "cat") + SECOND + extra + TAIL).encode()
    assert Xmp(before).tags == ("sky", "cat", "dog")
    after = edited(before, adds=("sea",), removes=("cat",))
    assert after.tags == ("sky", "sea", "dog")


@pytest.mark.parametrize(
    "inner",
    [
        f"<dc:subject{DC}/>",
        f"<dc:subject{DC}></dc:subject>",
        f"<dc:subject{DC}><r:Bag/></dc:subject>",
        f"<dc:subject{DC}><r:Bag>\n</r:Bag></dc:subject>",
        f"<dc:subject{DC}><r:Bag><!-- none --></r:Bag></dc:subject>",
    ],
)
def test_empty_forms_are_filled(inner: str) -> None:
    after = edited(document(inner), adds=("cat",))
    assert after.tags == ("cat",)
    assert after.source.count(b"subject") == 2
    assert after.rest == Xmp(document()).rest


def test_a_word_without_a_list_gets_one() -> None:
    before = document(f"<dc:subject{DC}>mine</dc:subject>")
    assert Xmp(before).tags == ("mine",)
    assert edited(before, adds=("cat",)).tags == ("mine", "cat")
    assert edited(before, removes=("mine",)).tags == ()


@pytest.mark.parametrize(
    "source",
    [
        '<RDF xmlns="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><q:RDF '
        'xmlns:q="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></q:RDF></x:xmpmeta>',
        '<RDF xmlns="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><Description /></RDF>',
        '<a:RDF xmlns:a="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="urn:else" '
        'xmlns:rdf="urn:other"><a:Description a:about=""/></a:RDF>',
    ],
)
def test_bare_frames_of_any_prefix_are_filled_and_emptied(source: str) -> None:
    filled = edited(source.encode(), adds=("cat", "dog"))
    assert filled.tags == ("cat", "dog")
    assert ElementTree.fromstring(filled.source) is not None
    assert edited(filled.source, removes=("cat", "dog")).tags == ()
    assert filled.rest == Xmp(source.encode()).rest == ""


def test_the_rest_is_nothing_where_there_are_only_tags() -> None:
    assert Xmp(EMPTY).rest == ""
    assert edited(EMPTY, adds=("cat",)).rest == ""


def test_the_rest_does_not_depend_on_layout_or_prefixes() -> None:
    respelt = document().replace(b"r:", b"rdf:").replace(b"xmlns:r=", b"xmlns:rdf=")
    assert Xmp(respelt.replace(b"\n    ", b"\n")).rest == Xmp(document()).rest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("keep me -->", "keep me not -->"),
        ("<?keep me?>", ""),
        ('"4"', '"5"'),
        ("uuid:1", "uuid:2"),
        ("<raw>", "<roh>"),
        ("image/jpeg", "image/png"),
        ("line 1&#xA;line", "line 1 line"),
    ],
)
def test_the_rest_changes_with_anything_else(old: str, new: str) -> None:
    changed = document().decode().replace(old, new)
    assert Xmp(changed.encode()).rest != Xmp(document()).rest != ""


def test_only_what_tigertag_made_is_void_when_its_tags_are_gone() -> None:
    assert edited(edited(EMPTY, adds=("cat",)).source, removes=("cat",)).is_void
    assert not Xmp(EMPTY.replace(b"TigerTag", b"Owner")).is_void
    assert not Xmp(EMPTY.replace(b'about=""', b'about="uuid:1"')).is_void
    assert not edited(EMPTY, adds=("cat",)).is_void


WORDS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=100
).filter(str.strip)


@given(st.lists(WORDS, max_size=6, unique_by=str.casefold))
def test_any_printable_words_are_read_as_they_were_written(words: list[str]) -> None:
    before = document(subject("mine") + hierarchy("Mine|all mine"))
    taken = {"mine", "all mine"}
    adds = tuple(word for word in words if word.casefold() not in taken)
    after = edited(before, adds=adds)
    assert after.tags == ("mine", *adds, "all mine")
    assert after.rest == Xmp(before).rest
    assert edited(after.source, removes=adds).source == before


@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=4), st.booleans())
def test_an_edit_made_twice_is_made_once(adds: list[str], removes: list[str], bare: bool) -> None:
    before = EMPTY if bare else document(subject("mine"))
    once = edited(before, adds=tuple(adds), removes=tuple(removes))
    kept = tuple(word for word in removes if word not in adds)
    assert edited(once.source, adds=tuple(adds), removes=kept).source == once.source
    assert ElementTree.fromstring(once.source) is not None
