"""Access: a session for pages, a key for REST, and the page to sign in."""

from datetime import timedelta
from posixpath import normpath
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, Response, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import BadRequest, NotFound, Unauthorized

from tigertag import __version__
from tigertag.errors import Throttled
from tigertag.services.accounts import SESSION_LASTS
from tigertag.web import headers, state

_API = "/api/"
_REST = "/api/v1"
_WITHOUT_KEY = frozenset({"api_hooks.announce"})
# /metrics asks for a token of its own.
_PUBLIC = frozenset({"healthz", "metrics", "sign_in.page", "sign_in.enter"})
_PUBLIC_FILES = "public/"
_FILES_KEPT = timedelta(days=30)
_LONGEST_BODY_BYTES = 64 * 1024
_EPOCH = "epoch"
_SESSION = "session"

_STALE = "This page was open for too long; reload it and try again."
_FOREIGN = (
    "The browser uses another address than the one that reaches TigerTag. Behind a proxy, set"
    " TIGERTAG_TRUSTED_PROXIES and let it send X-Forwarded-Host and X-Forwarded-Proto."
)

csrf = CSRFProtect()
sign_in = Blueprint("sign_in", __name__)


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie; a session over https sends it over https alone."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def register(app: Flask) -> None:
    app.config.update(
        SECRET_KEY=state.of(app).accounts.secret(),
        SESSION_COOKIE_NAME="tigertag",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION_LASTS,
        # Else a picture still loading while its user signs out would bring the cookie back.
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=_LONGEST_BODY_BYTES,
        SEND_FILE_MAX_AGE_DEFAULT=_FILES_KEPT,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.session_interface = Sessions()
    csrf.init_app(app)
    app.before_request(_guard)
    app.url_defaults(_with_version)
    app.after_request(headers.secure)
    app.register_blueprint(sign_in)


def _with_version(endpoint: str, values: dict[str, object]) -> None:
    """Let browsers cache files, but only those of this version."""
    if endpoint == "static":
        values.setdefault("v", __version__)


def _guard() -> ResponseReturnValue | None:
    if request.path == _REST or request.path.startswith(f"{_REST}/"):
        if request.endpoint not in _WITHOUT_KEY:
            _check_key()
        return None
    if isinstance(request.routing_exception, NotFound):
        # A program that looks for what is not here gets 404, not a redirect to the sign-in page.
        return None
    try:
        csrf.protect()
    except CSRFError as exc:
        raise BadRequest(_FOREIGN if "referrer" in str(exc.description) else _STALE) from exc
    if _is_public() or is_signed_in():
        return None
    if request.path.startswith(_API):
        _check_key()
        return None
    return _send_to_sign_in()


def _is_public() -> bool:
    if request.endpoint == "static":
        name = (request.view_args or {}).get("filename", "")
        return normpath(str(name)).startswith(_PUBLIC_FILES)
    return request.endpoint in _PUBLIC


def _check_key() -> None:
    """Raises `Unauthorized` without the right key."""
    key = request.headers.get("X-Api-Key", "")
    if not key:
        raise Unauthorized("Send the key in the header X-Api-Key.")
    if not state.get().accounts.check_key(key):
        raise Unauthorized("The key in X-Api-Key is not TigerTag's; see `tigertag password -h`.")


def _send_to_sign_in() -> ResponseReturnValue:
    _forget()
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    target = f"{url_for('sign_in.page')}?{urlencode({'next': request.script_root + here})}"
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": url_for("sign_in.page")})
    return redirect(target)


def is_signed_in() -> bool:
    """Whether this session signed in with the current password."""
    return state.get().accounts.is_in(session.get(_SESSION, ""), session.get(_EPOCH, ""))


@sign_in.get("/sign-in")
def page() -> ResponseReturnValue:
    if is_signed_in():
        return redirect(_target())
    return _sign_in_page()


@sign_in.post("/sign-in")
def enter() -> ResponseReturnValue:
    accounts = state.get().accounts
    link, password = request.form.get("link", ""), request.form.get("password", "")
    address = request.remote_addr or ""
    if link:
        if not accounts.use_link(link, address):
            return _sign_in_page("This link was used already, or is too old.", 403)
    else:
        try:
            if not accounts.check_password(password, address):
                return _sign_in_page("This is not the password.", 403)
        except Throttled as exc:
            response = _sign_in_page(str(exc), 429)
            return *response, {"Retry-After": str(round(exc.retry_after_s))}
    target = _target()
    session.clear()
    session[_EPOCH] = accounts.epoch()
    session[_SESSION] = accounts.begin(address)
    session.permanent = True
    return redirect(target)


@sign_in.post("/sign-out")
def leave() -> ResponseReturnValue:
    state.get().accounts.end(session.get(_SESSION, ""))
    session.clear()
    return redirect(url_for("sign_in.page"))


def _sign_in_page(error: str = "", status: int = 200) -> tuple[str, int]:
    return render_template("sign_in.html", error=error, next=request.values.get("next", "")), status


def _forget() -> None:
    """Drop a session that is no longer valid, but not the CSRF token of an open form."""
    session.pop(_EPOCH, None)
    session.pop(_SESSION, None)


def _target() -> str:
    """Return where to go after signing in: a page of TigerTag, never another site."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted)
    home = f"{request.script_root}/"
    is_local = wanted.startswith(home) and not wanted.startswith("//")
    # Browsers read a backslash as a slash, and drop tabs and line ends.
    is_plain = wanted.isprintable() and "\\" not in wanted
    return wanted if is_local and is_plain and not parts.scheme and not parts.netloc else home
