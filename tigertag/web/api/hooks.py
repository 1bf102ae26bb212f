"""REST for hooks: made and revoked with the key, called without it by other programs."""

from datetime import datetime
from io import BytesIO
from typing import IO, Any, Literal

from flask import Response, request, url_for
from flask_openapi3 import RawModel
from pydantic import BaseModel, Field
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from tigertag.errors import RequestError
from tigertag.services import hooks
from tigertag.web import state
from tigertag.web.api.routes import Routes, made, nothing, sent
from tigertag.web.api.schemas import (
    Body,
    Id,
    Name,
    Nothing,
    Shape,
    ShapeList,
    ShortWord,
    Text,
    Token,
)

routes = Routes("hooks", "Addresses where other programs announce what is new.")

LARGEST_NEWS = 1024 * 1024
_TOO_LARGE = "The body is too large; a hook takes at most 1 MiB."
_MOST_PARTS = 20
# Plex's name, and that of Emby before 4.9.
_PARTS = ("payload", "data")


class HookShape(Shape):
    """A hook. Its token is shown only when it is made."""

    id: int
    name: str
    library: str = Field(description="Empty: what is announced says which.")
    section: str = Field(description="The section's id; empty: what is announced says which.")
    write: Literal["preview", "apply"] = Field(description="What the scans do that it asks for.")
    created_at: datetime
    last_at: datetime | None = Field(description="When it was last called; null: never.")
    news: int = Field(description="How often news were announced; many within a second are one.")
    others: int = Field(description="How often it was called without news, such as for a test.")


class MadeHook(Shape):
    """A hook that was just made."""

    hook: HookShape
    token: str = Field(description="Its secret part. It is not kept, so it is shown only now.")
    url: str = Field(description="Where to send news to; its host is that of this request.")


class NewHook(Body):
    """A hook to make."""

    name: ShortWord = Field(description="Such as the program that will call it.")
    library: Name = Field(default="", description="Only for this library: its id.")
    section: Text = Field(default="", description="Only for this section: its id or title.")
    write: Literal["preview", "apply"] = Field(
        default="preview", description="What the scans do that it asks for."
    )


class HookPath(BaseModel):
    hook: Id = Field(description="The hook's id.")


class TokenPath(BaseModel):
    hook: Token = Field(description="The hook's token.")


class News(RawModel):
    """What Plex, Emby, Jellyfin, Immich, Sonarr, Radarr or a script sends."""

    mimetypes = ["application/json", "multipart/form-data"]  # noqa: RUF012


class AnnouncedShape(Shape):
    """What follows from a call."""

    message: str
    sections: list[str] = Field(
        description='What will be scanned: "library/section id", or a library; empty: nothing.'
    )


@routes.get("/hooks", ShapeList[HookShape])
def list_hooks(query: Nothing) -> Response:
    """List the hooks."""
    return sent(ShapeList[HookShape], hooks.listed(state.core()))


@routes.post("/hooks", {201: made(MadeHook, "The hook.")}, 400, 404, 409, 413, 415, 502)
def add_hook(body: NewHook, query: Nothing) -> Response:
    """Make a hook. Its address is shown now and never again."""
    new = hooks.add(
        state.core(), body.name, library=body.library, section=body.section, write=body.write
    )
    view = {"hook": new.hook, "token": new.token, "url": address_of(new.token)}
    return sent(MadeHook, view, 201, location=url_for("api_hooks.list_hooks"))


@routes.delete("/hooks/<hook>", 404)
def remove_hook(path: HookPath, query: Nothing) -> Response:
    """Revoke a hook: whoever calls its address is refused from now on."""
    hooks.remove(state.core(), path.hook)
    return nothing()


@routes.post("/hooks/<hook>", AnnouncedShape, 404, 409, 413, 429, needs_key=False)
def announce(path: TokenPath, raw: News) -> Response:
    """Announce what is new. The token in the address is all that is needed.

    The scans of what is announced begin once nothing more was announced for `HOOK_QUIET_S` seconds,
    after ten minutes at the latest. Events that are no news, such as tests, change nothing.
    """
    core = state.core()
    hook = hooks.identify(core, path.hook, request.remote_addr or "")
    return sent(AnnouncedShape, hooks.announce(core, hook, _payload()))


def address_of(token: str) -> str:
    """The address of a hook, as this request has reached TigerTag."""
    return url_for("api_hooks.announce", hook=token, _external=True)


def _payload() -> bytes:
    """Return the JSON of the request; a picture beside it is dropped as it comes.

    Any type of content but a form's is taken for JSON: Jellyfin's plugin may send text/plain.
    """
    # Werkzeug would silently cut a body of unknown length off at its limit.
    request.max_content_length = LARGEST_NEWS + 1
    if (request.content_length or 0) > LARGEST_NEWS:
        raise RequestEntityTooLarge(_TOO_LARGE)
    body: Any = _Limited(request.stream)
    if request.mimetype != "multipart/form-data":
        return b"".join(iter(lambda: body.read(64 * 1024), b""))
    parser = FormDataParser(
        stream_factory=_dropped, max_form_memory_size=LARGEST_NEWS, max_form_parts=_MOST_PARTS
    )
    _stream, form, _files = parser.parse(
        body, request.mimetype, request.content_length, request.mimetype_params
    )
    for name in _PARTS:
        if name in form:
            return form[name].encode("utf-8", "surrogatepass")
    raise RequestError(f"The form has no part {' or '.join(_PARTS)}; nothing was changed.")


class _Limited:
    """A stream that is refused when it turns out to be too long."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = LARGEST_NEWS

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise RequestEntityTooLarge(_TOO_LARGE)
        return data


class _Nowhere(BytesIO):
    """Takes a file and keeps nothing of it."""

    def write(self, data: Any, /) -> int:
        return len(data)


def _dropped(*_about: object, **_more: object) -> IO[bytes]:
    return _Nowhere()
