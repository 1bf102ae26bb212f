"""`tigertag password` and `tigertag work`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tigertag import bootstrap, settings
from tigertag.cli import main
from tigertag.scan.worker import home_lock
from tigertag.services.accounts import Accounts

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for key in ("DB_URL", "TIGERTAG_PASSWORD", "TIGERTAG_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("TIGERTAG_HOME", str(tmp_path))
    (tmp_path / "tigertag.db").touch()
    return tmp_path


def said(*arguments: str, typed: str = "", code: int = 0) -> str:
    result = CliRunner().invoke(main, list(arguments), input=typed)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def accounts(home: Path) -> Iterator[Accounts]:
    core = bootstrap.build(settings.load())
    bootstrap.open_store(core)
    yield Accounts(core)
    core.store.close()


def test_a_password_that_is_too_short_is_refused(home: Path) -> None:
    assert "8 characters" in said("password", typed="short\n", code=1)


def test_a_password_of_the_settings_cannot_be_set_here(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIGERTAG_PASSWORD", "correct horse")
    output = said("password", typed="another horse\n", code=1)
    assert "TIGERTAG_PASSWORD" in output
    assert "horse" not in output


def test_a_password_is_read_from_standard_input_and_not_shown(
    home: Path, accounts: Accounts
) -> None:
    assert "correct horse" not in said("password", typed="correct horse\n")
    assert accounts.check_password("correct horse", "10.0.0.1")


def test_a_generated_password_is_the_one_that_is_printed(home: Path, accounts: Accounts) -> None:
    printed = said("password", "--generate").splitlines()[0]
    assert accounts.check_password(printed, "10.0.0.1")


def test_a_new_key_is_printed_once_and_ends_the_old_one(home: Path, accounts: Accounts) -> None:
    first, second = (said("password", "--api-key").strip() for _ in range(2))
    assert [accounts.check_key(key) for key in (first, second)] == [False, True]


def test_a_link_leads_to_the_sign_in_with_its_token_where_no_server_sees_it(
    home: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIGERTAG_BASE_PATH", "/tiger")
    address, _mark, token = said("password", "--link").strip().partition("#link=")
    assert address == "http://127.0.0.1:5000/tiger/sign-in"
    assert accounts.use_link(token, "::1")


def test_one_process_works_for_a_home(home: Path) -> None:
    with home_lock(home) as free:
        assert free
        assert "Another process" in said("work")


def test_work_ends_with_its_input(home: Path) -> None:
    said("work", typed="\n\n")
