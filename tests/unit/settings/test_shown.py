"""Settings as they may be shown, and the secrets that may not."""

from pathlib import Path

from tigertag import settings
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
