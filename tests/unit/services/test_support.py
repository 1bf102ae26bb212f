"""The support bundle: it helps, and gives nothing away."""

import io
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.world import World
from tigertag import bootstrap, settings
from tigertag.core import Core
from tigertag.logs import SharedFile, TextLines
from tigertag.services import events, logs, support
from tigertag.settings import shown

SECRETS = {
    "TIGERTAG_PASSWORD": "correct horse battery",
    "TIGERTAG_API_KEY": "key-0123456789abcdef",
    "TIGERTAG_METRICS_TOKEN": "tok-0123456789abcdef",
    "ENGINE_I_API_KEY": "acc_0123456789",
    "ENGINE_I_API_SECRET": 'quote"\\back-slash',
    "LIBRARY_P_TOKEN": "plex-token-0123",
    "NOTIFY_ME_URL": "tgram://bot-token-0123/chat-4567",
}
ENVIRON = SECRETS | {
    "ENGINE_I_NAME": "tigertag.imagga",
    "LIBRARY_P_NAME": "tigertag.plex",
    "LIBRARY_P_URL": "http://me:url-password@127.0.0.1:9/",
}
HIDDEN = (*SECRETS.values(), "bot-token-0123", "url-password", "first-password")


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """Everything that TigerTag keeps, with each secret in each place that takes a text."""
    read = settings.load(ENVIRON | {"TIGERTAG_HOME": str(tmp_path)})
    made = bootstrap.build(read)
    bootstrap.open_store(made)
    (tmp_path / "first-sign-in.txt").write_text("first-password")
    everything = " ".join(HIDDEN[:-1])
    for role in logs.ROLES:
        logs.path(made, role).parent.mkdir(exist_ok=True)
        logs.path(made, role).write_text(f"ERROR {everything}\nhttp://a:url-password@b\n")
    events.record(made, "error", "engine", f"refused {everything}")
    yield made
    made.store.close()


def bundled(core: Core) -> dict[str, str]:
    stream = io.BytesIO()
    support.bundle(core, stream)
    with ZipFile(stream) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_no_secret_is_in_a_bundle(core: Core) -> None:
    parts = bundled(core)
    spelt = {secret: (secret, json.dumps(secret)[1:-1]) for secret in HIDDEN}
    leaks = [
        (name, secret)
        for name, text in parts.items()
        for secret, spellings in spelt.items()
        if any(spelling in text for spelling in spellings)
    ]
    assert leaks == []


def test_it_tells_what_support_asks_for_first(core: Core) -> None:
    parts = {name: json.loads(text) for name, text in bundled(core).items() if "json" in name}
    assert parts["about.json"]["version"]
    assert parts["settings.json"]["engines"]["i"]["NAME"] == "tigertag.imagga"
    assert parts["database.json"]["revision"] == parts["database.json"]["newest_revision"]
    assert parts["database.json"]["rows"]["events"] == len(parts["events.json"])
    assert any(event["message"].startswith("refused") for event in parts["events.json"])
    assert parts["metrics.json"]["tigertag_scans"]
    assert parts["workers.json"]["workers"] == []


def test_no_name_of_a_picture_is_in_a_bundle(world: World) -> None:
    world.picture("Anna in Rome.png", "red")
    world.scan("apply")
    file = logs.path(world.core, "work")
    log = SharedFile(file)
    log.setFormatter(TextLines())
    for name in ("/photos/Anna in Rome.png", "Anna/IMG_1.HEIC", '"Anna in Rome.png"'):
        log.handle(logging.makeLogRecord({"msg": f"reading {name} hit a bug"}))
        events.record(world.core, "error", "scan", f"{name} could not be read")
    text = " ".join(bundled(world.core).values())
    assert "Rome.png" not in text
    assert "IMG_1" not in text
    assert "hit a bug" in text


def test_a_database_that_cannot_be_used_is_named_in_its_place(core: Core) -> None:
    core.store.close()
    assert core.store.sqlite_path is not None
    core.store.sqlite_path.write_bytes(b"no database" * 1000)
    parts = bundled(core)
    assert "damaged" in json.loads(parts["database.json"])["problem"]
    assert json.loads(parts["about.json"])["version"]


def test_secrets_of_all_settings_are_known_to_the_core(core: Core) -> None:
    read = settings.load(ENVIRON | {"TIGERTAG_HOME": str(core.home)})
    assert set(SECRETS.values()) <= core.secrets == shown.secrets(read)
    assert not any(secret in repr(core) for secret in SECRETS.values())


def test_a_log_made_to_slow_it_down_does_not(core: Core) -> None:
    lines = ["/a" * 9_000, "x" * 19_000, "/" * 19_000, "a.jpg/" * 3_000] * 100
    logs.path(core, "web").write_text("\n".join(lines) + "\n")
    begun = time.monotonic()
    bundled(core)
    assert time.monotonic() - begun < 15
