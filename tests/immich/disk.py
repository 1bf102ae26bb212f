"""Where originals and sidecars lie: real files in a library with a real folder, else in memory."""

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from tests.immich import sidecars
from tests.immich.holdings import Asset

if TYPE_CHECKING:
    from tests.immich.state import State


class Disk:
    """`sidecars` are those in memory, by path. `read_only` holds folders that reject writes."""

    def __init__(self, server: "State") -> None:
        self._server = server
        self.sidecars: dict[str, bytes] = {}
        self.read_only: set[str] = set()

    def is_real(self, asset: Asset) -> bool:
        library = self._server.libraries.get(asset.library or "")
        return library is not None and Path(library.path).is_dir()

    def sidecar_path(self, asset: Asset) -> str:
        """`name.jpg.xmp`, unless only a `name.xmp` is there."""
        own = f"{asset.path}.xmp"
        shared = f"{asset.path.rpartition('.')[0]}.xmp"
        return shared if not self._exists(asset, own) and self._exists(asset, shared) else own

    def sidecar_of(self, asset: Asset) -> bytes | None:
        path = self.sidecar_path(asset)
        if not self.is_real(asset):
            return self.sidecars.get(path)
        try:
            return Path(path).read_bytes()
        except OSError:
            return None

    def write_sidecar(self, asset: Asset, tags: list[str]) -> bool:
        """Only a line of the server's log tells that this has failed."""
        path = self.sidecar_path(asset)
        library = self._server.libraries.get(asset.library or "")
        closed = self.read_only | ({library.path} if library and not library.writable else set())
        if any(path.startswith(f"{folder.rstrip('/')}/") for folder in closed):
            return False
        try:
            xmp = sidecars.written(self.sidecar_of(asset), tags)
            if self.is_real(asset):
                Path(path).write_bytes(xmp)
            else:
                self.sidecars[path] = xmp
        except (OSError, ParseError, IndexError):
            return False
        return True

    def _exists(self, asset: Asset, path: str) -> bool:
        return Path(path).exists() if self.is_real(asset) else path in self.sidecars
