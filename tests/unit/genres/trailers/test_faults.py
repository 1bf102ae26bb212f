import pytest
from yt_dlp.networking.exceptions import TransportError
from yt_dlp.utils import DownloadError, ExtractorError

from tigertag.errors import Unreadable
from tigertag.genres.trailers import ytdlp


def told(said: str) -> Unreadable:
    fault = ytdlp.from_yt_dlp(DownloadError(said))
    assert "\n" not in str(fault)
    return fault


@pytest.mark.parametrize(
    ("said", "line", "retryable"),
    [
        ("[youtube] a: Sign in to confirm you\u2019re not a bot. Use --cookies", "wait", True),
        ("[youtube] a: This content isn't available, try again later.", "wait", True),
        ("[youtube] a: Video unavailable. Please try again later", "wait", True),
        ("[vimeo] 1: The video is temporarily unavailable", "wait", True),
        ("[youtube] a: We're processing this video. Check back later.", "wait", True),
        ("[youtube] a: Sign in to confirm your age. This video may be", "adults", False),
        ("[youtube] a: Private video. Sign in if you've been granted access", "private", False),
        ("[youtube] a: Join this channel to get access to members-only content", "members", False),
        ("[youtube] a: Premieres in 3 hours", "not there yet", True),
        (
            "[youtube] a: The uploader has not made this video available in your country",
            "place",
            False,
        ),
        ("[youtube] a: Video unavailable. This video has been removed", "gone", False),
        ("[youtube] a: Requested format is not available", "small version", False),
        ("[vimeo] 1: This video is protected by a password", "password", False),
        ("[vimeo] 1: The web client only works when logged-in. Use --cookies", "update", False),
        ("[vimeo] 1: Log in to watch this video", "account", False),
        ("[vimeo] 1: Cannot download embed-only video without embedding URL", "pages", False),
        ("[download] Got error: HTTP Error 503: Service Unavailable. Giving up", "failed", True),
        ("[download] Got error: HTTP Error 429: Too Many Requests", "wait", True),
        ("[download] Got error: 4096 bytes read, 7 more expected. Giving up", "reached", True),
        ("Unable to download webpage: HTTP Error 404: Not MediaSource", "gone", False),
        ("unable to download video data: HTTP Error 403: Forbidden", "refused", False),
    ],
)
def test_what_yt_dlp_says_is_told_in_plain_words(said: str, line: str, retryable: bool) -> None:
    fault = told(said)
    assert line in str(fault)
    assert fault.retryable == retryable


def test_no_network_may_be_tried_again() -> None:
    try:
        raise ExtractorError("Unable to download API page", cause=TransportError("timed out"))
    except ExtractorError as exc:
        fault = ytdlp.from_yt_dlp(DownloadError(str(exc), (type(exc), exc, None)))
    assert fault.retryable
    assert "reached" in str(fault)


def test_no_colour_query_or_path_is_repeated() -> None:
    said = (
        "\x1b[0;31mERROR:\x1b[0m [youtube] eUTtt14G31c: Odd answer of"
        " https://ada:hunter2@r1.googlevideo.com/play?sig=hunter2 in /home/ada/.cache/x.json;"
        " please report this issue on  https://github.com/yt-dlp , filling out the template"
    )
    assert str(told(said)) == (
        "yt-dlp could not take the video: Odd answer of https://r1.googlevideo.com/play in …;"
        " update yt-dlp if other videos fail, too."
    )


@pytest.mark.parametrize("said", ["", "\n", "ERROR: ", "(x)"])
def test_an_error_without_words_is_still_a_line(said: str) -> None:
    assert "does not say why" in str(told(said))


def test_a_long_error_is_cut() -> None:
    assert len(str(told("why? " * 500))) < 300
