"""Settings as they may be shown, and the secrets that may not."""

from pathlib import Path

import pytest

from tigertag import settings
from tigertag.logs import Hider
from tigertag.settings import shown

SECRETS = {
    "TIGERTAG_PASSWORD": "correct horse",
    "TIGERTAG_API_KEY": "0123456789abcdef",
    "TIGERTAG_METRICS_TOKEN": "fedcba9876543210",
    "ENGINE_I_API_SECRET": "s3cr3t-of-imagga",
    "LIBRARY_P_TOKEN": "plex-token-1234",
}
ENVIRON = SECRETS | {
    "DB_URL": "postgresql://tigertag:db-pass-1@db/tigertag",
    "ENGINE_I_NAME": "tigertag.imagga",
    "LIBRARY_P_NAME": "tigertag.plex",
    "LIBRARY_P_URL": "http://me:url-pass-1@plex.local:32400/?X-Plex-Token=query-1",
}


def test_no_secret_is_shown(tmp_path: Path) -> None:
    read = settings.load(ENVIRON | {"TIGERTAG_HOME": str(tmp_path)})
    text = str(shown.shown(read))
    hidden = (*SECRETS.values(), "db-pass-1", "url-pass-1", "query-1")
    assert [secret for secret in hidden if secret in text] == []


def test_what_is_no_secret_is_shown(tmp_path: Path) -> None:
    read = settings.load(ENVIRON | {"TIGERTAG_HOME": str(tmp_path)})
    told = shown.shown(read)
    assert told["LOG_LEVEL"] == "INFO"
    assert told["libraries"]["p"]["NAME"] == "tigertag.plex"
    assert told["libraries"]["p"]["URL"] == "http://plex.local:32400/"
    assert told["web"]["TIGERTAG_API_KEY"] == "***"


def test_every_secret_is_known(tmp_path: Path) -> None:
    read = settings.load(ENVIRON | {"TIGERTAG_HOME": str(tmp_path)})
    assert {*SECRETS.values(), "db-pass-1", "url-pass-1"} <= shown.secrets(read)


def _hide(tmp_path: Path, **environ: str) -> Hider:
    read = settings.load({"TIGERTAG_HOME": str(tmp_path), **environ})
    return Hider(shown.secrets(read))


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("json://127.0.0.1:8080/tigertag?priority=high", "tigertag.bootstrap: 127.0.0.1, priority"),
        ("mailto://me:pass-word@mail.example.com?to=you", "mail.example.com: refused"),
        ("ntfys://localhost/webhooks/a-long-topic", "localhost: webhooks"),
    ],
)
def test_hosts_and_common_words_stay_readable(tmp_path: Path, url: str, line: str) -> None:
    assert _hide(tmp_path, NOTIFY_X_URL=url)(line) == line


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("mailto://me:pw-7x@mail.example.com", "pw-7x"),
        ("mailto://me:p%40ssword@mail.example.com", "p@ssword"),
        ("tgram://123456789:AbCdEfGhIjK/42", "AbCdEfGhIjK"),
        ("slack://TokenAaaa/TokenBbbb/TokenCccc", "TokenAaaa"),
        ("jsons://hooks.example.com/api/s3cr3t-of-path", "s3cr3t-of-path"),
        ("jsons://hooks.example.com/x?key=s3cr3t-of-query", "s3cr3t-of-query"),
        ("pover://an-user-key@atokenwithoutdots1", "atokenwithoutdots1"),
    ],
)
def test_credentials_paths_and_query_values_of_notices_are_hidden(
    tmp_path: Path, url: str, secret: str
) -> None:
    assert secret not in _hide(tmp_path, NOTIFY_X_URL=url)(f"It says {secret} now")


def test_a_password_that_is_the_programs_name_leaves_its_lines_readable(tmp_path: Path) -> None:
    hide = _hide(tmp_path, DB_URL="postgresql://tigertag:tigertag@db/tigertag")
    assert hide("tigertag.store: postgresql://tigertag:tigertag@db") == (
        "tigertag.store: postgresql://tigertag:***@db"
    )
