"""A fake Immich of each version, and who writes to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.asking import Client
from tests.unit.libraries.immich.places import VERSIONS, Place
from tests.unit.libraries.immich.writers import EXTRACTION_S, WriterPlace
from tests.unit.libraries.server_place import opened

MakeWriter = Callable[..., WriterPlace]


@pytest.fixture
def server() -> Iterator[ImmichServer]:
    with ImmichServer("3.1") as made:
        made.extraction_s = EXTRACTION_S
        yield made


@pytest.fixture
def client(server: ImmichServer) -> Client:
    return Client(server)


@pytest.fixture
def new_writer(server: ImmichServer) -> Iterator[MakeWriter]:
    with ExitStack() as closing:

        def make(**options: Any) -> WriterPlace:
            return WriterPlace(server, closing, **options)

        yield make


@pytest.fixture
def place(new_writer: MakeWriter) -> WriterPlace:
    return new_writer()


@pytest.fixture(params=VERSIONS)
def media(request: pytest.FixtureRequest) -> Iterator[ImmichServer]:
    """Each version, which list by pages and by a cursor."""
    with ImmichServer(request.param) as started:
        yield started


@pytest.fixture
def photos(media: ImmichServer) -> Iterator[Place]:
    """A library that is open, over each version."""
    yield from opened(Place(media))
