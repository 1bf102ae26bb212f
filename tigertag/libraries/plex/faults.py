"""What Plex's answers mean as errors, where they are Plex's alone. No message carries a secret."""

import requests

from tigertag.errors import ItemError, LibraryError, LibraryReadOnly
from tigertag.libraries.mediaserver import faults
from tigertag.libraries.mediaserver.faults import FORBIDDEN, LATER, NotNow, Refused

OK = frozenset({200, 201, 204})


def no_file(refused: Refused) -> ItemError:
    """Return what it means for its item that a file was refused."""
    return faults.no_file(refused, forbidden="The server's owner does not permit its download.")


class Wording(faults.Wording):
    """The sentences about one library on Plex."""

    def __init__(self, library: str, url: str) -> None:
        super().__init__(library, url, "Plex")

    def refusal(self, response: requests.Response, *, body: bytes = b"") -> LibraryError:
        """Return the error that an answer with a status other than success is."""
        status = response.status_code
        if status == 401:
            return LibraryError(
                self._said(
                    f"{self._url} refuses the token (401). Set {self._stem}_TOKEN to the token of"
                    " the server's owner; docs/libraries/plex.md says where to find it."
                )
            )
        if status == FORBIDDEN and response.request.method == "PUT":
            return LibraryReadOnly(
                self._said(
                    f"{self._url} does not let this token edit (403). Previews work; to apply, set"
                    f" {self._stem}_TOKEN to the token of the server's owner."
                )
            )
        if status in LATER:
            migrates = b'title="Maintenance"' in body
            why = "Plex is migrating its database" if migrates else f"{self._url} is not ready"
            return NotNow(self._said(f"{why} ({status}). What was done is kept; try again later."))
        return self.refused(response)
