"""Headers of answers: security for all of them, caching for pictures."""

from collections.abc import Callable

from flask import Response, request

from tigertag.services.views import Thumbnail

_FRESH_S = 600
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)


def secure(response: Response) -> Response:
    """Add the headers that are not there already."""
    headers = {
        "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def cached_jpeg(etag: str, make: Callable[[], Thumbnail]) -> Response:
    """Answer with a picture that this browser alone may keep for a while, or with 304."""
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        thumbnail = make()
        response, etag = Response(thumbnail.jpeg, content_type="image/jpeg"), thumbnail.etag
    response.set_etag(etag)
    response.cache_control.private = True
    response.cache_control.max_age = _FRESH_S
    return response
