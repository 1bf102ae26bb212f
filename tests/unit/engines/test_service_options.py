"""What the options of each engine that asks a service refuse and hide alike."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from tigertag.engines import compreface, imagga, openai

SECRET = "sk-secret-of-mine"
ENGINES: Mapping[str, tuple[type[BaseModel], str, dict[str, str]]] = {
    "compreface": (compreface.Options, "api_url", {"api_key": SECRET}),
    "imagga": (imagga.Options, "api_url", {"api_key": SECRET, "api_secret": SECRET}),
    "openai": (openai.Options, "base_url", {"api_key": SECRET, "model": "m"}),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def options(engine: str, **others: Any) -> BaseModel:
    model, _address, values = ENGINES[engine]
    return model.model_validate(values | others)


@pytest.mark.parametrize(
    "url",
    [
        "nas",
        "ftp://nas",
        "http://",
        "http://me:pw@nas",
        "http://nas?key=1",
        "http://nas#x",
        "http://nas:x",
        "http://a b",
        "localhost:11434",
    ],
)
def test_an_address_that_is_none_is_refused_with_an_example(engine: str, url: str) -> None:
    with pytest.raises(ValidationError, match=r"such as http|port"):
        options(engine, **{ENGINES[engine][1]: url})


def test_no_secret_is_shown(engine: str) -> None:
    assert SECRET not in f"{options(engine)!r} {options(engine)}"


def test_an_option_that_is_not_known_is_refused(engine: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        options(engine, verbose="1")


@pytest.mark.parametrize("secret", ["api_key", "api_secret"])
def test_a_secret_there_must_be(engine: str, secret: str) -> None:
    if secret in ENGINES[engine][2]:
        with pytest.raises(ValidationError):
            options(engine, **{secret: ""})


@pytest.mark.parametrize("engine", ["compreface", "openai"])
def test_a_key_that_fits_no_header_is_refused_without_showing_it(engine: str) -> None:
    with pytest.raises(ValidationError) as caught:
        options(engine, api_key="s3cret\nX: y")
    assert "api_key" in str(caught.value)
    assert "s3cret" not in str(caught.value)
