import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from select import select

import pytest

from tests.free_port import free_port
from tests.unit.genres.trailers.site import LINK, VIDEO, Files
from tests.unit.media import films
from tigertag.errors import Unreadable
from tigertag.genres import trailers
from tigertag.genres.trailers import CHILD, TrailerLimits, download

pytestmark = pytest.mark.slow


def never() -> bool:
    return False


def ask(
    folder: Path,
    code: str,
    limits: TrailerLimits | None = None,
    *,
    cancelled: Callable[[], bool] = never,
) -> Path:
    """Ask a child that runs this code; it has what it was told in `told`."""
    begin = "import json, os, sys, time; told = json.loads(sys.stdin.readline())\n"
    command = (sys.executable, "-c", begin + code)
    return download(LINK, folder, limits or TrailerLimits(), cancelled=cancelled, command=command)


def refusal(folder: Path, code: str, limits: TrailerLimits | None = None) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        ask(folder, code, limits)
    assert "\n" not in str(caught.value)
    return caught.value


NAMES = ("3", "null", '""', '"absent.mp4"', '"../secret"', '"."', '"pipe"')
HANGS = "open('begun', 'w'); time.sleep(60)"


def test_a_child_that_hangs_is_given_up(tmp_path: Path) -> None:
    caught = refusal(tmp_path, HANGS, TrailerLimits(within_s=0.3))
    assert "0.3 s" in str(caught)
    assert caught.retryable


def test_stopped_work_kills_the_child(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="stopped") as caught:
        ask(tmp_path, HANGS, cancelled=(tmp_path / "begun").exists)
    assert caught.value.retryable


def test_what_a_child_has_started_is_killed_with_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    holds = "import time; file = open('held', 'w'); open('begun', 'w'); time.sleep(60)"
    starts = f"import subprocess; subprocess.run([sys.executable, '-c', {holds!r}])"
    with pytest.raises(Unreadable, match="stopped"):
        ask(tmp_path, starts, cancelled=(tmp_path / "begun").exists)
    assert select([held], [], [], 10)[0]
    assert os.read(held, 1) == b""
    os.close(held)


def test_a_child_that_fills_the_disk_is_killed(tmp_path: Path) -> None:
    code = "open('part', 'wb').truncate(30_000_000); time.sleep(60)"
    assert "1 MB" in str(refusal(tmp_path, code, TrailerLimits(most_bytes=1_000_000)))


def test_a_child_that_talks_without_end_is_killed(tmp_path: Path) -> None:
    assert "without an answer" in str(refusal(tmp_path, "while True: print('x' * 1000)"))


@pytest.mark.parametrize(
    "said",
    ["", "not json", "[]", "3", "[" * 20_000, "{}", *(f'{{"file": {name}}}' for name in NAMES)],
)
def test_an_answer_without_sense_is_refused(tmp_path: Path, said: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "pipe").symlink_to(tmp_path / "secret")
    assert "without an answer" in str(refusal(folder, f"print({said!r})"))


def test_a_child_that_crashes_is_no_crash(tmp_path: Path) -> None:
    assert "without an answer" in str(refusal(tmp_path, "os.abort()"))


def test_a_child_that_is_dead_before_it_is_told_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="without an answer"):
        download(LINK, tmp_path, TrailerLimits(), cancelled=never, command=("false",))


def test_a_large_file_is_refused_whoever_brings_it(tmp_path: Path) -> None:
    code = "open('film', 'wb').truncate(2_000_000); print(json.dumps({'file': 'film'}))"
    assert "1 MB" in str(refusal(tmp_path, code, TrailerLimits(most_bytes=1_000_000)))


def test_what_the_child_has_to_say_is_told_in_one_line(tmp_path: Path) -> None:
    code = "print(json.dumps({'problem': 'It is\\n private.', 'retryable': True}))"
    caught = refusal(tmp_path, code)
    assert (str(caught), caught.retryable) == ("It is private.", True)


def test_the_child_is_told_no_secret_and_has_no_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBRARY_PLEX_TOKEN", "hunter2")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    code = "json.dump(dict(os.environ), open('seen', 'w')); print(json.dumps({'file': 'seen'}))"
    seen = json.loads(ask(tmp_path, code).read_text())
    assert "hunter2" not in str(seen)
    assert seen["https_proxy"] == "http://proxy:3128"
    assert seen["YTDLP_NO_PLUGINS"] == "1"


def test_the_child_ends_when_the_one_that_asked_is_gone(tmp_path: Path) -> None:
    limits = {"most_bytes": 10**12}
    told = json.dumps({"link": LINK, "folder": str(tmp_path), "limits": limits})
    with (
        Files() as served,
        subprocess.Popen(_real(f"{served.url}/endless"), stdin=subprocess.PIPE) as child,
    ):
        assert child.stdin is not None
        child.stdin.write(told.encode() + b"\n")
        child.stdin.flush()
        until = time.monotonic() + 20
        while not served.asked and time.monotonic() < until:
            time.sleep(0.02)
        child.stdin.close()
        assert child.wait(10) == 1


def _real(address: str) -> tuple[str, ...]:
    site = f"from tests.unit.genres.trailers.site import site; main((site({address!r}),))"
    return (sys.executable, "-c", f"from tigertag.genres.trailers.child import main; {site}")


def test_the_real_child_brings_a_video(tmp_path: Path) -> None:
    with Files(small=films.film()) as served:
        command = _real(f"{served.url}/small")
        file = download(LINK, tmp_path, TrailerLimits(), cancelled=never, command=command)
    assert file == tmp_path / f"{VIDEO}.mp4"
    assert file.read_bytes() == films.film()


def test_the_real_child_says_why_it_brings_none(tmp_path: Path) -> None:
    with Files() as served, pytest.raises(Unreadable, match="gone"):
        download(
            LINK, tmp_path, TrailerLimits(), cancelled=never, command=_real(f"{served.url}/404")
        )


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    with (
        pytest.raises(Unreadable, match=r"pip install 'tigertag\[trailers\]'"),
        trailers.fetched(LINK),
    ):
        pass


def test_a_broken_extra_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['yt_dlp'] = None\nfrom tigertag.genres.trailers.child import main"
    )
    command = (sys.executable, "-c", f"{code}; main()")
    with pytest.raises(Unreadable, match=r"tigertag\[trailers\]"):
        download(LINK, tmp_path, TrailerLimits(), cancelled=never, command=command)


def test_without_a_network_it_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unreadable, match="reached") as caught, trailers.fetched(LINK):
        pass
    assert caught.value.retryable
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", [None, KeyError("oops"), KeyboardInterrupt()])
def test_the_file_is_there_while_it_is_looked_at_and_gone_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException | None
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Files(small=films.film()) as served:
        real = partial(download, command=_real(f"{served.url}/small"))
        monkeypatch.setattr(trailers, "download", real)
        try:
            with trailers.fetched(LINK) as file:
                assert file.read_bytes() == films.film()
                if fault:
                    raise fault
        except (KeyError, KeyboardInterrupt):
            pass
    assert list(tmp_path.iterdir()) == []


def test_no_link_is_opened_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(trailers, "download")
    with pytest.raises(Unreadable, match="playlist"):
        trailers.fetched("https://www.youtube.com/playlist?list=PL3URUs3").__enter__()


def test_yt_dlp_is_loaded_in_the_child_alone() -> None:
    code = "import sys, tigertag.genres.trailers; print('yt_dlp' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
    assert CHILD[0] == sys.executable
