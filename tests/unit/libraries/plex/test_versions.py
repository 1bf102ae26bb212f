"""Versions and parts: which file names an item, and which is read."""

from xml.etree.ElementTree import Element, fromstring

import pytest

from tigertag.libraries.plex.items import FILM, SEASON, best, main_file, revision, versions


def media(
    id: int, height: int, size: object, *, width: int = 0, file: str = "", proxy: str = ""
) -> str:
    key = f"/library/parts/{id}/5/file.mp4"
    part = f'<Part key="{key}" size="{size}" file="{file}" optimizedForStreaming="1"/>'
    width = width or height * 16 // 9
    return f'<Media id="{id}" width="{width}" height="{height}" proxyType="{proxy}">{part}</Media>'


def film(*versions: str) -> Element:
    return fromstring(f'<Video type="movie">{"".join(versions)}</Video>')


def read(*there: str) -> int | None:
    found = best(versions(film(*there)))
    return None if found is None else found.id


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ([media(1, 2160, 40), media(2, 1080, 9), media(3, 720, 4)], 3),
        ([media(1, 1080, 9), media(2, 360, 1)], 1),
        ([media(1, 240, 1), media(2, 360, 2)], 2),
        ([media(1, 720, 4), media(2, 480, 5)], 1),
        ([media(1, 1920, 9, width=480), media(2, 1920, 1, width=360)], 1),
        ([media(1, 1080, ""), media(2, 1080, 9)], 2),
        ([media(1, 0, 9), media(2, 0, 1)], 2),
    ],
)
def test_the_smallest_good_version_is_read(there: list[str], chosen: int) -> None:
    assert read(*there) == read(*reversed(there)) == chosen


def test_a_version_that_the_server_made_is_rather_read_if_it_is_good() -> None:
    folder = "/films/a/Plex Versions/Optimized for TV/a.mp4"
    for proxy, file in (("42", ""), ("", folder), ("", folder.replace("/", "\\"))):
        assert read(media(1, 720, 4), media(2, 720, 5, proxy=proxy, file=file)) == 2
        assert read(media(1, 720, 4), media(2, 240, 1, proxy=proxy, file=file)) == 1


def test_a_film_without_a_file_has_no_version() -> None:
    assert read() is None
    assert read('<Media id="1"/>') is None
    assert main_file(film('<Media id="1"><Part key="https://elsewhere/a.mp4"/></Media>')) is None


def test_of_several_parts_the_first_is_read_and_all_are_weighed() -> None:
    second = '<Part key="/library/parts/9/5/file.mp4" size="70"/></Media>'
    parted = media(1, 720, 4).replace("</Media>", second)
    (found,) = versions(film(parted))
    assert (found.file.key, found.size_bytes) == ("/library/parts/1/5/file.mp4", 74)
    assert read(parted, media(2, 720, 60)) == 2


def test_a_version_that_comes_or_goes_leaves_the_revision_as_it_is() -> None:
    before = revision(film(media(5, 1080, 9)), FILM)
    for other in (media(3, 720, 4, proxy="42"), media(6, 2160, 40)):
        for there in ((other, media(5, 1080, 9)), (media(5, 1080, 9), other)):
            assert revision(film(*there), FILM) == before


def test_a_main_version_that_is_replaced_is_another_revision() -> None:
    before, after = film(media(5, 1080, 9)), film(media(5, 1080, 10))
    assert revision(before, FILM) != revision(after, FILM)


def test_a_film_of_which_only_a_made_version_is_left_is_known_by_that() -> None:
    assert main_file(film(media(3, 720, 4, proxy="42"))) is not None


def test_a_season_has_no_file_and_so_no_revision() -> None:
    assert revision(film(media(5, 1080, 9)), SEASON) == ""
