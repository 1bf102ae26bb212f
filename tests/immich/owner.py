"""The owner's hands on a fake Immich: what is added, changed and taken away behind the routes."""

import mimetypes
import os
from pathlib import Path
from typing import Any

from tests.immich.holdings import Album, Asset, Json, Source, without
from tests.immich.jobs import found_in
from tests.immich.shapes import changed_in
from tests.immich.state import State


class Owner(State):
    """Mixed into the server, for what happens there without a request."""

    def add_photo(
        self,
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
        `tags` are put in its file, as keywords. `fields` are those of `Asset`, as `visibility`.
        """
        with self.lock:
            made = self.now()
            mime = mimetypes.guess_type(name)[0] or "image/jpeg"
            asset = Asset(
                id=self.new_id(),
                owner=owner or self.owner,
                library=library,
                kind="VIDEO" if mime.startswith("video/") else "IMAGE",
                path=path,
                name=name,
                mime=mime,
                source=picture,
                made=made,
                updated=made,
                taken=round(made, 3),
                file_changed=round(made, 3),
            )
            asset.path = path or self._place(asset)
            asset.embedded = {"TagsList": list(tags)} if tags else {}
            for field, value in fields.items():
                setattr(asset, field, value)
            self._date(asset, is_given="file_changed" in fields)
            self.assets[asset.id] = asset
            if processed:
                self.process(asset)
                self.replace_tags(asset, found_in(self, asset) or [])
            else:
                self.jobs.extract(asset)
            self.changed()
            return asset.id

    def replace_photo(self, key: str, picture: Source) -> None:
        """Put another file in its place, and let the server notice."""
        with self.lock:
            asset = self.assets[key]
            if self.disk.is_real(asset) and isinstance(picture, bytes):
                Path(asset.path).write_bytes(picture)
            else:
                asset.source = picture
            asset.version += 1
            asset.file_changed = max(round(self.now(), 3), asset.file_changed + 0.001)
            self._date(asset, is_given=True)
            asset.width = asset.height = None
            self.process(asset)
            self.touch(asset)

    def remove(self, key: str) -> None:
        """Delete an asset for good."""
        with self.lock:
            del self.assets[key]
            for album in self.albums.values():
                album.assets = without(album.assets, [key])
            self.changed()

    def trash(self, key: str) -> None:
        self.change(key, trashed=self.now())

    def change(self, key: str, **fields: Any) -> None:
        """Set fields of an asset, such as `visibility`, `offline` or `exif`; `updatedAt` moves."""
        with self.lock:
            for field, value in fields.items():
                setattr(self.assets[key], field, value)
            self.touch(self.assets[key])

    def tag(self, key: str, *values: str) -> None:
        """Put tags on an asset as its owner does in the web app."""
        with self.lock:
            asset = self.assets[key]
            made = [self.tag_of(asset.owner, value) for value in values]
            if self.put_tags(asset, [one for one in made if one is not None]):
                self.tagged(asset)

    def untag(self, key: str, *values: str) -> None:
        with self.lock:
            asset = self.assets[key]
            gone = [one for one in asset.tags if self.tags_by_id[one].value in values]
            asset.tags = without(asset.tags, gone)
            self.tagged(asset)

    def tags(self, key: str) -> list[str]:
        with self.lock:
            return sorted(self.tags_by_id[one].value for one in self.assets[key].tags)

    def add_album(self, name: str, *assets: str) -> str:
        with self.lock:
            made = Album(self.new_id(), self.owner, name, list(assets), self.now())
            self.albums[made.id] = made
            self.changed()
            return made.id

    def stack(self, *assets: str) -> str:
        with self.lock:
            key = self.new_id()
            self.stacks[key] = list(assets)
            for one in assets:
                self.change(one, stack=key)
            return key

    def add_person(self, key: str, name: str) -> str:
        with self.lock:
            person: Json = {"id": self.new_id(), "name": name, "birthDate": None}
            person |= {"thumbnailPath": "", "isHidden": False, "isFavorite": False}
            person |= {"updatedAt": "2026-11-28T14:01:00.780Z"}
            self.change(key, people=[*self.assets[key].people, person])
            return str(person["id"])

    def _date(self, asset: Asset, *, is_given: bool) -> None:
        """Let a real file and its asset agree on the file's date."""
        if not self.disk.is_real(asset):
            return
        if is_given:
            os.utime(asset.path, (asset.file_changed, asset.file_changed))
        asset.file_changed = changed_in(Path(asset.path))

    def _place(self, asset: Asset) -> str:
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
