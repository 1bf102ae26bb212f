"""A folder library in a scratch folder, and its owner."""

import os
from pathlib import Path
from typing import Any

from tests.unit.libraries.library_contract import items
from tests.unit.media.pictures import encoded, halves
from tigertag.contracts import EditOutcome, NotRead
from tigertag.libraries.folder import FolderLibrary, Options
from tigertag.model import Edit, Field, Item, Shown, TagRef

PHOTO = encoded(halves(), "JPEG")
OWNERS = """<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Owner">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:subject><rdf:Seq>{}</rdf:Seq></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


class FolderPlace:
    """The owner of a folder of photos."""

    field = Field.TAG

    def __init__(self, root: Path, **options: Any) -> None:
        self.root = root
        self._options = Options(path=root, **options)
        self.library = self.another()

    def another(self) -> FolderLibrary:
        library = FolderLibrary("photos", self._options)
        library.open()
        return library

    def add_photo(self, name: str) -> None:
        photo = self.root / name
        photo.parent.mkdir(parents=True, exist_ok=True)
        photo.write_bytes(PHOTO)

    def change_photo(self, name: str) -> None:
        (self.root / name).write_bytes(encoded(halves(80, 80), "JPEG"))

    def remove_photo(self, name: str) -> None:
        (self.root / name).unlink()

    def tag(self, name: str, *words: str) -> None:
        entries = "".join(f"<rdf:li>{word.replace('&', '&amp;')}</rdf:li>" for word in words)
        self.sidecar(name).write_text(OWNERS.format(entries), encoding="utf-8")

    def sidecar(self, name: str) -> Path:
        return self.root / f"{name}.xmp"

    def item(self, name: str) -> Item:
        return items(self)[os.path.basename(name)]

    def keys(self) -> list[str]:
        library = self.library
        return [item.key for section in library.sections() for item in library.items(section)]

    def read(self, name: str) -> Shown | NotRead:
        (read,) = self.library.read_tags([self.item(name)])
        return read

    def edit(self, name: str, *, adds: tuple[str, ...] = (), removes: tuple[str, ...] = ()) -> Edit:
        return Edit(self.item(name), refs(adds), refs(removes))

    def send(
        self, name: str, *, adds: tuple[str, ...] = (), removes: tuple[str, ...] = ()
    ) -> EditOutcome:
        (outcome,) = self.library.send([self.edit(name, adds=adds, removes=removes)])
        return outcome

    def names(self) -> list[str]:
        return sorted(path.name for path in self.root.rglob("*"))


def refs(words: tuple[str, ...]) -> tuple[TagRef, ...]:
    return tuple(TagRef(Field.TAG, word) for word in words)
