"""deploy/kubernetes.yaml: its parts fit each other, the image, the settings and the commands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.compose import services
from tigertag import settings
from tigertag.cli import main
from tigertag.services.metrics import METRICS

CHECKOUT = Path(__file__).parents[3]
TEXT = (CHECKOUT / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8")
DOCUMENTS: list[dict[str, Any]] = [*yaml.safe_load_all(TEXT)]
DOCUMENTS = [document for document in DOCUMENTS if document]
COMPOSE = services((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"), {}, "cluster")


def objects(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in DOCUMENTS if each["kind"] == kind}


DEPLOYMENTS = objects("Deployment")
deployment = pytest.mark.parametrize("name", DEPLOYMENTS)


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = DEPLOYMENTS[name]["spec"]["template"]
    return found


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def commands(name: str) -> Iterator[list[str]]:
    yield container(name)["args"]
    for key, probe in container(name).items():
        if key.endswith("Probe") and "exec" in probe:
            yield probe["exec"]["command"]


def test_no_two_objects_of_a_kind_have_one_name() -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in DOCUMENTS]
    assert len(names) == len({*names}) == 8


def test_selectors_choose_the_pods_that_they_mean() -> None:
    for name, made in DEPLOYMENTS.items():
        assert made["spec"]["selector"]["matchLabels"] == pod(name)["metadata"]["labels"]
    (service,) = objects("Service").values()
    chosen = service["spec"]["selector"].items()
    assert [name for name in DEPLOYMENTS if chosen <= pod(name)["metadata"]["labels"].items()] == [
        "tigertag"
    ]
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] in {each["name"] for each in container("tigertag")["ports"]}


@deployment
def test_what_a_pod_refers_to_exists(name: str) -> None:
    references = container(name)["envFrom"]
    assert {each["configMapRef"]["name"] for each in references if "configMapRef" in each} == {
        *objects("ConfigMap")
    }
    assert {each["secretRef"]["name"] for each in references if "secretRef" in each} == {
        *objects("Secret")
    }
    volumes = {volume["name"]: volume for volume in pod(name)["spec"]["volumes"]}
    assert {mount["name"] for mount in container(name)["volumeMounts"]} == {*volumes}
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes.values()
        if "persistentVolumeClaim" in volume
    ]
    assert {*claims} <= {*objects("PersistentVolumeClaim")}


def test_the_settings_are_known_and_can_be_used(tmp_path: Path) -> None:
    given = objects("ConfigMap")["tigertag"]["data"] | objects("Secret")["tigertag"]["stringData"]
    read = settings.load(given | {"TIGERTAG_HOME": str(tmp_path)})
    assert read.problems == ()
    assert [library.problem for library in read.libraries] == [""] * len(read.libraries)
    assert read.broker_url
    assert read.db_url.startswith("postgresql")


@deployment
def test_what_it_runs_is_a_command_of_the_image(name: str) -> None:
    assert container(name)["image"] == COMPOSE["tigertag"]["image"]
    for program, command, *options in commands(name):
        assert program == "tigertag"
        found = main.get_command(click.Context(main), command)
        assert found is not None, command
        known = {
            text for each in found.params if isinstance(each, click.Option) for text in each.opts
        }
        assert {option for option in options if option.startswith("-")} <= known


@deployment
def test_a_pod_is_confined_as_compose_confines_a_container(name: str) -> None:
    composed = COMPOSE["tigertag"]
    confined = container(name)["securityContext"]
    assert confined["readOnlyRootFilesystem"] == composed["read_only"]
    assert confined["capabilities"]["drop"] == composed["cap_drop"]
    assert not confined["allowPrivilegeEscalation"]
    assert pod(name)["spec"]["securityContext"]["runAsNonRoot"]
    writable = {"/config", *composed["tmpfs"]}
    assert writable <= {mount["mountPath"] for mount in container(name)["volumeMounts"]}
    assert pod(name)["spec"]["terminationGracePeriodSeconds"] == int(
        composed["stop_grace_period"].removesuffix("s")
    )


def test_workers_mount_the_photos_where_the_service_does() -> None:
    photos = [
        mount
        for name in DEPLOYMENTS
        for mount in container(name)["volumeMounts"]
        if mount["name"] == "photos"
    ]
    assert len(photos) == len(DEPLOYMENTS)
    assert all(mount == photos[0] for mount in photos)


def test_the_autoscaler_scales_what_there_is_by_a_metric_that_there_is() -> None:
    (scaler,) = objects("HorizontalPodAutoscaler").values()
    target = scaler["spec"]["scaleTargetRef"]
    assert DEPLOYMENTS[target["name"]]["apiVersion"] == target["apiVersion"]
    assert "replicas" not in DEPLOYMENTS[target["name"]]["spec"]
    (metric,) = scaler["spec"]["metrics"]
    series = {name for each in METRICS.values() for name in each.series}
    _before, rule = TEXT.split("externalRules:")
    named = {*re.findall(r"\btigertag_[a-z_]+", rule.partition("#\n")[0])}
    assert named == {metric["external"]["metric"]["name"]} <= series
