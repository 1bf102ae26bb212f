"""What starts in the container: as whom, and what becomes of the home."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
SCRIPT = CHECKOUT / "deploy" / "entrypoint.sh"
OWN = (str(os.geteuid()), str(os.getegid()))
WHO = 'echo "$(id -u):$(id -g):$(id -G)"'

as_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can become another user",
)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user may reach: those of pytest are their owner's alone."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made) / "config"


def start(
    home: Path, command: str = WHO, *, user: tuple[str, ...] = (), **given: str
) -> subprocess.CompletedProcess[str]:
    script = home.parent / "entrypoint.sh"
    shutil.copy(SCRIPT, script)
    environ = {"PATH": os.environ["PATH"], "TIGERTAG_HOME": str(home), **given}
    return subprocess.run(
        [*user, "sh", str(script), "sh", "-c", command], env=environ, capture_output=True, text=True
    )


def other(*more: str) -> tuple[str, ...]:
    return ("setpriv", "--reuid=4321", "--regid=4321", *(more or ("--clear-groups",)))


@as_root
def test_it_becomes_puid_and_pgid_and_the_new_home_is_theirs(home: Path) -> None:
    done = start(home, f"{WHO}; touch $TIGERTAG_HOME/mine", PUID="1234", PGID="2345")
    assert (done.stdout, done.stderr) == ("1234:2345:2345\n", "")
    assert ((home / "mine").stat().st_uid, home.stat().st_gid) == (1234, 2345)


@as_root
def test_without_them_it_is_user_1000(home: Path) -> None:
    assert start(home).stdout == "1000:1000:1000\n"


@as_root
def test_nothing_in_the_home_changes_owner(home: Path) -> None:
    home.mkdir()
    (home / "photo.jpg").touch()
    start(home)
    assert (home.stat().st_uid, (home / "photo.jpg").stat().st_uid) == (1000, 0)


@as_root
def test_a_home_that_can_be_written_keeps_its_owner(home: Path) -> None:
    home.mkdir()
    os.chown(home, 4321, 1000)
    home.chmod(0o770)
    assert start(home, "touch $TIGERTAG_HOME/mine").returncode == 0
    assert home.stat().st_uid == 4321


@as_root
def test_groups_that_the_container_was_given_are_kept_and_roots_is_not(home: Path) -> None:
    given = ("setpriv", "--reuid=0", "--regid=0", "--groups=0,44,109")
    assert start(home, user=given).stdout == "1000:1000:1000 44 109\n"


@as_root
def test_the_capabilities_of_the_compose_file_are_enough_and_none_is_left(home: Path) -> None:
    bounded = ("setpriv", "--bounding-set=-all,+chown,+setgid,+setuid", "--inh-caps=-all")
    done = start(home, f"{WHO}; grep -E 'CapEff|NoNewPrivs' /proc/self/status", user=bounded)
    assert done.stdout.split() == [
        *("1000:1000:1000", "CapEff:", "0000000000000000", "NoNewPrivs:", "1")
    ]


@as_root
def test_started_as_another_user_it_stays_that_user_and_says_so(home: Path) -> None:
    done = start(home, user=other(), PUID="1000", PGID="1000")
    assert done.stdout == "4321:4321:4321\n"
    assert done.stderr == (
        "PUID and PGID have no effect: the container was started as 4321:4321.\n"
    )


@as_root
def test_a_puid_that_is_no_number_ends_it_with_one_line(home: Path) -> None:
    done = start(home, PUID="anna")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("TigerTag cannot start: PUID and PGID have to be numbers")


def test_signals_reach_the_command_itself(home: Path) -> None:
    assert start(home, "kill -TERM $$", PUID=OWN[0], PGID=OWN[1]).returncode == -15


def test_the_exit_code_is_the_commands(home: Path) -> None:
    assert start(home, "exit 3", PUID=OWN[0], PGID=OWN[1]).returncode == 3
