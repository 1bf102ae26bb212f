"""What an admin does on a fake Immich: external libraries, and jobs for all; renaming of tags."""

from pathlib import Path

from tests.immich.holdings import Asset, Library, without
from tests.immich.owner import Owner
from tests.immich.shapes import changed_in, shape_of

_FILES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".bmp", ".heic", ".mp4", ".mov"}
)


class Admin(Owner):
    """Mixed into the server, for what happens there without a request."""

    def rename_tag(self, key: str, name: str) -> None:
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

    def delete_tag(self, key: str) -> None:
        """Delete a tag and those below. `updatedAt` of the assets stays, and so do the sidecars."""
        with self.lock:
            gone = {key, *self.below(key)}
            for one in gone:
                del self.tags_by_id[one]
            for asset in self.assets.values():
                asset.tags = without(asset.tags, gone)
            self.changed()

    def clean_tags(self) -> None:
        """The admin's job: tags go that no asset has; those of POST also while one has them."""
        with self.lock:
            used = {tag for asset in self.assets.values() for tag in asset.tags}
            for key in sorted(self.tags_by_id, key=lambda one: -len(self.tags_by_id[one].value)):
                tag = self.tags_by_id[key]
                if not tag.closed or (self.closure(key).isdisjoint(used)):
                    self.delete_tag(key)

    def add_library(self, path: str | Path, *, name: str = "", writable: bool = True) -> str:
        """Add an external library. If its folder is there, its files and sidecars are real."""
        with self.lock:
            made = Library(self.new_id(), self.owner, name, str(path), writable, self.now())
            self.libraries[made.id] = made
            if Path(path).is_dir():
                self.scan_library(made.id)
            return made.id

    def scan_library(self, key: str) -> None:
        """Find new, changed and missing files of a library with a real folder."""
        with self.lock:
            library = self.libraries[key]
            known = {one.path: one for one in self.assets.values() if one.library == key}
            for file in sorted(Path(library.path).rglob("*")):
                if file.suffix.lower() not in _FILES or str(file) in known:
                    continue
                taken = changed_in(file)
                self.add_photo(key, file.name, file, path=str(file), taken=taken)
            for path, asset in known.items():
                self._rescan(Path(path), asset)

    def extract_all(self) -> None:
        """The admin's job: a forced extraction of the metadata of all assets."""
        with self.lock:
            for asset in self.assets.values():
                self.jobs.extract(asset)

    def _rescan(self, file: Path, asset: Asset) -> None:
        """A file that is gone is offline, and in the trash as long as it is."""
        there = file.exists()
        if not there and not asset.offline:
            self.change(asset.id, offline=True, trashed=self.now())
        elif there and asset.offline:
            self.change(asset.id, offline=False, trashed=None)
            self.jobs.extract(asset)
        elif there and changed_in(file) != asset.file_changed:
            asset.width, asset.height, _orientation = shape_of(asset)
            self.change(asset.id, file_changed=changed_in(file), version=asset.version + 1)
            self.jobs.extract(asset)
