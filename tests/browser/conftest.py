import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from tests.absent import absent
from tests.browser.visitor import PASSWORD, Visitor
from tests.world import World
from tigertag.core import Core
from tigertag.settings import WebSettings
from tigertag.web.app import create_app

Visits = Callable[..., Visitor]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        absent("Chromium")
    return {**browser_type_launch_args, "executable_path": path, "args": ["--no-sandbox"]}


@contextmanager
def serving(core: Core, *, base_path: str = "", work: bool = True) -> Iterator[str]:
    """Serve the whole application, scans and all, on loopback."""
    app = create_app(core, WebSettings(PASSWORD, "k" * 32, base_path=base_path), work=work)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{base_path}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["tigertag"].worker.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, f"sqlite:///{tmp_path}/tigertag.db")
    yield made
    made.close()


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with serving(world.core) as where:
        yield where


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visits]:
    """Open a browser of a size and a colour scheme; it must not complain about anything."""
    visitors = []

    def come(address: str, *, width: int = 1280, scheme: Any = "light") -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(15_000)
        visitors.append(Visitor(context.new_page(), address))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.page.context.close()
