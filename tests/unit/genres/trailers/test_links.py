import pytest

from tigertag.errors import Unreadable
from tigertag.genres.trailers import canonical, is_link

WATCH = "https://www.youtube.com/watch?v=eUTtt14G31c"
PLAYER = "https://player.vimeo.com/video/76979871"


def refusal(link: str) -> str:
    with pytest.raises(Unreadable) as caught:
        canonical(link)
    assert "\n" not in str(caught.value)
    assert not caught.value.retryable
    return str(caught.value)


@pytest.mark.parametrize(
    "link",
    [
        "http://www.youtube.com/watch?v=eUTtt14G31c",
        "ftp://www.youtube.com/watch?v=eUTtt14G31c",
        "file:///etc/passwd",
        "file://www.youtube.com/etc/passwd",
        "javascript://www.youtube.com/watch?v=eUTtt14G31c",
        "www.youtube.com/watch?v=eUTtt14G31c",
        "//www.youtube.com/watch?v=eUTtt14G31c",
        "",
    ],
)
def test_only_https_is_opened(link: str) -> None:
    message = refusal(link)
    assert "https://" in message


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "0x7f000001",
        "example.org",
        "youtube.com.example.org",
        "notyoutube.com",
        "music.youtube.com",
        "youtube.com.",
        "",
    ],
)
def test_no_other_host_is_opened(host: str) -> None:
    assert "YouTube and Vimeo" in refusal(f"https://{host}/watch?v=eUTtt14G31c")


@pytest.mark.parametrize(
    "authority",
    ["ada:hunter2@youtube.com", "youtube.com@10.0.0.1", "youtube.com:8443", "@vimeo.com"],
)
def test_neither_a_user_nor_a_port_is_taken_and_none_is_repeated(authority: str) -> None:
    message = refusal(f"https://{authority}/watch?v=eUTtt14G31c")
    assert "port" in message
    assert "hunter2" not in message


@pytest.mark.parametrize("link", [f"-{WATCH}", "--exec=id", "-"])
def test_a_link_that_begins_with_a_dash_is_refused(link: str) -> None:
    assert "dash" in refusal(link)


@pytest.mark.parametrize(
    "link",
    [
        f" {WATCH}",
        f"{WATCH}\n",
        WATCH.replace("www.", "www.\t"),
        WATCH.replace("o", "\N{CYRILLIC SMALL LETTER O}", 1),
        "https://youtube.com\\@10.0.0.1/watch?v=eUTtt14G31c",
        f"{WATCH}\0",
        WATCH + "x" * 3000,
    ],
)
def test_odd_characters_are_refused(link: str) -> None:
    assert "characters" in refusal(link)


def test_what_cannot_be_parsed_is_refused() -> None:
    assert "cannot be read" in refusal("https://[youtube.com/watch?v=eUTtt14G31c")


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/playlist?list=PL3URUs3SFIzSQh5fjG17xbUhBy1ziSkye",
        "https://www.youtube.com/watch?list=PL3URUs3SFIzSQh5fjG17xbUhBy1ziSkye",
        "https://www.youtube.com/embed/videoseries?list=PL3URUs3SFIzSQh5fjG17x",
        "https://vimeo.com/showcase/3253534",
        "https://vimeo.com/channels/staffpicks",
    ],
)
def test_a_playlist_is_no_video(link: str) -> None:
    assert "playlist" in refusal(link)


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/user/movieclips",
        "https://www.youtube.com/channel/UCIOT3vqvJ7xH2lDh_5Ka8Jw",
        "https://www.youtube.com/@movieclips",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/watch?v=eUTtt14G31c&v=HKSZtp_OGHY",
        "https://www.youtube.com/redirect?q=http://10.0.0.1/",
        "https://youtu.be/",
        "https://youtu.be/eUTtt14G31c/../redirect",
        "https://vimeo.com/staff",
        "https://vimeo.com/event/123",
        "https://vimeo.com/76979871/nohash",
        "https://player.vimeo.com/video/76979871?h=nohash",
    ],
)
def test_another_page_is_no_video(link: str) -> None:
    assert "not of one video" in refusal(link)


@pytest.mark.parametrize(
    "link",
    [
        WATCH,
        "https://youtube.com/watch?v=eUTtt14G31c&list=PL3URUs3SFIzSQh5fjG17xbU&index=3&t=16s",
        "https://m.youtube.com/watch?app=desktop&v=eUTtt14G31c",
        "HTTPS://WWW.YouTube.com/watch/?v=eUTtt14G31c#t=1",
        "https://youtu.be/eUTtt14G31c?si=tracking",
        "https://www.youtube.com/shorts/eUTtt14G31c",
        "https://www.youtube.com/embed/eUTtt14G31c",
        "https://www.youtube-nocookie.com/embed/eUTtt14G31c?rel=0",
        "https://www.youtube.com/live/eUTtt14G31c",
    ],
)
def test_every_spelling_of_a_video_on_youtube_is_the_same(link: str) -> None:
    assert canonical(link) == WATCH


@pytest.mark.parametrize(
    ("link", "same"),
    [
        ("https://vimeo.com/76979871", PLAYER),
        ("https://www.vimeo.com/76979871?share=copy", PLAYER),
        ("https://vimeo.com/channels/staffpicks/76979871", PLAYER),
        ("https://vimeo.com/groups/a/videos/76979871", PLAYER),
        ("https://vimeo.com/76979871/0123456789", f"{PLAYER}?h=0123456789"),
        ("https://vimeo.com/76979871?h=0123456789", f"{PLAYER}?h=0123456789"),
        ("https://player.vimeo.com/video/76979871", PLAYER),
        ("https://player.vimeo.com/video/76979871?h=0123456789&app_id=1", f"{PLAYER}?h=0123456789"),
    ],
)
def test_a_video_on_vimeo_is_had_from_its_player_with_its_hash(link: str, same: str) -> None:
    assert canonical(link) == same
    assert canonical(same) == same


@pytest.mark.parametrize(
    "text",
    [
        f"-{WATCH}",
        f" {WATCH}",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "ftp://a/b",
        "http://10.0.0.1/a.mp4",
        "youtu.be/eUTtt14G31c",
        "www.youtube.com/watch?v=eUTtt14G31c",
    ],
)
def test_what_looks_like_a_link_is_taken_as_one_and_says_what_is_wrong(text: str) -> None:
    assert is_link(text)
    assert "give the https:// link" in refusal(text)


def test_a_link_is_a_link() -> None:
    assert is_link(WATCH)


@pytest.mark.parametrize(
    "text", ["film.mp4", "/films/film.mp4", "Alien: Resurrection.mp4", "-x", "youtube.mp4", "-", ""]
)
def test_a_path_is_no_link(text: str) -> None:
    assert not is_link(text)


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/watch?v=eUTtt&v=14G31c",
        f"{WATCH}&v=14G31ceUTtt",
        f"{PLAYER}?h=1234567890&h=abcdef0123",
        f"{PLAYER}?h=12345&h=67890",
    ],
)
def test_what_names_two_videos_is_no_video(link: str) -> None:
    assert "not of one video" in refusal(link)
