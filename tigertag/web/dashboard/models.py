"""The part of Setup about models: fetched, checked and removed, and a look at what one adds."""

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.scan.listing import SAMPLE
from tigertag.services import models, scans
from tigertag.services.models import ModelView
from tigertag.services.scans import Request
from tigertag.web import state
from tigertag.web.dashboard import request

pages = Blueprint("models", __name__)


@pages.get("/setup/models")
def show() -> ResponseReturnValue:
    """Render the models; the page polls this while one is fetched."""
    return render_template("_models.html", **context())


@pages.post("/setup/models/<name>/fetch")
def fetch(name: str) -> ResponseReturnValue:
    """Start a download. Raises `NotFound`."""
    state.get().model_fetches.start(name)
    return _shown()


@pages.post("/setup/models/<name>/stop")
def stop(name: str) -> ResponseReturnValue:
    """Stop a download; what it has loaded is kept. Raises `NotFound`, `Conflict`."""
    state.get().model_fetches.stop(name)
    return _shown()


@pages.post("/setup/models/<name>/remove")
def remove(name: str) -> ResponseReturnValue:
    """Remove a model's file. Raises `NotFound`, `Conflict`."""
    state.get().model_fetches.remove(name)
    return _shown()


@pages.post("/setup/models/<name>/verify")
def verify(name: str) -> ResponseReturnValue:
    """Read a model's file again. Raises `NotFound`."""
    return _shown(verified=state.get().model_fetches.verify(name))


@pages.post("/setup/sample")
def sample() -> ResponseReturnValue:
    """Preview what the detectors add, on a sample of a section."""
    library, section = request.library_and_section()
    core = state.core()
    wanted = Request(library, section, "sample", engines=models.detectors(core))
    scan_id = scans.start(core, wanted)
    state.get().worker.wake()
    return redirect(url_for("dashboard.scans.show", scan_id=scan_id), 303)


def context(verified: ModelView | None = None) -> dict[str, object]:
    """Return what `_models.html` shows; `verified`: the model that was checked just now."""
    views = state.get().model_fetches.listed()
    return {
        "models": views,
        "offered": models.recommended(views),
        "detectors": models.detectors(state.core()),
        "unusable": models.unusable_detectors(state.core()),
        "sections": _with_items(views),
        "sample": SAMPLE,
        "verified": verified and verified.model.name,
    }


def _with_items(views: Sequence[ModelView]) -> list[object]:
    """Return the sections that a sample can be taken of; none while there is no detector."""
    if models.recommended(views):
        return []
    return [view for view in request.all_sections() if view.items]


def _shown(verified: ModelView | None = None) -> ResponseReturnValue:
    if request.by_htmx():
        return render_template("_models.html", **context(verified))
    return redirect(url_for("dashboard.setup.setup", _anchor="models"), 303)
