"""ExifTool as an independent reader and writer of metadata; left out loudly where it is not."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.absent import absent


class ExifTool:
    """What another program reads of a file, and writes into it."""

    def read(self, path: Path, *properties: str) -> dict[str, Any]:
        """The properties that are there, such as "XMP-dc:Subject"; lists as lists."""
        return self._values([path], properties)[0]

    def write(self, path: Path, *assignments: str) -> None:
        """Set what is given as "XMP-dc:Subject=cat"; a list is given entry by entry."""
        given = [f"-{one}" for one in assignments]
        self._run("-q", "-overwrite_original", "-codedcharacterset=utf8", *given, str(path))

    def immich(self, photo: Path) -> list[str]:
        """The tags that Immich takes, by its own order of sidecars and of lists.

        server/src/services/metadata.service.ts: getSidecarTags, mergeExifTags, getTagList.
        """
        sidecars = (photo.with_name(f"{photo.name}.xmp"), photo.with_suffix(".xmp"))
        sidecar = [path for path in sidecars if path.exists()][:1]
        found: dict[str, Any] = {}
        for one in self._values([photo, *sidecar], ("TagsList", "HierarchicalSubject", "Keywords")):
            found |= one
        for name in ("XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject", "IPTC:Keywords"):
            if found.get(name):
                return [entry.replace("|", "/") for entry in found[name]]
        return []

    def _values(self, paths: Sequence[Path], properties: Sequence[str]) -> list[dict[str, Any]]:
        asked = [f"-{name}" for name in properties]
        told = json.loads(self._run("-j", "-G1", "-struct", *asked, *map(str, paths)))
        return [{k: _listed(v) for k, v in one.items() if k != "SourceFile"} for one in told]

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(["exiftool", *arguments], capture_output=True, check=True)
        return done.stdout.decode()


def _listed(value: Any) -> Any:
    lists = value if isinstance(value, list) else [value]
    return [str(entry) for entry in lists]


@pytest.fixture(scope="session")
def exiftool() -> ExifTool:
    if shutil.which("exiftool") is None:
        absent("ExifTool")
    return ExifTool()
