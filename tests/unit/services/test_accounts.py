"""Who may come in."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from tests.world import World
from tigertag.errors import RequestError, SettingsError, Throttled
from tigertag.services import accounts as service
from tigertag.services.accounts import Accounts, generated_password, network_of
from tigertag.store import accounts as rows

pytestmark = pytest.mark.slow


def left(path: Path | None) -> dict[str, str]:
    assert path is not None
    lines = path.read_text().splitlines()[1:]
    return dict(line.split(": ", 1) for line in lines)


def test_the_first_start_leaves_both_secrets_to_the_owner_alone(world: World) -> None:
    mine = Accounts(world.core)
    path = mine.ensure()
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secrets = left(path)
    assert mine.check_password(secrets["Password"], "10.0.0.1")
    assert mine.check_key(secrets["API key"])


def test_no_secret_is_kept_as_it_is(world: World) -> None:
    secrets = left(Accounts(world.core).ensure())
    database = (world.home / "tigertag.db").read_bytes() + (
        world.home / "tigertag.db-wal"
    ).read_bytes()
    assert [name for name, value in secrets.items() if value.encode() in database] == []


def test_processes_that_start_together_make_one_password(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = [
            path for path in pool.map(lambda _: Accounts(world.core).ensure(), range(8)) if path
        ]
    assert len(paths) == 1
    assert Accounts(world.core).check_password(left(paths[0])["Password"], "10.0.0.1")


def test_what_the_settings_give_is_not_generated(world: World) -> None:
    mine = Accounts(world.core, password="correct horse", api_key="k" * 32)
    assert mine.ensure() is None
    assert mine.check_password("correct horse", "10.0.0.1")
    assert mine.check_key("k" * 32)
    assert not mine.check_key("K" * 32)


def test_a_home_that_is_a_file_is_named(world: World) -> None:
    world.home = world.photos / "file"
    world.home.write_text("")
    with pytest.raises(SettingsError, match="TIGERTAG_HOME"):
        Accounts(world.core).ensure()


def test_guessing_is_stopped_even_for_the_right_password(world: World) -> None:
    mine = Accounts(world.core, password="correct horse")
    for _ in range(5):
        assert not mine.check_password("wrong", "10.0.0.1")
    with pytest.raises(Throttled, match="15 min"):
        mine.check_password("correct horse", "10.0.0.1")
    assert mine.check_password("correct horse", "10.0.0.2")


def test_after_a_quarter_of_an_hour_it_may_be_tried_again(world: World) -> None:
    mine = Accounts(world.core, password="correct horse")
    with time_machine.travel("2026-01-01T00:00Z", tick=False) as clock:
        for _ in range(5):
            mine.check_password("wrong", "10.0.0.1")
        clock.shift(timedelta(minutes=15, seconds=1))
        assert mine.check_password("correct horse", "10.0.0.1")


def test_a_second_start_keeps_what_nobody_may_have_read_yet(world: World) -> None:
    Accounts(world.core, api_key="k" * 32).ensure()
    secrets = left(Accounts(world.core).ensure())
    assert Accounts(world.core).check_password(secrets["Password"], "10.0.0.1")
    assert Accounts(world.core).check_key(secrets["API key"])


def test_of_two_homes_that_start_on_one_database_the_first_ones_secrets_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, leave, first = world.home / "late", service._leave, Accounts(world.core)
    secrets: list[dict[str, str]] = []

    def overtaken(home: Path, password: str, key: str) -> Path:
        if home == late:
            secrets.append(left(first.ensure()))
        return leave(home, password, key)

    monkeypatch.setattr(service, "_leave", overtaken)
    assert Accounts(replace(world.core, home=late)).ensure() is None
    assert not (late / "first-sign-in.txt").exists()
    assert first.check_key(secrets[0]["API key"])


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2")
    assert network_of("::ffff:10.0.0.1") == "10.0.0.1"
    assert network_of("x" * 500) == "unknown"


def test_a_new_password_ends_sessions_and_leaves_the_file(world: World) -> None:
    mine = Accounts(world.core)
    path = mine.ensure()
    before = mine.epoch()
    mine.set_password("another horse")
    assert mine.epoch() != before
    assert mine.check_password("another horse", "10.0.0.1")
    assert set(left(path)) == {"API key"}
    mine.new_key()
    assert path is not None
    assert not path.exists()


def test_a_password_that_the_settings_hold_is_not_changed_elsewhere(world: World) -> None:
    with pytest.raises(RequestError, match="TIGERTAG_PASSWORD"):
        Accounts(world.core, password="correct horse").set_password("another horse")


def test_a_link_signs_in_once(world: World) -> None:
    mine = Accounts(world.core)
    token = mine.link()
    assert [mine.use_link(one, "::1") for one in (token, token, "x")] == [True, False, False]


def test_a_link_grows_old(world: World) -> None:
    with time_machine.travel("2026-01-01T00:00Z", tick=False) as clock:
        token = Accounts(world.core).link()
        clock.shift(timedelta(minutes=31))
        assert not Accounts(world.core).use_link(token, "::1")


def test_old_attempts_are_forgotten(world: World) -> None:
    mine = Accounts(world.core, password="correct horse")
    with time_machine.travel("2026-01-01T00:00Z", tick=False) as clock:
        mine.check_password("wrong", "10.0.0.1")
        clock.shift(timedelta(hours=1))
        mine.check_password("wrong", "10.0.0.2")
        with world.store.read() as db:
            assert rows.attempts(db, "sign-in")[0] == 1


def test_generated_passwords_differ_and_can_be_typed() -> None:
    some = {generated_password() for _ in range(100)}
    assert len(some) == 100
    assert all(len(one) == 19 and not set(one) & set("0O1l") for one in some)
