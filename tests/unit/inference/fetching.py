"""A stand-in for the host's HTTP: it has some files, and keeps to the contract of `Http`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from requests import Session

from tigertag.errors import HttpError

T = TypeVar("T")


@dataclass
class FakeHttp:
    """Serves `files` by address. Counts the transfers."""

    files: dict[str, bytes] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def session(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: Collection[str] = (),
        repeats_timeouts: bool = True,
    ) -> Session:
        raise HttpError("Only files are served here.")

    def retry(
        self, attempt: Callable[[], T], *, cancelled: Callable[[], bool] = lambda: False
    ) -> T:
        return attempt()

    def download(
        self,
        url: str,
        to: Path,
        *,
        sha256_prefix: str = "",
        size_bytes: int | None = None,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> None:
        if to.exists() and sha256(to.read_bytes()).hexdigest().startswith(sha256_prefix):
            return
        data = self.files.get(url)
        if data is None or not sha256(data).hexdigest().startswith(sha256_prefix):
            raise HttpError(f"{url} did not send the file.")
        for done in range(0, len(data) + 1, max(1, len(data) // 20)):
            if progress is not None:
                progress(done, len(data))
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(data)
        self.fetched.append(url)
