"""The fake Immich answers what a real Immich 3.1 answered to the same requests."""

from collections.abc import Mapping

import pytest

from tests.unit.libraries.immich.recorded import Record, records, replayed, world


@pytest.fixture(scope="module")
def differences() -> Mapping[tuple[str, int], list[str]]:
    """What the fake does otherwise, by file and place of the request."""
    server = world()
    with server:
        found = [differences for _record, differences in replayed(server)]
    return {(record.file, at): found[at] for at, record in enumerate(records())}


@pytest.mark.parametrize(
    ("at", "record"),
    [pytest.param(at, one, id=f"{one.file} {one.name[:60]}") for at, one in enumerate(records())],
)
def test_the_fake_answers_as_the_real_server_did(
    differences: Mapping[tuple[str, int], list[str]], at: int, record: Record
) -> None:
    assert differences[record.file, at] == []
