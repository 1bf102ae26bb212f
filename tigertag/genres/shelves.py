"""Where genre models and features are kept."""

from dataclasses import dataclass
from hashlib import sha256

from tigertag.core import Core
from tigertag.errors import ModelError
from tigertag.genres.extracting import Shelf
from tigertag.genres.genre_model import GenreModel
from tigertag.genres.manifest import ARCHIVE, EXAMPLES
from tigertag.genres.models import Models
from tigertag.genres.records import Records


def models(core: Core) -> Models:
    return Models(core.host.models / "genres")


def shelf(core: Core) -> Shelf:
    return Shelf(Records(core.home / "features"), core.store)


@dataclass(frozen=True, slots=True)
class Whole:
    """A model, and the files of it that only learning and measuring need."""

    model: GenreModel
    examples: bytes
    archive: bytes


def whole(core: Core, name: str) -> Whole:
    """Read all of a model at once, so that learning it anew meanwhile mixes nothing.

    Raises `ModelError`, also where it was put in another's place at this very moment.
    """
    shelf, model = models(core), models(core).load(name)
    read = {file: shelf.file(name, file) for file in (EXAMPLES, ARCHIVE)}
    if any(sha256(data).hexdigest() != model.manifest.files[file] for file, data in read.items()):
        raise ModelError(f"The genre model {name!r} was learned anew at this moment; ask again.")
    return Whole(model, read[EXAMPLES], read[ARCHIVE])
