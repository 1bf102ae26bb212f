"""Who is let in: a session for pages, a key for REST, nobody else."""

from datetime import timedelta
from posixpath import normpath
from urllib.parse import urlencode

from flask import Flask, Response, redirect, request, url_for
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import BadRequest, NotFound, Unauthorized

from tigertag import __version__
from tigertag.services.accounts import SESSION_LASTS
from tigertag.web import headers, sign_in, state

_API = "/api/"
_REST = "/api/v1"
_PUBLIC = frozenset({"healthz", "sign_in.page", "sign_in.enter"})
_PUBLIC_FILES = "public/"
_FILES_KEPT = timedelta(days=30)
_LONGEST_BODY_BYTES = 64 * 1024

_STALE = "This page was open for too long; load it again, then repeat."
_FOREIGN = (
    "The browser names another address than TigerTag is asked by. Behind a proxy, set"
    " TIGERTAG_TRUSTED_PROXIES and let it send X-Forwarded-Host and X-Forwarded-Proto."
)

csrf = CSRFProtect()


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie, sent over https alone where that is how it was asked for."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def register(app: Flask) -> None:
    app.config.update(
        SECRET_KEY=state.of(app).accounts.secret(),
        SESSION_COOKIE_NAME="tigertag",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION_LASTS,
        # A picture that was on its way when its user signed out would bring the cookie back.
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
    app.register_blueprint(sign_in.blueprint)


def _with_version(endpoint: str, values: dict[str, object]) -> None:
    """Let browsers keep files, but not those of another version."""
    if endpoint == "static":
        values.setdefault("v", __version__)


def _guard() -> ResponseReturnValue | None:
    if request.path == _REST or request.path.startswith(f"{_REST}/"):
        _check_key()
        return None
    if isinstance(request.routing_exception, NotFound):
        # A program that looks for /metrics is told that there is none, not how to sign in.
        return None
    try:
        csrf.protect()
    except CSRFError as exc:
        raise BadRequest(_FOREIGN if "referrer" in str(exc.description) else _STALE) from exc
    if _is_public() or sign_in.is_in():
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
    sign_in.forget()
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    target = f"{url_for('sign_in.page')}?{urlencode({'next': request.script_root + here})}"
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": url_for("sign_in.page")})
    return redirect(target)
