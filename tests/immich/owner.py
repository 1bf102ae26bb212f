"""The owner's hands on a fake Immich: what is added, changed and taken away behind the routes."""

import mimetypes
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.immich.holdings import Album, Asset, Json, Library, Source, Tag, content, without
from tests.immich.jobs import found_in

if TYPE_CHECKING:
    from tests.immich.server import ImmichServer

_ORIENTATION = 274
_PICTURES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".bmp", ".heic", ".mp4", ".mov"}
)


class Owner:
    """Mixed into the server, for what happens there without a request."""

    def add_photo(
        self: "ImmichServer",
        library: str | None,
        name: str,
        picture: Source,
        *,
        owner: str = "",
        processed: bool = True,
        path: str = "",
        tags: tuple[str, ...] = (),
        **fields: Any,
    ) -> str:
        """Add a photo or a video, uploaded or in an external library, and return its id.

        One that is not `processed` has no width until its extraction is done, which is begun here.
        `tags` are put in its file, as keywords. `fields` are those of `Asset`, such as `visibility`.
        """
        with self.lock:
            made = self.now()
            asset = Asset(
                *(self.new_id(), owner or self.owner, library, "IMAGE"),
                *(path, name, "", picture, made, made, made, made, None, None),
            )
            asset.mime = mimetypes.guess_type(name)[0] or "image/jpeg"
            asset.kind = "VIDEO" if asset.mime.startswith("video/") else "IMAGE"
            asset.path = path or self._place(asset)
            asset.embedded = {"TagsList": list(tags)} if tags else {}
            asset.taken = asset.file_changed = round(made, 3)
            for field, value in fields.items():
                setattr(asset, field, value)
            self.assets[asset.id] = asset
            if processed:
                self.process(asset)
                self.replace_tags(asset, found_in(self, asset))
            else:
                self.jobs.extract(asset)
            self.changed()
            return asset.id

    def replace_photo(self: "ImmichServer", key: str, picture: Source) -> None:
        """Put another file in its place, and let the server notice."""
        with self.lock:
            asset = self.assets[key]
            if self.disk.is_real(asset) and isinstance(picture, bytes):
                Path(asset.path).write_bytes(picture)
            else:
                asset.source = picture
            asset.version += 1
            asset.file_changed = max(round(self.now(), 3), asset.file_changed + 0.001)
            asset.width = asset.height = None
            self.process(asset)
            self.touch(asset)

    def remove(self: "ImmichServer", key: str) -> None:
        """Delete an asset for good."""
        with self.lock:
            del self.assets[key]
            for album in self.albums.values():
                album.assets = without(album.assets, [key])
            self.changed()

    def trash(self: "ImmichServer", key: str) -> None:
        self.change(key, trashed=self.now())

    def change(self: "ImmichServer", key: str, **fields: Any) -> None:
        """Set fields of an asset, such as `visibility`, `offline` or `exif`; `updatedAt` moves."""
        with self.lock:
            for field, value in fields.items():
                setattr(self.assets[key], field, value)
            self.touch(self.assets[key])

    def tag(self: "ImmichServer", key: str, *values: str) -> None:
        """Put tags on an asset as its owner does in the web app."""
        with self.lock:
            asset = self.assets[key]
            made = [self.tag_of(asset.owner, value) for value in values]
            self.put_tags(asset, [one for one in made if one is not None])

    def untag(self: "ImmichServer", key: str, *values: str) -> None:
        with self.lock:
            asset = self.assets[key]
            gone = [one for one in asset.tags if self.tags_by_id[one].value in values]
            asset.tags = without(asset.tags, gone)
            self.tagged(asset)

    def tags(self: "ImmichServer", key: str) -> list[str]:
        with self.lock:
            return sorted(self.tags_by_id[one].value for one in self.assets[key].tags)

    def rename_tag(self: "ImmichServer", key: str, name: str) -> None:
        """Rename a tag and with it those below, as can be done from 3.2 on.

        That the sidecars of its assets are written then is not recorded.
        """
        with self.lock:
            tag = self.tags_by_id[key]
            old, new = tag.value, "/".join([*tag.value.split("/")[:-1], name])
            for one in self.tags_by_id.values():
                if one.id == key or one.value.startswith(f"{old}/"):
                    one.value = new + one.value[len(old) :]
                    one.changed = self.now()
            family = self.closure(key)
            for asset in self.assets.values():
                if not family.isdisjoint(asset.tags):
                    self.tagged(asset)

    def delete_tag(self: "ImmichServer", key: str) -> None:
        """Delete a tag and those below. `updatedAt` of the assets stays, and so do the sidecars."""
        with self.lock:
            gone = {key, *self.below(key)}
            for one in gone:
                del self.tags_by_id[one]
            for asset in self.assets.values():
                asset.tags = without(asset.tags, gone)
            self.changed()

    def clean_tags(self: "ImmichServer") -> None:
        """The admin's job: tags go that no asset has; those of POST also while one has them."""
        with self.lock:
            used = {tag for asset in self.assets.values() for tag in asset.tags}
            for key in sorted(self.tags_by_id, key=lambda one: -len(self.tags_by_id[one].value)):
                tag = self.tags_by_id[key]
                if not tag.closed or (self.closure(key).isdisjoint(used)):
                    self.delete_tag(key)

    def add_library(
        self: "ImmichServer", path: str | Path, *, name: str = "", writable: bool = True
    ) -> str:
        """Add an external library. If its folder is there, its files and sidecars are real."""
        with self.lock:
            made = Library(self.new_id(), self.owner, name, str(path), writable, self.now())
            self.libraries[made.id] = made
            if Path(path).is_dir():
                self.scan_library(made.id)
            return made.id

    def scan_library(self: "ImmichServer", key: str) -> None:
        """Find new, changed and missing files of a library with a real folder."""
        with self.lock:
            library = self.libraries[key]
            known = {one.path: one for one in self.assets.values() if one.library == key}
            for file in sorted(Path(library.path).rglob("*")):
                if file.suffix.lower() not in _PICTURES or str(file) in known:
                    continue
                changed = round(file.stat().st_mtime, 3)
                dates = {"file_changed": changed, "taken": changed}
                self.add_photo(key, file.name, file, path=str(file), **dates)
            for path, asset in known.items():
                self._rescan(Path(path), asset)

    def extract_all(self: "ImmichServer") -> None:
        """The admin's job: a forced extraction of the metadata of all assets."""
        with self.lock:
            for asset in self.assets.values():
                self.jobs.extract(asset)

    def add_album(self: "ImmichServer", name: str, *assets: str) -> str:
        with self.lock:
            made = Album(self.new_id(), self.owner, name, list(assets), self.now())
            self.albums[made.id] = made
            self.changed()
            return made.id

    def stack(self: "ImmichServer", *assets: str) -> str:
        with self.lock:
            key = self.new_id()
            self.stacks[key] = list(assets)
            for one in assets:
                self.change(one, stack=key)
            return key

    def add_person(self: "ImmichServer", key: str, name: str) -> str:
        with self.lock:
            person: Json = {"id": self.new_id(), "name": name, "birthDate": None}
            person |= {"thumbnailPath": "", "isHidden": False, "isFavorite": False}
            person |= {"updatedAt": "2026-11-28T14:01:00.780Z"}
            self.change(key, people=[*self.assets[key].people, person])
            return str(person["id"])

    def closure(self: "ImmichServer", key: str) -> set[str]:
        """The tags that a search for one means: itself and those below, unless POST made them."""
        return {
            one
            for one in (key, *self.below(key))
            if one in self.tags_by_id and self.tags_by_id[one].closed
        }

    def below(self: "ImmichServer", key: str) -> set[str]:
        found: set[str] = set()
        level = {key}
        while level:
            level = {one.id for one in self.tags_by_id.values() if one.parent in level}
            found |= level
        return found

    def tag_by_value(self: "ImmichServer", owner: str, value: str) -> Tag | None:
        for one in self.tags_by_id.values():
            if one.owner == owner and one.value == value:
                return one
        return None

    def _place(self: "ImmichServer", asset: Asset) -> str:
        if asset.library is not None:
            folder = self.libraries[asset.library].path
            path = f"{folder}/{asset.name}"
            if Path(folder).is_dir() and isinstance(asset.source, bytes):
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                Path(path).write_bytes(asset.source)
                asset.source = Path(path)
            asset.name = asset.name.rpartition("/")[2]
            return path
        ending = asset.name.rpartition(".")[2] if "." in asset.name else "jpg"
        folder = f"{asset.id[:2]}/{asset.id[2:4]}"
        return f"/data/media/upload/{asset.owner}/{folder}/{asset.id}.{ending}"

    def _rescan(self: "ImmichServer", file: Path, asset: Asset) -> None:
        """A file that is gone is offline, and in the trash as long as it is."""
        there = file.exists()
        if not there and not asset.offline:
            self.change(asset.id, offline=True, trashed=self.now())
        elif there and asset.offline:
            self.change(asset.id, offline=False, trashed=None)
            self.jobs.extract(asset)
        elif there and round(file.stat().st_mtime, 3) != asset.file_changed:
            changed = round(file.stat().st_mtime, 3)
            self.change(asset.id, file_changed=changed, version=asset.version + 1)
            self.jobs.extract(asset)


def shape_of(asset: Asset) -> tuple[int, int, str | None]:
    """Width and height, upright, and the orientation in EXIF; what is no picture is a film."""
    if asset.kind == "VIDEO":
        return 640, 360, "1"
    changed = asset.source.stat().st_mtime_ns if isinstance(asset.source, Path) else asset.version
    return _shape(asset.source, changed)


@lru_cache(maxsize=1024)
def _shape(source: Source, _version: int) -> tuple[int, int, str | None]:
    try:
        with Image.open(BytesIO(content(source))) as image:
            orientation = image.getexif().get(_ORIENTATION)
            wide, high = image.size[::-1] if (orientation or 1) >= 5 else image.size
            return wide, high, None if orientation is None else str(orientation)
    except OSError:
        return 640, 360, None
