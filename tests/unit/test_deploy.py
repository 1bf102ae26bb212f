"""The dashboard and the alerts name metrics that there are."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tigertag.services.metrics import METRICS

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = re.compile(r"\btigertag_[a-z_]+")


def expressions(file: str) -> list[str]:
    text = (DEPLOY / file).read_text(encoding="utf-8")
    if file.endswith(".json"):
        panels = json.loads(text)["panels"]
        return [target["expr"] for panel in panels for target in panel.get("targets", ())]
    groups = yaml.safe_load(text)["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("file", ["grafana.json", "alerts.yml"])
def test_each_metric_that_is_named_exists(file: str) -> None:
    series = {name for metric in METRICS.values() for name in metric.series}
    named = {name for expression in expressions(file) for name in NAME.findall(expression)}
    assert named
    assert named - series == set()


def test_the_dashboard_shows_every_metric() -> None:
    named = set(NAME.findall(" ".join(expressions("grafana.json"))))
    unseen = [metric.name for metric in METRICS.values() if not named & set(metric.series)]
    assert unseen == []
