"""The page about hooks: made, shown once with their address, and revoked."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.services import hooks, libraries, library_watches
from tigertag.services.hooks import NewHook
from tigertag.web import state
from tigertag.web.api.hooks import address_of
from tigertag.web.dashboard import request

pages = Blueprint("hooks", __name__)


@pages.get("/setup/hooks")
def show() -> ResponseReturnValue:
    """List the hooks."""
    return _page()


@pages.post("/setup/hooks")
def add() -> ResponseReturnValue:
    """Make a hook, and show its address this once. Raises `RequestError`."""
    library, section = request.library_and_section()
    name, write = request.text("name"), request.text("write") or "preview"
    return _page(hooks.add(state.core(), name, library=library, section=section, write=write))


@pages.post("/setup/hooks/<int:hook_id>/revoke")
def revoke(hook_id: int) -> ResponseReturnValue:
    """Revoke a hook. Raises `NotFound`."""
    hooks.remove(state.core(), hook_id)
    return redirect(url_for(".show"), 303)


def _page(new: NewHook | None = None) -> ResponseReturnValue:
    core = state.core()
    return render_template(
        "hooks.html",
        hooks=hooks.listed(core),
        new=new,
        address=address_of(new.token) if new else "",
        libraries=libraries.listed(core),
        watches=library_watches.problems(core),
        quiet_s=round(core.hook_quiet_s),
    )
