"""Every example of docs/rest.md, in its order, is true of a service that was just set up."""

import json
import re
import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.world import World
from tigertag.model import Label
from tigertag.scan import calls
from tigertag.services import scan_status

_DOC = Path(__file__).parents[4] / "docs" / "rest.md"
_BLOCK = re.compile(r"```(sh|json|http)\n(.*?)```", re.DOTALL)
_BASE = "http://127.0.0.1:5000/api/v1"
# What follows from the order of the examples, and is the same wherever they are tried.
_EXACT = {"state", "kind", "mode", "write", "source", "status", "level", "field", "detail"}
_STAYS = ("pause", "resume", "cancel")


def test_every_example_is_true(world: World, rest: FlaskClient) -> None:
    world.engine.extra = (Label("cat", 0.93),)
    examples = _examples()
    assert len(examples) == 41
    for line, shown in examples:
        call = _parsed(line)
        if call.address.endswith("/health"):
            (world.home / "first-sign-in.txt").touch()
        if call.address.endswith("/usage"):
            _spend(world)
        if not call.address.endswith(_STAYS):
            _work(world)
        _compare(_answer(rest, call), shown, line)


def test_every_route_is_spoken_of(rest: FlaskClient) -> None:
    text = _DOC.read_text(encoding="utf-8")
    for rule in rest.application.url_map.iter_rules():
        words = re.findall(r"[a-z]+(?![^<]*>)", rule.rule.removeprefix("/api/v1/"))
        if rule.rule.startswith("/api/v1/"):
            assert all(word in text for word in words), rule.rule


def _examples() -> list[tuple[str, tuple[str, str] | None]]:
    """Each call of curl, and the block that shows its answer, if one follows."""
    blocks = _BLOCK.findall(_DOC.read_text(encoding="utf-8"))
    found = []
    for (kind, text), following in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "sh" and text.startswith("curl "):
            found.append((text, following if following[0] in ("json", "http") else None))
    return found


def _parsed(line: str) -> Namespace:
    """What curl would do."""
    curl = ArgumentParser()
    curl.add_argument("-i", action="store_true")
    for option in ("-X", "-H", "-o", "--json"):
        curl.add_argument(option)
    curl.add_argument("address")
    words = shlex.split(line.replace("$TIGERTAG", _BASE).replace("$KEY", "k" * 32))
    return curl.parse_args(words[1:])


def _answer(rest: FlaskClient, call: Namespace) -> TestResponse:
    name, _, key = call.H.partition(": ")
    body = {"data": call.json, "content_type": "application/json"} if call.json else {}
    method = call.X or ("POST" if call.json else "GET")
    path = call.address.removeprefix("http://127.0.0.1:5000")
    return rest.open(path, method=method, headers={name: key}, **body)


def _work(world: World) -> None:
    """Do what the service does beside."""
    for status in scan_status.active(world.core):
        world.run(status.scan.id)


def _spend(world: World) -> None:
    """Send a picture to a service."""
    core = world.core
    ledger = calls.of_items(core, core.engine("colour"))
    ledger.reserve("1", host="h.test", size_bytes=9, units=1).settle(units=1, cost_usd=0.0)


def _compare(answer: TestResponse, shown: tuple[str, str] | None, where: str) -> None:
    if shown is None:
        assert answer.status_code == 200, where
        return
    kind, text = shown
    head, _, body = text.partition("\n\n") if kind == "http" else ("HTTP/1.1 200 OK", "", text)
    status, *headers = head.strip().splitlines()
    assert f"HTTP/1.1 {answer.status}" == status, where
    for header in headers:
        name, _, value = header.partition(": ")
        assert answer.headers[name] == value, where
    if body.strip():
        _alike(answer.get_json(), json.loads(body), where)


def _is_exact(key: str, shown: Any) -> bool:
    if key == "at":
        return isinstance(shown, float)
    return key in _EXACT or (key in ("id", "scan") and isinstance(shown, int))


def _alike(got: Any, shown: Any, where: str, key: str = "") -> None:
    """Whether it has the same fields, of the same kinds."""
    told = f"{where} {key}: {got}"
    if isinstance(shown, dict):
        assert set(got) == set(shown), told
        for name, value in shown.items():
            _alike(got[name], value, where, name)
    elif isinstance(shown, list):
        assert isinstance(got, list), told
        if shown:
            _alike(got[0], shown[0], where, key)
    elif _is_exact(key, shown):
        assert got == shown, told
    elif shown is not None and got is not None:
        assert isinstance(got, type(shown)), told
