"""The compose files: what they set is known, and fits the image and the README."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compose import services
from tests.containers import instructions
from tigertag import settings

CHECKOUT = Path(__file__).parents[3]
FILES = ("compose.yaml", "deploy/compose.immich.yaml", "deploy/compose.jellyfin.yaml")
OVERLAY = "deploy/compose.postgres.yaml"
OF_THE_IMAGE = {"PUID", "PGID"}
DOCKERFILE = [*instructions(CHECKOUT / "Dockerfile")]


def compose(name: str, *profiles: str, password: str = "") -> dict[str, dict[str, Any]]:
    """The services that a file starts; `password` turns the cluster on."""
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    variables = {"DB_PASSWORD": "x", "IMMICH_KEY": "x", "JELLYFIN_KEY": "x", "MEDIA": "/media"}
    return services(text, variables | {"CLUSTER_PASSWORD": password}, *profiles)


def service(name: str) -> dict[str, Any]:
    return compose(name)["tigertag"]


def cluster() -> dict[str, dict[str, Any]]:
    return compose("compose.yaml", "cluster", password="secret")


def load(environment: dict[str, str], home: Path) -> settings.Settings:
    given = {key: value for key, value in environment.items() if key not in OF_THE_IMAGE}
    return settings.load(given | {"TIGERTAG_HOME": str(home)})


@pytest.mark.parametrize("name", [*FILES, OVERLAY])
def test_it_sets_nothing_that_is_unknown(name: str, tmp_path: Path) -> None:
    read = load(service(name)["environment"], tmp_path)
    assert read.problems == ()
    assert [library.problem for library in read.libraries] == [""] * len(read.libraries)


@pytest.mark.parametrize("name", FILES)
def test_it_keeps_the_images_volume_and_serves_its_port(name: str) -> None:
    (volume,) = [rest for step, rest in DOCKERFILE if step == "VOLUME"]
    (port,) = [rest for step, rest in DOCKERFILE if step == "EXPOSE"]
    mounted = [mount.split(":")[1] for mount in service(name)["volumes"]]
    assert mounted[0] == volume
    assert [published.split(":")[1] for published in service(name)["ports"]] == [port]


@pytest.mark.parametrize("name", FILES)
def test_it_names_the_image_that_is_published(name: str) -> None:
    workflow = (CHECKOUT / ".github/workflows/image.yml").read_text(encoding="utf-8")
    (published,) = re.findall(r"^  IMAGE: .*'(\S+)' \}\}$", workflow, re.MULTILINE)
    assert service(name)["image"] == f"{published}:latest"


def test_it_gives_the_image_longer_to_stop_than_that_takes() -> None:
    assert [service(name)["stop_grace_period"] for name in FILES] == ["30s"] * len(FILES)


def test_the_overlay_reaches_the_database_that_it_starts() -> None:
    overlay = compose(OVERLAY)
    made = overlay["db"]["environment"]
    url = overlay["tigertag"]["environment"]["DB_URL"]
    user, password = made["POSTGRES_USER"], made["POSTGRES_PASSWORD"]
    assert url == f"postgresql://{user}:{password}@db/{made['POSTGRES_DB']}"


def test_the_readme_shows_what_compose_yaml_says() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(services:\n.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (name, full), *others = compose("compose.yaml").items()
    alone = {key: value for key, value in full["environment"].items() if value}
    assert yaml.safe_load(shown)["services"] == {name: full | {"environment": alone}}
    assert others == []


def test_a_service_without_the_cluster_keeps_to_itself(tmp_path: Path) -> None:
    read = load(service("compose.yaml")["environment"], tmp_path)
    assert (read.db_url, read.broker_url) == (f"sqlite:///{tmp_path}/tigertag.db", "")


def test_all_machines_of_the_cluster_have_the_same_settings_and_reach_what_it_starts() -> None:
    started = cluster()
    assert [*started] == ["tigertag", "worker", "postgres", "redis"]
    settings_of_all = started["tigertag"]["environment"]
    assert started["worker"]["environment"] == settings_of_all
    made = started["postgres"]["environment"]
    user, password = made["POSTGRES_USER"], made["POSTGRES_PASSWORD"]
    url = f"postgresql://{user}:{password}@postgres/{made['POSTGRES_DB']}"
    assert settings_of_all["DB_URL"] == url
    assert settings_of_all["TIGERTAG_BROKER_URL"] == "redis://redis:6379/0"


def test_a_worker_is_confined_as_the_service_is_and_has_a_home_of_its_own() -> None:
    whole, worker = cluster()["tigertag"], cluster()["worker"]
    own = {"profiles", "command", "ports", "volumes", "depends_on", "deploy", "healthcheck"}
    assert {key for key in worker if worker[key] != whole.get(key)} == own
    assert (worker["ports"], worker["volumes"]) == ([], ["/config"])


def test_the_overlay_of_postgresql_touches_nothing_of_the_cluster() -> None:
    assert {*compose(OVERLAY)} & {*cluster()} == {"tigertag"}


def test_photos_are_mounted_into_workers_as_into_the_service() -> None:
    text = (CHECKOUT / "compose.yaml").read_text(encoding="utf-8")
    mounts = re.findall(r"^      # - (/\S+)$", text, re.MULTILINE)
    assert len(mounts) == 2
    assert len({*mounts}) == 1


def readme_environments() -> list[dict[str, str]]:
    """What the README puts below `environment:`, a block each."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n((?: {6}[A-Z_]+: .*\n)+)```", readme, re.MULTILINE)
    return [yaml.safe_load(block) for block in blocks]


@pytest.mark.parametrize("environment", readme_environments(), ids=lambda made: next(iter(made)))
def test_what_the_readme_sets_is_known_and_can_be_used(
    environment: dict[str, str], tmp_path: Path
) -> None:
    read = load(service("compose.yaml")["environment"] | environment, tmp_path)
    assert read.problems == ()
    parts = [part for group in fields(read) for part in as_tuple(getattr(read, group.name))]
    assert [part for part in parts if getattr(part, "problem", "")] == []


def as_tuple(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def test_the_readme_shows_each_library_and_how_to_set_it_and_forget_it() -> None:
    keys = [next(iter(made.values())) for made in readme_environments()]
    libraries = ("immich", "plex", "jellyfin", "emby", "folder")
    assert keys[:-1] == [f"tigertag.{name}" for name in libraries]
    assert len(readme_environments()[-1]) == 10
