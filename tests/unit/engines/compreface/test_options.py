"""What can be set, and what is refused."""

import pytest
from pydantic import ValidationError

from tigertag.engines.compreface import Options

pytestmark = pytest.mark.slow


def options(**told: object) -> Options:
    return Options.model_validate({"api_key": "s3cret"} | told)


def test_an_address_that_is_more_than_a_host_is_refused() -> None:
    with pytest.raises(ValidationError, match="http://nas"):
        options(api_url="http://nas/face")


def test_two_ports_are_refused() -> None:
    with pytest.raises(ValidationError, match="two ports"):
        options(api_url="http://nas:9000", api_port="8000")


@pytest.mark.parametrize("name", ["det_prob", "api_port"])
@pytest.mark.parametrize("value", ["-1", "70000", "nan", ""])
def test_a_number_that_is_out_of_bounds_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        options(**{name: value})


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ({}, "http://localhost:8000"),
        ({"api_url": "https://nas/", "api_port": "443"}, "https://nas:443"),
        ({"api_url": "http://nas:9000"}, "http://nas:9000"),
        ({"api_url": "http://[::1]"}, "http://[::1]:8000"),
    ],
)
def test_an_address_is_put_together(told: dict[str, object], address: str) -> None:
    assert options(**told).address == address
