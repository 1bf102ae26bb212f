"""Signing in and out."""

from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from tigertag.errors import Throttled
from tigertag.web import state

blueprint = Blueprint("sign_in", __name__)

_EPOCH = "epoch"
_SESSION = "session"


def is_in() -> bool:
    """Whether this session signed in with the password that holds now."""
    return state.get().accounts.is_in(session.get(_SESSION, ""), session.get(_EPOCH, ""))


@blueprint.get("/sign-in")
def page() -> ResponseReturnValue:
    if is_in():
        return redirect(_target())
    return _page()


@blueprint.post("/sign-in")
def enter() -> ResponseReturnValue:
    accounts = state.get().accounts
    link, password = request.form.get("link", ""), request.form.get("password", "")
    if link:
        if not accounts.use_link(link):
            return _page("This link was used already, or is too old.", 403)
    else:
        try:
            if not accounts.check_password(password, request.remote_addr or ""):
                return _page("This is not the password.", 403)
        except Throttled as exc:
            response = _page(str(exc), 429)
            return *response, {"Retry-After": str(round(exc.retry_after_s))}
    target = _target()
    session.clear()
    session[_EPOCH] = accounts.epoch()
    session[_SESSION] = accounts.begin()
    session.permanent = True
    return redirect(target)


@blueprint.post("/sign-out")
def leave() -> ResponseReturnValue:
    state.get().accounts.end(session.get(_SESSION, ""))
    session.clear()
    return redirect(url_for("sign_in.page"))


def _page(error: str = "", status: int = 200) -> tuple[str, int]:
    return render_template("sign_in.html", error=error, next=_next()), status


def _next() -> str:
    return request.values.get("next", "")


def forget() -> None:
    """Forget a session that holds no more, but not the token of a form that is open."""
    session.pop(_EPOCH, None)
    session.pop(_SESSION, None)


def _target() -> str:
    """Return where to go: a page of ours, never an address elsewhere."""
    wanted = _next()
    parts = urlsplit(wanted)
    ours = wanted.startswith(f"{request.script_root}/") and not wanted.startswith("//")
    if (
        ours
        and wanted.isprintable()
        and "\\" not in wanted
        and not parts.scheme
        and not parts.netloc
    ):
        return wanted
    return f"{request.script_root}/"
