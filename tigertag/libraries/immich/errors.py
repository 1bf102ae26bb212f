"""What Immich's refusals mean, or that it does not answer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urljoin

import requests

from tigertag.errors import LibraryError, LibraryReadOnly, LibraryUnavailable
from tigertag.libraries.mediaserver.errors import (
    FORBIDDEN,
    NOT_FOUND,
    RefusedByServer,
    ServerErrors,
)
from tigertag.text import bare_url

_BAD_REQUEST, _UNAUTHORIZED = 400, 401
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_FOUND = "Not found or no "
_LOCKED = "Elevated permission"
_MISSING_PERMISSION = "Missing required permission: "
_WRITING = frozenset({"tag.create", "tag.asset"})


class NotFoundByImmich(RefusedByServer):
    """Immich has no such asset or tag for this user. It answers 400: 404 is for what comes later,
    such as a preview that is not made yet."""


class HungServer(LibraryUnavailable):
    """Immich takes requests and does not answer them."""


class ImmichErrors(ServerErrors):
    """Makes the errors of one library on Immich."""

    product = "Immich"
    secret, setting = "key", "API_KEY"
    right = "an API key (docs/libraries/immich.md says how to make one)"

    @property
    def key_setting(self) -> str:
        return f"{self._prefix}_{self.setting}"

    @contextmanager
    def mapped(self) -> Iterator[None]:
        with super().mapped():
            try:
                yield
            except requests.ReadTimeout:
                raise self._silent() from None

    def _silent(self) -> HungServer:
        """The error for a request that got no answer: others may get one."""
        return HungServer(
            self._line(
                f"{self._url} did not answer in time: it has much to do, or may have hung."
                " Everything so far is kept; scan again, and restart Immich if it stays so."
            )
        )

    def hung(self) -> HungServer:
        return HungServer(
            self._line(
                f"{self._url} takes requests but does not answer them. Its ping may answer all the"
                " same: Immich hangs once its database connections all wait for each other, and"
                " only a restart of Immich helps then. Everything so far is kept; restart it, then"
                " scan again."
            )
        )

    def of_status(self, response: requests.Response, body: bytes) -> LibraryError:
        status, message = response.status_code, _message(response, body)
        if status in _REDIRECTS:
            return self._redirected(response)
        is_locked = status == _UNAUTHORIZED and message.startswith(_LOCKED)
        if is_locked or (status == _BAD_REQUEST and message.startswith(_NOT_FOUND)):
            return NotFoundByImmich(self._line(f"{self._url} answered: {message}."), NOT_FOUND)
        if status == FORBIDDEN:
            return self._forbidden(response, message.removeprefix(_MISSING_PERMISSION), message)
        return super().of_status(response, body)

    def _redirected(self, response: requests.Response) -> LibraryError:
        """The error for a redirect: of a proxy, to where Immich is, or to a sign-in page."""
        asked = bare_url(response.url)
        target = bare_url(urljoin(response.url, response.headers.get("Location", "")))
        route = asked.removeprefix(self._url)
        if target != asked and target.endswith(route):
            address = target.removesuffix(route)
            return self.error(
                f"{self._url} redirects to {address}. Set {self._prefix}_URL to that address."
            )
        return self.error(
            f"{self._url} redirects to {target}. It may be the sign-in page of a proxy. Set"
            f" {self._prefix}_URL to the address and port of {self.product} itself."
        )

    def _forbidden(
        self, response: requests.Response, permission: str, message: str
    ) -> LibraryError:
        if permission == message:
            line = f"{self._url} does not allow {response.request.method} with this key (403)."
            return RefusedByServer(self._line(line), FORBIDDEN)
        error = LibraryReadOnly if permission in _WRITING else LibraryError
        previews = "Previews work; to apply changes, set" if permission in _WRITING else "Set"
        return error(
            self._line(
                f"the API key lacks the permission {permission}. {previews} {self.key_setting} to a"
                " key that has it (docs/libraries/immich.md says how to make one). Everything so"
                " far is kept."
            )
        )

    def no_album(self, name: str, hint: str) -> LibraryError:
        return self.error(
            f"{self._prefix}_ALBUMS names {name!r}, but {self._url} has no such album of this"
            f" user's{hint}"
        )

    def page_cut_short(self, listed: int, promised: int) -> LibraryError:
        return self._unavailable(
            f"{self._url} listed only {listed} of the {promised} assets of a page. All items are"
            " kept; scan again."
        )

    def listing_without_end(self) -> LibraryError:
        return self._unavailable(
            f"{self._url} lists the same assets over and over. All items are kept; scan again."
        )


def _message(response: requests.Response, body: bytes) -> str:
    """Return what a refusal says; also that of a request whose response is streamed."""
    with suppress(requests.RequestException, ValueError):
        answer = json.loads(body or response.content)
        return str(answer.get("message", "")) if isinstance(answer, dict) else ""
    return ""
