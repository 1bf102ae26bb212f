"""What a line of the log holds."""

import json
import logging
from typing import Any

import pytest

from tigertag.logs import JsonLines, TextLines, about

KEY = "acc_0123456789abcdef"


def record(message: str, *, bug: Exception | None = None) -> logging.LogRecord:
    exc_info: Any = None if bug is None else (type(bug), bug, bug.__traceback__)
    return logging.LogRecord("tigertag.scan", logging.ERROR, "", 0, message, (), exc_info)


def test_a_line_names_what_it_is_about() -> None:
    with about(scan=12), about(engine="imagga", item="7"):
        line = TextLines().format(record("no answer"))
    assert line.endswith("ERROR tigertag.scan: no answer [scan=12 engine=imagga item=7]")


def test_ids_are_forgotten_with_what_they_were_about() -> None:
    with about(scan=12):
        pass
    assert "scan=" not in TextLines().format(record("idle"))


def test_an_event_never_looks_like_two() -> None:
    text = TextLines().format(record("a\n2026-11-29 INFO tigertag: forged", bug=ValueError("no")))
    assert all(line.startswith(" ") for line in text.splitlines()[1:])


def test_json_is_an_object_a_line_also_with_a_traceback() -> None:
    with about(scan=3):
        line = JsonLines().format(record("a\nb", bug=ValueError("no")))
    assert "\n" not in line
    event = json.loads(line)
    assert (event["message"], event["scan"], event["level"]) == ("a\nb", 3, "ERROR")
    assert "ValueError: no" in event["exception"]


@pytest.mark.parametrize("lines", [TextLines, JsonLines])
def test_no_secret_is_in_a_line(lines: type[TextLines] | type[JsonLines]) -> None:
    form = lines([KEY, "hunter2", "abc"])
    bug = ValueError(f"refused: {KEY}x")
    line = form.format(record("http://me:pass@host hunter2 abc", bug=bug))
    assert not any(secret in line for secret in (KEY, "hunter2", "pass@"))
    assert "abc" in line


def test_a_short_secret_does_not_cut_into_other_words() -> None:
    assert "catalogue ***" in TextLines(["cats", "cata"]).format(record("catalogue cats"))
